"""Who may call the API: valid and invalid tokens and keys, and what each role sees with them."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from sqlalchemy import text, update

from core.platform.clock import now
from core.platform.database import as_system
from core.platform.vault import derived_key
from core.tenancy.access.models import ApiKey, OrganizationMember
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.api.client import NO_ID, get, key_of, post, refused, request, token_of
from tests.factories import NOON
from tests.ports import owner
from tests.ui.screens import token_of as cookie_of

DAYS = {"start": "2026-11-01", "end": "2026-12-01"}
ASKED = {
    "/api/metrics": DAYS,
    "/api/export": {"table": "events"},
    "/api/events": {},
    "/api/payments": {},
    "/api/leads": {},
    f"/api/payout-snapshots/{NO_ID}": {},
}
UNAUTHORIZED = (401, "unauthorized", None)


def claims(who, **changes):
    made = {
        "sub": str(who.user_id),
        "org": str(who.organization_id),
        "role": who.role,
        "name": who.name,
        "email": who.email,
        "aud": "salesops-api",
        "iat": now(),
        "exp": now() + timedelta(hours=1),
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def signed(who, *, secret=None, algorithm="HS256", **changes):
    return jwt.encode(claims(who, **changes), secret or derived_key("api-token"), algorithm)


def by_hand(head, body, secret, digest="sha256"):
    """A token that PyJWT would refuse to make."""
    whole = f"{part(head)}.{body}"
    signature = hmac.digest(secret, whole.encode(), digest)
    return f"{whole}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def part(value):
    return urlsafe_b64encode(json.dumps(value, default=str).encode()).rstrip(b"=").decode()


def forgeries(who):
    head, body, mark = token_of(who).split(".")
    secret, of_us = derived_key("api-token"), {"alg": "HS256", "typ": "JWT"}
    return {
        **{
            f"algorithm {name}": f"{part({'alg': name, 'typ': 'JWT'})}.{body}."
            for name in ("none", "None", "nOnE", "", "HS256")
        },
        "no algorithm under a mark": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.{mark}",
        "no mark": f"{head}.{body}",
        "another algorithm": by_hand(of_us | {"alg": "HS512"}, body, secret, "sha512"),
        "the hash of nothing": by_hand(of_us, body, b""),
        "another secret": signed(who, secret=b"x" * 32),
        "with its own key": by_hand(of_us | {"jwk": {"kty": "oct", "k": "eXl5"}}, body, b"yyy"),
        "with a key's address": by_hand(
            of_us | {"kid": "../../../../dev/null", "jku": "https://shop.example.net/"}, body, b""
        ),
        "a header that must count": by_hand(of_us | {"crit": ["x"], "x": 1}, body, secret),
        "no number": by_hand(of_us, part(claims(who, exp="soon")), secret),
        "another purpose": signed(who, secret=derived_key("cursor")),
        "other claims under the same mark": f"{head}.{part(claims(who, sub=str(uuid4())))}.{mark}",
    }


def not_for_here(who):
    """Tokens signed by us that are expired, not valid yet, or for another purpose or user; and
    texts that are no tokens.
    """
    return {
        "empty": "",
        "garbage": "garbage",
        "dots": "..",
        "not latin": "\u00e9\u00e9",
        "unknown key": "so_live_unknown",
        "expired": signed(who, exp=now() - timedelta(seconds=1)),
        "endless": signed(who, exp=None),
        "not yet issued": signed(who, iat=now() + timedelta(hours=1)),
        "not yet good": signed(who, nbf=now() + timedelta(hours=1)),
        "for another audience": signed(who, aud="another"),
        "for other audiences": signed(who, aud=["another", "more"]),
        "nobody's": signed(who, sub=None),
        "nowhere": signed(who, org=None),
        "a stranger's": signed(who, sub=str(uuid4())),
        "no id": signed(who, org="no id"),
        "another organisation's": signed(who, org=str(make.organization())),
    }


@pytest.mark.parametrize("path", ASKED)
def test_without_a_token_nothing_is_told(path):
    assert refused(get(path, **ASKED[path])) == UNAUTHORIZED
    assert (
        refused(request("GET", path, params=ASKED[path], headers={"Authorization": "Basic YTpi"}))
        == UNAUTHORIZED
    )


@pytest.mark.parametrize("path", ASKED)
def test_a_browsers_cookie_opens_nothing_here_so_no_page_can_ask_in_its_name(path):
    who = make.viewer(make.organization(), "owner")
    for cookie in (cookie_of(who), token_of(who)):
        answer = request(
            "GET",
            path,
            params=ASKED[path],
            headers={"Cookie": f"sid={cookie}", "Origin": "https://shop.example.net"},
        )
        assert refused(answer) == UNAUTHORIZED
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/api/payout-snapshots", f"/api/events/{NO_ID}/pcf"])
def test_without_a_token_nothing_is_written(path):
    assert refused(post(path)) == UNAUTHORIZED


def test_no_forged_or_stale_token_is_taken():
    who = make.viewer(make.organization(), "admin")
    answers = {
        name: request("GET", "/api/events", headers={"Authorization": f"Bearer {token}".encode()})
        for name, token in (forgeries(who) | not_for_here(who)).items()
    }
    assert {name: refused(answer) for name, answer in answers.items()} == dict.fromkeys(
        answers, UNAUTHORIZED
    )
    assert get("/api/events", signed(who)).status_code == 200


def test_what_the_token_says_of_the_role_does_not_count():
    who = make.viewer(make.organization(), "sales_rep")
    body = {"name": "November", "period_start": "2026-11-01", "period_end": "2026-12-01"}
    assert refused(post("/api/payout-snapshots", signed(who, role="owner"), body)) == (
        403,
        "not_allowed",
        None,
    )


def leave(who):
    with as_system(who.organization_id) as db:
        member = db.get_one(OrganizationMember, (who.organization_id, who.user_id))
        member.active = False


def deactivate(who):
    with owner() as db:
        db.execute(text("update app.users set active = false where id = :id"), {"id": who.user_id})


def remove(who):
    with owner() as db:
        db.execute(
            text("delete from app.organization_members where user_id = :id"), {"id": who.user_id}
        )


def close_down(who):
    with as_system(who.organization_id) as db:
        db.get_one(Organization, who.organization_id).deleted_at = now()


@pytest.mark.parametrize("ends", [leave, deactivate, remove, close_down])
def test_a_token_ends_with_the_membership(ends):
    who = make.viewer(make.organization(), "admin")
    token = token_of(who)
    assert get("/api/events", token).status_code == 200
    ends(who)
    assert refused(get("/api/events", token)) == UNAUTHORIZED


@pytest.mark.parametrize(
    "values",
    [{"revoked_at": NOON - timedelta(days=900)}, {"expires_at": NOON - timedelta(days=900)}],
)
def test_a_revoked_or_expired_key_is_refused(values):
    org = make.organization()
    key = key_of(org)
    assert get("/api/events", key).status_code == 200
    with as_system(org) as db:
        db.execute(update(ApiKey).values(values))
    assert refused(get("/api/events", key)) == UNAUTHORIZED


def test_a_key_notes_when_it_was_last_used():
    org = make.organization()
    get("/api/events", key_of(org))
    with as_system(org) as db:
        assert db.query(ApiKey).one().last_used_at is not None


@pytest.mark.parametrize(
    ("scope", "open_to"),
    [
        ("all", {*ASKED}),
        ("read", {*ASKED}),
        ("write", {*ASKED}),
        ("events", {"/api/events"}),
        ("events:read", {"/api/events"}),
        ("payments:read", {"/api/payments"}),
        ("metrics", {"/api/metrics"}),
        ("export:read", {"/api/export"}),
        ("leads:read", {"/api/leads"}),
        ("payouts:write", {path for path in ASKED if "payout" in path}),
        ("deals", set()),
    ],
)
def test_a_key_opens_what_its_scopes_name(scope, open_to):
    key = key_of(make.organization(), scope)
    answers = {path: get(path, key, **params) for path, params in ASKED.items()}
    assert {path for path, answer in answers.items() if answer.status_code != 403} == open_to
    assert {refused(answers[path]) for path in ASKED if path not in open_to} <= {
        (403, "not_allowed", None)
    }


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("all", 201),
        ("write", 201),
        ("payouts", 201),
        ("payouts:write", 201),
        ("read", 403),
        ("payouts:read", 403),
        ("events", 403),
    ],
)
def test_only_a_key_with_the_right_to_write_freezes_a_payout(scope, status):
    body = {"name": "November", "period_start": "2026-11-01", "period_end": "2026-12-01"}
    assert (
        post("/api/payout-snapshots", key_of(make.organization(), scope), body).status_code
        == status
    )


def test_a_form_is_filed_by_a_person_never_by_a_key():
    assert refused(
        post(f"/api/events/{uuid4()}/pcf", key_of(make.organization()), {"call_occurred": True})
    ) == (403, "not_allowed", None)


@pytest.fixture
def team():
    """Two closers and a setter, who booked the first one's event; each event has its payment."""
    org = make.organization()
    ana, bo, sam = (make.viewer(org, "sales_rep") for _ in range(3))
    with as_system(org) as db:
        closers = [
            make.closer(db, org, name, user_id=rep.user_id)
            for name, rep in (("Ana", ana), ("Bo", bo))
        ]
        setter = make.setter(db, org, "Sam", user_id=sam.user_id)
        for closer, by, email, amount in (
            (closers[0], setter, "first@example.com", "100"),
            (closers[1], None, "second@example.com", "20"),
            (None, None, "third@example.com", "3"),
        ):
            event = make.event(
                db,
                org,
                closer,
                set_by=by,
                email=email,
                call_status="completed",
                event_outcome="closed",
            )
            make.payment(
                db,
                org,
                amount,
                email=email,
                event_id=event.id,
                closer_id=event.closer_id,
                setter_id=event.setter_id,
                attribution_reason=f"matched {email}",
            )
    return {
        "ana": ana,
        "bo": bo,
        "sam": sam,
        **{role: make.viewer(org, role) for role in ("manager", "viewer")},
    }


@pytest.mark.parametrize(
    ("who", "emails", "cash"),
    [
        ("ana", ["first@example.com"], "100.00"),
        ("bo", ["second@example.com"], "20.00"),
        ("sam", ["first@example.com"], "100.00"),
        ("manager", ["first@example.com", "second@example.com", "third@example.com"], "123.00"),
        ("viewer", [None] * 3, "123.00"),
    ],
)
def test_each_sees_own_rows_and_a_viewer_no_contact_details(team, who, emails, cash):
    token = token_of(team[who])
    events, payments = (
        get(path, token).json()["items"] for path in ("/api/events", "/api/payments")
    )
    totals = get("/api/metrics", token, **DAYS).json()["totals"]
    assert sorted(item["lead_email"] for item in events if item["lead_email"]) == [
        email for email in emails if email
    ]
    assert sorted(item["customer_email"] for item in payments if item["customer_email"]) == [
        email for email in emails if email
    ]
    assert [len(events), len(payments), totals["closes"]] == [len(emails)] * 3
    assert totals["cash_collected"] == {"USD": cash}


def test_a_viewer_is_told_nothing_that_names_a_customer(team):
    answers = [
        get(path, token_of(team["viewer"])).text
        for path in ("/api/events", "/api/payments", "/api/leads")
    ]
    assert not any(word in answer for answer in answers for word in ("@example.com", "Lead One"))


def test_nobody_sees_another_organisation(team):
    stranger = token_of(make.viewer(make.organization(), "owner"))
    for path in ("/api/events", "/api/payments", "/api/leads"):
        assert get(path, stranger).json() == {"items": [], "next_cursor": None}
    assert get("/api/metrics", stranger, **DAYS, by="closer").json()["rows"] == []
