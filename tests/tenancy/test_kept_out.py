"""Deactivated or deleted users cannot get in by anything that they have or have sent before."""

import threading
from datetime import date

import pytest
from sqlalchemy import text

from core.links.access_links import issue_link, open_link
from core.links.kinds import LinkPurpose
from core.money.payouts import approve, create_snapshot
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import Conflict, NotAllowed
from core.tenancy.access.invitations import accept_as_new, invite, look_up
from core.tenancy.access.models import Role
from core.tenancy.access.password_resets import choose_password, issue_link_token
from core.tenancy.access.platform_admin import delete_user, set_user_active
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.team import set_member_active
from core.tenancy.identity.sign_in import issue_ticket, open_session
from tests import factories as make
from tests.ports import owner, somebody_waits, until
from tests.ui.teams import super_admin

HERE = {"address": "192.0.2.77"}
JANUARY = Period(date(2026, 1, 1), date(2026, 2, 1), "UTC")


@pytest.fixture(scope="module")
def boss(database_url):
    return super_admin(make.viewer(make.organization(), Role.VIEWER))


@pytest.fixture
def person():
    return make.viewer(make.organization(), Role.ADMIN)


def keep_out(boss, person, active=False):
    with boss.transaction() as db:
        set_user_active(db, person.user_id, active, by=boss.user_id)


def delete(boss, person):
    with boss.transaction() as db:
        delete_user(db, person.user_id, email=person.email, typed=person.email, by=boss.user_id)


def portal_of(person):
    """The token of a portal for this person's own closer row."""
    with as_system(person.organization_id) as db:
        closer = make.closer(db, person.organization_id, "Ana", user_id=person.user_id)
    with person.transaction() as db:
        return issue_link(
            db, person, LinkPurpose.PORTAL, "Ana's telephone", closer_id=closer.id
        ).address.partition("?token=")[2]


@pytest.mark.parametrize("end", [keep_out, delete])
def test_nobody_joins_by_an_invitation_of_somebody_who_was_put_out(boss, person, end):
    with person.transaction() as db:
        token = invite(db, person, f"friend{next(make.number)}@example.com", "admin").token

    end(boss, person)

    assert look_up(token).state == "revoked"
    with pytest.raises(Conflict):
        accept_as_new(token, "Friend", "amber-birch-cobalt-1234")


def test_a_sign_in_on_its_way_opens_nothing_when_its_owner_is_let_in_again(boss, person):
    ticket = issue_ticket(person.user_id)

    keep_out(boss, person)
    keep_out(boss, person, active=True)

    assert open_session(ticket, user_agent="tests", **HERE) is None
    assert (
        viewer_of(open_session(issue_ticket(person.user_id), user_agent="tests", **HERE)).user_id
        == person.user_id
    )


def test_a_link_to_a_new_password_is_worthless_after_its_owner_was_kept_out(boss, person):
    with as_system(person.organization_id) as db:
        _, token = issue_link_token(db, person.user_id)
    keep_out(boss, person)
    keep_out(boss, person, active=True)
    with pytest.raises(Conflict):
        choose_password(token, "amber-birch-cobalt-1234")


def leave(boss, person):
    colleague = make.viewer(person.organization_id, Role.OWNER)
    with colleague.transaction() as db:
        set_member_active(db, colleague, person.user_id, False)


@pytest.mark.parametrize("end", [keep_out, delete, leave])
def test_the_portal_of_somebody_who_was_put_out_opens_nothing_also_for_who_is_inside(
    boss, person, end
):
    token = portal_of(person)
    inside = open_link(token, LinkPurpose.PORTAL, **HERE)

    end(boss, person)

    with pytest.raises(NotAllowed):
        open_link(token, LinkPurpose.PORTAL, **HERE)
    with pytest.raises(NotAllowed), inside.transaction():
        pass


def test_a_portal_works_again_when_its_closer_is_let_in_again(boss, person):
    token = portal_of(person)
    keep_out(boss, person)
    keep_out(boss, person, active=True)
    assert open_link(token, LinkPurpose.PORTAL, **HERE).person == "Ana"


def test_links_to_the_statements_of_a_deleted_user_end_and_those_of_others_do_not(boss, person):
    org = person.organization_id
    with as_system(org) as db:
        theirs, other = (
            make.setter(db, org, "Sam", user_id=person.user_id),
            make.setter(db, org, "Kim"),
        )
        payout = approve(db, create_snapshot(db, "Payout", JANUARY, None).id, person).id
    with person.transaction() as db:
        links = [
            issue_link(
                db, person, LinkPurpose.COMMISSION, each.name, setter_id=each.id, snapshot_id=payout
            )
            for each in (theirs, other)
        ]

    delete(boss, person)

    with owner() as db:
        ended = db.execute(
            text(
                "select id from app.access_tokens where organization_id = :org and revoked_at is"
                " not null"
            ),
            {"org": org},
        )
        assert ended.scalars().all() == [links[0].id]


@pytest.mark.parametrize("end", [keep_out, delete])
def test_two_super_admins_who_put_each_other_out_at_once_leave_one(end):
    first, second = (super_admin(make.viewer(make.organization(), Role.VIEWER)) for _ in range(2))
    refused = []

    def put_out():
        try:
            end(second, first)
        except NotAllowed as error:
            refused.append(error)

    strike_back = threading.Thread(target=put_out)
    with first.transaction() as db:
        set_user_active(db, second.user_id, False, by=first.user_id)
        strike_back.start()
        until(lambda: somebody_waits() or not strike_back.is_alive())
    strike_back.join()
    assert len(refused) == 1
