"""What is sent over the network: nothing to or from other sites; and every screen draws without
errors in the console.
"""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.ui.navigation import SCREENS
from core.ui.server.routes import routes
from tests.browser.conftest import PHONE, complaint_of, fits_the_width
from tests.browser.runs import move, settled
from tests.by_day import some
from tests.ports import get, post
from tests.ui.contrast import contrast
from tests.ui.hostile_names import HOSTILE
from tests.ui.screens import token_of
from tests.ui.teams import team

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": None,
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' blob:; style-src 'self'"
        " 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self'"
        " blob:; object-src 'none'; frame-src 'none'; frame-ancestors 'none'; base-uri 'self';"
        " form-action 'self'; connect-src 'self' {socket}"
    ),
}
STRANGER = "https://shop.example.net"


@pytest.fixture(scope="module")
def signed_in(ours) -> dict[str, str]:
    """The cookie of an admin."""
    return {"sid": token_of(ours.admin)}


@pytest.fixture(scope="module")
def stranger():
    """A client that opens one connection for all of its requests."""
    with httpx.Client() as client:
        yield client


@pytest.fixture(scope="module")
def phone(product, ours, windows):
    """A phone in dark mode, signed in as somebody who sees every screen; it records errors and
    requests.
    """
    complaints: list[str] = []
    hosts: set[str] = set()
    page = windows("", ours.people["super_admin"], **PHONE, color_scheme="dark")
    page.on("console", lambda line: complaints.extend(complaint_of(line)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    page.goto(f"{product.screens}/account")
    settled(page)
    return page, complaints, hosts


@pytest.mark.parametrize("screen", some(screen.key for screen in SCREENS))
def test_a_screen_draws_in_the_dark_on_a_phone_without_a_complaint_and_asks_no_stranger(
    product, ours, phone, screen
):
    page, complaints, hosts = phone
    complaints.clear()
    query = "&".join(f"{name}={value}" for name, value in ours.row(screen).items())

    move(page, f"/{screen if screen != 'home' else ''}?{query}")
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()

    assert fits_the_width(page)
    assert complaints == []
    assert hosts - {""} == {urlsplit(product.screens).netloc}


def test_names_written_by_strangers_are_drawn_letter_by_letter(product, visit):
    crew = team("Thorn", names=f"{HOSTILE} https://shop.example.net www.example.net :streamlit:")
    page = visit("/my-day", crew.rep)
    opened = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))

    for path in (
        "/my-day",
        f"/event?id={crew.ids['event']}",
        f"/form?event={crew.ids['form']}",
        f"/payment?id={crew.ids['payment']}",
    ):
        page.goto(f"{product.screens}{path}")
        settled(page)
        main = page.get_by_test_id("stMain")
        assert HOSTILE in main.inner_text()
        assert (
            main.locator(
                "script, img, .katex, a[href^='javascript'], a[href*='example.net'],"
                " [data-testid=stIconMaterial]"
            ).all()
            == []
        )
    assert opened == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/connections",
        "/healthz",
        "/exports/events",
        "/media/unknown.csv",
        "/app/static/favicon.png",
    ],
)
def test_every_answer_carries_the_security_headers(product, path):
    answer = get(f"{product.screens}{path}")

    socket = product.screens.replace("http", "ws")
    assert {name: answer.headers.get(name) for name in HEADERS} == {
        name: said and said.format(socket=socket) for name, said in HEADERS.items()
    }


READS = {"GET", "HEAD", "OPTIONS"}
CHANGES = sorted(
    (method, route.path.format(table="events"))
    for route in routes
    for method in route.methods - READS
)
STREAMLITS = [
    ("PUT", "/_stcore/upload_file/a/b"),
    ("DELETE", "/_stcore/upload_file/a/b"),
    ("POST", "/_stcore/agent"),
    ("POST", "/new"),
]
FROM_ELSEWHERE = [
    {"origin": STRANGER},
    {"referer": f"{STRANGER}/page"},
    {"origin": "null"},
    {},
    {"origin": ""},
    {"origin": "http://["},
    {"origin": "{here}.example.net"},
    {"origin": "http://x@{host}"},
    {"origin": "{here}/"},
    {"referer": "{here}.example.net/"},
    {"origin": "{here}", "sec-fetch-site": "cross-site"},
    {"origin": "{here}", "sec-fetch-site": "same-site"},
    {"origin": "{here}", "sec-fetch-site": "none"},
    {"origin": STRANGER, "referer": "{here}/page"},
]


@pytest.mark.parametrize(("method", "path"), CHANGES + STREAMLITS)
@pytest.mark.parametrize("sent", FROM_ELSEWHERE, ids=str)
def test_a_form_of_another_site_changes_nothing(
    product, ours, signed_in, stranger, method, path, sent
):
    headers = {
        name: said.format(here=product.screens, host=urlsplit(product.screens).netloc)
        for name, said in sent.items()
    }
    there = {"organization": str(ours.admin.organization_id), "email": "lead@cedar.example.com"}

    answer = stranger.request(
        method,
        f"{product.screens}{path}",
        data=there,
        headers=headers | {"cookie": f"sid={signed_in['sid']}"},
    )

    assert (answer.status_code, answer.text) == (403, "This request came from another site.")


def test_after_all_that_one_is_signed_in_still(product, signed_in):
    assert get(f"{product.screens}/exports/events", cookies=signed_in).status_code == 200


def test_the_forms_of_our_own_pages_are_taken(product, ours):
    cookies = {"sid": token_of(ours.admin)}
    for path, status in (
        ("/find", 200),
        ("/find", 200),
        ("/exports/person", 200),
        ("/auth/organization", 303),
        ("/auth/sign-out", 303),
    ):
        data = {"organization": str(ours.admin.organization_id), "email": "lead@cedar.example.com"}
        headers = {"origin": product.screens, "sec-fetch-site": "same-origin"}
        assert (
            post(
                f"{product.screens}{path}", data=data, headers=headers, cookies=cookies
            ).status_code
            == status
        )
    assert {path for _, path in CHANGES} == {
        "/exports/person",
        "/auth/organization",
        "/auth/sign-out",
        "/find",
    }


def test_a_socket_of_another_site_is_refused(product):
    with pytest.raises(InvalidStatus) as refusal:
        connect(f"{product.screens.replace('http', 'ws')}/_stcore/stream", origin=STRANGER).close()

    assert refusal.value.response.status_code == 403


@pytest.mark.parametrize(
    "path", ["/exports/events", "/media/file.csv", "/_stcore/metrics", "/_stcore/upload_file/a/b"]
)
def test_files_and_exports_are_for_those_who_are_signed_in(product, path):
    answer = get(f"{product.screens}{path}", cookies={"sid": "somebody"})

    assert (answer.status_code, answer.text) == (401, "Sign in first.")


CLIMBING = [
    f"/{place}/{step * 6}{file}"
    for place in (
        "app/static",
        "static",
        "component",
        "media",
        "_stcore/upload_file",
        "exports",
        "nowhere",
    )
    for step in (
        "../",
        "%2e%2e/",
        "..%2f",
        "%2e%2e%2f",
        "..%5c",
        "..\\",
        "%252e%252e%252f",
        "....//",
        "..;/",
        "%c0%ae%c0%ae/",
    )
    for file in ("etc/passwd", "app.py")
] + [
    "/app/static//etc/passwd",
    "/app/static/%2fetc%2fpasswd",
    "/app/static/../shell.py",
    "/app/static/%2e%2e/shell.py",
    "//etc/passwd",
    "/app/static/favicon.png%00.py",
    "/app/static/.env",
    "/.env",
    "/.streamlit/config.toml",
    "/app.py",
    "/core/ui/shell.py",
    "/pages/admin/team.py",
]


def test_no_path_climbs_out_of_what_is_served(product, signed_in):
    server, cookie = urlsplit(product.screens), {"Cookie": f"sid={signed_in['sid']}"}
    telling = {}
    for path in CLIMBING:
        line = HTTPConnection(server.hostname, server.port)
        line.putrequest("GET", path, skip_host=True)
        for name, value in ({"Host": server.netloc} | cookie).items():
            line.putheader(name, value)
        line.endheaders()
        said = line.getresponse().read()
        line.close()
        if any(piece in said for piece in (b"root:", b"import ", b"[server]", b"SECRET")):
            telling[path] = said[:80]
    assert telling == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_links_and_buttons_can_be_read(ours, visit, scheme):
    page = visit("/exports", ours.admin, color_scheme=scheme)
    pieces = page.locator(
        "[data-testid=stCaptionContainer] p, [data-testid=stBaseLinkButton-primary] p,"
        " [data-testid=stMetricLabel] p, .so-avatar, .so-who small, .st-key-help a"
    )

    assert pieces.count() >= 3
    for piece in pieces.all():
        ink, ground = piece.evaluate(COLOURS)
        assert contrast(blended(ink, ground), blended(ground, ground)) >= 4.5, piece.inner_text()


# The letters' colour with all that fades it, and the first ground under them that is not
# see-through.
COLOURS = """(letters) => {
    let [red, green, blue, alpha = 1] =
        getComputedStyle(letters).color.match(/[\\d.]+/g).map(Number);
    let ground = null;
    for (let node = letters; node; node = node.parentElement) {
        const style = getComputedStyle(node);
        alpha *= Number(style.opacity);
        const behind = style.backgroundColor.match(/[\\d.]+/g).map(Number);
        if (!ground && (behind.length === 3 || behind[3] === 1)) ground = behind.slice(0, 3);
    }
    return [[red, green, blue, alpha], ground];
}"""


def blended(ink, ground):
    alpha = ink[3] if len(ink) == 4 else 1
    return "#" + "".join(
        f"{round(over * alpha + under * (1 - alpha)):02X}"
        for over, under in zip(ink, ground, strict=False)
    )
