"""How our own routes respond to whatever is sent to them: with all security headers, to this site
only, and only under our own host names.
"""

from urllib.parse import quote, urljoin, urlsplit

import pytest

from core.metrics.export_tables import EXPORTS
from core.tenancy.identity.sign_in import issue_ticket
from core.ui.server.routes import routes
from tests import factories as make
from tests.ui.screens import token_of
from tests.ui.server import HERE, OWN, ask

GIVEN = {
    "x-content-type-options",
    "x-frame-options",
    "content-security-policy",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
}
WAYS = sorted(
    (method, route.path.format(table="events")) for route in routes for method in route.methods
)
LEADING_AWAY = [
    "https://shop.example.net",
    "//shop.example.net",
    "///shop.example.net",
    "/\\shop.example.net",
    "\\/shop.example.net",
    "//[",
    "https:shop.example.net",
    "http:/\\shop.example.net",
    "javascript:alert(1)",
    "/\t/shop.example.net",
    "/\n//shop.example.net",
    " //shop.example.net",
    "/\u00a0/shop.example.net",
    "@shop.example.net",
    "data:text/html,x",
    "%2f%2fshop.example.net",
]
PARAMETERS = (
    "next",
    "url",
    "to",
    "goto",
    "target",
    "redirect",
    "redirect_uri",
    "redirect_url",
    "return_to",
    "continue",
    "back",
    "r",
    "u",
)
SPLITTING = [
    "events\r\nSet-Cookie: x=1",
    "events%0d%0aSet-Cookie: x=1",
    "..\\events",
    'events"; filename="x.exe',
    "../../etc/passwd",
]


@pytest.fixture(scope="module")
def admin(database_url):
    return make.viewer(make.organization(), "admin")


@pytest.mark.parametrize(("method", "path"), [*WAYS, ("GET", "/nowhere"), ("POST", "/nowhere")])
@pytest.mark.parametrize("allowed", [True, False])
def test_every_answer_carries_the_headers_also_a_refusal(admin, method, path, allowed):
    who = {"cookie": token_of(admin), "headers": OWN} if allowed else {}

    assert set(ask(method, path, **who).headers) >= GIVEN


@pytest.mark.parametrize(
    ("public", "stays"),
    [
        ("https://sales.example.com", "max-age=31536000"),
        ("http://localhost:8501", None),
    ],
)
def test_browsers_are_told_never_to_come_without_tls_where_there_is_tls(reached_at, public, stays):
    reached_at(public)

    answers = [ask(method, path, headers=OWN) for method, path in WAYS]

    assert {answer.headers.get("strict-transport-security") for answer in answers} == {stays}
    assert all(
        f"connect-src 'self' {public.replace('http', 'ws')}"
        in answer.headers["content-security-policy"]
        for answer in answers
    )


@pytest.mark.parametrize("wanted", LEADING_AWAY)
@pytest.mark.parametrize(("method", "path"), WAYS)
def test_no_route_leads_to_another_site(admin, method, path, wanted):
    asked = dict.fromkeys(PARAMETERS, wanted) | {
        "t": issue_ticket(admin.user_id),
        "organization": str(admin.organization_id),
    }
    body = {"data": asked} if method == "POST" else {}

    answer = ask(method, path, cookie=token_of(admin), params=asked, headers=OWN, **body)

    assert answer.status_code < 500
    assert leads_to(answer.headers.get("location", "")) == urlsplit(HERE).netloc


def leads_to(location):
    """The host that a browser goes to: it reads backslashes as slashes and leaves out invisible
    characters.
    """
    seen = (
        "".join(letter for letter in location if letter not in "\t\r\n").strip().replace("\\", "/")
    )
    return urlsplit(urljoin(f"{HERE}/auth/ticket", seen)).netloc


@pytest.mark.parametrize("table", SPLITTING)
def test_nothing_that_is_asked_for_becomes_a_header_or_a_file_name(admin, table):
    cookie = token_of(admin)
    answers = [
        ask("GET", f"/exports/{quote(table, safe='')}", cookie=cookie),
        ask("GET", "/exports/events", cookie=cookie, params={"format": table}),
        ask("GET", "/exports/events", cookie=cookie, params={"columns": table}),
        ask("GET", "/exports/events", cookie=cookie, params={"start": table}),
    ]

    for answer in answers:
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"].startswith("text/plain")
        assert not {"set-cookie", "content-disposition"} & set(answer.headers)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ",".join(["id"] * 1664)}, "A column can be chosen once."),
        ({"start": "0001-01-01", "end": "0001-01-02"}, "between 2000 and 2100"),
        ({"start": "2026-01-01", "end": "9999-12-31"}, "between 2000 and 2100"),
    ],
)
def test_an_export_that_no_database_can_answer_is_refused_in_a_sentence(admin, asked, said):
    answer = ask("GET", "/exports/events", cookie=token_of(admin), params=asked)

    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize("table", EXPORTS)
def test_an_export_has_a_name_of_our_own_and_stays_in_no_cache(admin, table):
    answer = ask("GET", f"/exports/{table}", cookie=token_of(admin))

    name = EXPORTS[table].label.lower().replace(" ", "-")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    assert answer.headers["cache-control"] == "no-store"
