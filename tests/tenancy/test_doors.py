"""Every secret (cookie, token, key, link) opens only what it was issued for, in the form in which
it was issued, while it is valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from core.links.access_links import issue_link, open_link
from core.links.kinds import LinkPurpose
from core.platform.database import as_system
from core.platform.errors import NotAllowed
from core.tenancy.access.api_access import caller_of, issue_token
from core.tenancy.access.invitations import invite, look_up
from core.tenancy.access.password_resets import issue_link_token, whose_link
from core.tenancy.access.sessions import viewer_of
from core.tenancy.identity.sign_in import issue_ticket, open_session
from tests import factories as make
from tests.api.client import key_of
from tests.ports import owner
from tests.ui.screens import token_of


def opens(door: Callable[[str], object], secret: str) -> bool:
    """Whether somebody who presents ``secret`` there gets in."""
    try:
        return door(secret) is not None
    except NotAllowed:
        return False


def state_of(secret):
    found = look_up(secret)
    return found if found is not None and found.state == "open" else None


DOORS = {
    "cookie": viewer_of,
    "ticket": lambda secret: open_session(secret, address="192.0.2.1", user_agent="tests"),
    "portal": lambda secret: open_link(
        secret,
        LinkPurpose.PORTAL,
        address=f"10.8.{next(make.number) % 250}.{next(make.number) % 250}",
    ),
    "invitation": state_of,
    "reset": whose_link,
    "api token": lambda secret: caller_of(f"Bearer {secret}"),
    "api key": lambda secret: caller_of(f"Bearer {secret}"),
}
SAME_DOOR = {"api token": {"api key"}, "api key": {"api token"}}
KEPT_IN = {
    "cookie": "sign_in_sessions",
    "ticket": "sign_in_tickets",
    "portal": "access_tokens",
    "invitation": "invitations",
    "reset": "password_resets",
    "api key": "api_keys",
}
FORGERIES = {
    "nothing": lambda secret: "",
    "shorter": lambda secret: secret[:-1],
    "longer": lambda secret: f"{secret}A",
    "other case": lambda secret: secret.swapcase(),
    "a zero byte": lambda secret: f"{secret}\0",
    "a space": lambda secret: f" {secret}x",
    "its hash": lambda secret: hashlib.sha256(secret.encode()).hexdigest(),
    "no latin": lambda secret: "é" * 43,
    "sql": lambda secret: "' or true --",
    "a pattern": lambda secret: "%",
    "endless": lambda secret: "a" * 100_000,
    "backwards": lambda secret: secret[::-1],
}


@pytest.fixture(scope="module")
def admin(database_url):
    return make.viewer(make.organization(), "admin")


def reset_of(admin):
    with as_system(admin.organization_id) as db:
        return issue_link_token(db, admin.user_id)[1]


def portal_of(admin):
    with as_system(admin.organization_id) as db:
        closer = make.closer(db, admin.organization_id).id
    with admin.transaction() as db:
        address = issue_link(db, admin, LinkPurpose.PORTAL, "Phone", closer_id=closer).address
    return parse_qs(urlsplit(address).query)["token"][0]


def invitation_of(admin):
    with admin.transaction() as db:
        return invite(db, admin, f"new{next(make.number)}@example.com", "viewer").token


GIVEN_OUT = {
    "cookie": token_of,
    "ticket": lambda admin: issue_ticket(admin.user_id),
    "portal": portal_of,
    "invitation": invitation_of,
    "reset": reset_of,
    "api token": issue_token,
    "api key": lambda admin: key_of(admin.organization_id),
}


@pytest.mark.parametrize("kind", DOORS)
def test_each_secret_opens_its_own_door_and_no_other(admin, kind):
    secret = GIVEN_OUT[kind](admin)

    assert {door for door in DOORS if opens(DOORS[door], secret)} == {kind} | SAME_DOOR.get(
        kind, set()
    )


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("forged", FORGERIES)
def test_what_was_not_given_out_opens_nothing(admin, kind, forged):
    secret = GIVEN_OUT[kind](admin)

    assert not opens(DOORS[kind], FORGERIES[forged](secret))
    assert opens(DOORS[kind], secret)


@pytest.mark.parametrize("kind", KEPT_IN)
def test_what_has_expired_opens_nothing(admin, kind):
    secret = GIVEN_OUT[kind](admin)
    column, whose = (
        ("user_id", admin.user_id)
        if kind in ("cookie", "ticket", "reset")
        else ("organization_id", admin.organization_id)
    )
    with owner() as db:
        db.execute(
            text(f"update app.{KEPT_IN[kind]} set expires_at = now() where {column} = :whose"),
            {"whose": whose},
        )

    assert not opens(DOORS[kind], secret)


def test_a_ticket_is_good_once(admin):
    ticket = issue_ticket(admin.user_id)

    assert [opens(DOORS["ticket"], ticket) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("kind", KEPT_IN)
def test_none_of_them_is_kept_in_clear(admin, kind):
    secret = GIVEN_OUT[kind](admin)
    with owner() as db:
        rows = (
            db.execute(text(f"select to_jsonb(t)::text from app.{KEPT_IN[kind]} t")).scalars().all()
        )

    assert any(hashlib.sha256(secret.encode()).hexdigest() in row for row in rows)
    assert not any(secret in row or secret.encode().hex() in row for row in rows)
