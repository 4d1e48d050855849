"""What works once works once, and limits hold, even when several people come at the same moment."""

import threading

import pytest
from sqlalchemy import text

from core.platform.errors import Conflict, NotAllowed, SalesOpsError, TooManyRequests
from core.tenancy.access import invitations
from core.tenancy.access.invitations import accept_as_new, accept_with_password, invite
from core.tenancy.access.models import Role
from core.tenancy.identity.second_factor import check_code
from core.tenancy.identity.sign_in import (
    TRIES_PER_ACCOUNT_AND_ADDRESS,
    issue_ticket,
    open_session,
    sign_in,
)
from tests import factories as make
from tests.ports import owner
from tests.tenancy.factors import with_app

PASSWORD = "amber-birch-cobalt-1234"
HERE = {"address": "192.0.2.99"}
MANY = 8


def at_once(*acts):
    """The result of each function, or the error it raised, in their order."""
    start, found = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        start.wait()
        try:
            found[place] = act()
        except SalesOpsError as error:
            found[place] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def kinds(found):
    return sorted(type(each).__name__ for each in found)


@pytest.fixture
def admin():
    return make.viewer(make.organization(), Role.ADMIN)


def invited(viewer, email):
    with viewer.transaction() as db:
        return invite(db, viewer, email, "sales_rep")


def users_with(email):
    with owner() as db:
        return (
            db.execute(
                text("select id from app.users where email_normalized = :email"), {"email": email}
            )
            .scalars()
            .all()
        )


def test_two_browsers_with_one_invitation_make_one_member(admin):
    token = invited(admin, "two.browsers@example.com").token
    found = at_once(
        *(lambda name=name: accept_as_new(token, name, PASSWORD) for name in ("Bo", "Cy"))
    )
    assert kinds(found) == ["Conflict", "NoneType"]
    assert len(users_with("two.browsers@example.com")) == 1


def test_two_organisations_links_opened_at_once_make_one_user(admin):
    links = [
        invited(viewer, "at.once@example.com").token
        for viewer in (admin, make.viewer(make.organization()))
    ]
    found = at_once(*(lambda token=token: accept_as_new(token, "Bo", PASSWORD) for token in links))
    assert kinds(found) == ["Conflict", "NoneType"]
    [refused] = [
        token for token, answer in zip(links, found, strict=True) if isinstance(answer, Conflict)
    ]
    accept_with_password(refused, PASSWORD, **HERE)
    assert len(users_with("at.once@example.com")) == 1


def test_two_admins_who_invite_the_same_person_at_once_send_one_invitation(admin):
    colleague = make.viewer(admin.organization_id, Role.OWNER)
    found = at_once(
        *(
            lambda viewer=viewer: invited(viewer, "wanted@example.com")
            for viewer in (admin, colleague)
        )
    )
    assert kinds(found) == ["Conflict", "Issued"]


def test_invitations_sent_at_once_stay_within_the_limit(admin, monkeypatch):
    monkeypatch.setattr(invitations, "MOST_AN_HOUR", 3)
    found = at_once(
        *(
            lambda place=place: invited(admin, f"one.of.many{place}@example.com")
            for place in range(MANY)
        )
    )
    assert kinds(found) == ["Issued"] * 3 + ["TooManyRequests"] * (MANY - 3)


def test_a_code_of_the_app_and_a_recovery_code_open_once(admin):
    app = with_app(admin)
    for code in (app.code(), app.recovery[0]):
        found = at_once(*[lambda code=code: check_code(admin.user_id, code, **HERE)] * 3)
        assert kinds(found) == ["NoneType", "NotAllowed", "NotAllowed"]


def test_a_ticket_becomes_one_session(admin):
    ticket = issue_ticket(admin.user_id)
    found = at_once(*[lambda: open_session(ticket, user_agent="tests", **HERE)] * 4)
    assert kinds(found) == ["NoneType"] * 3 + ["str"]


def test_guesses_at_once_are_no_more_than_guesses_one_by_one(admin):
    found = at_once(*[lambda: sign_in(admin.email, "wrong", address="192.0.2.100")] * MANY)
    assert sum(isinstance(each, NotAllowed) for each in found) == TRIES_PER_ACCOUNT_AND_ADDRESS
    assert (
        sum(isinstance(each, TooManyRequests) for each in found)
        == MANY - TRIES_PER_ACCOUNT_AND_ADDRESS
    )
