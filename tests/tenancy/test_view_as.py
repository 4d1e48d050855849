"""An admin views as a member: who may, what they see, that they can change nothing, and what the
audit log records.
"""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.bookings.models import Event
from core.metrics import exports
from core.platform.database import as_system, as_viewed_member
from core.platform.errors import NotAllowed
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.sessions import choose_organization, viewer_of
from core.tenancy.access.view_as import (
    members_to_view_as,
    start_view_as,
    stop_view_as,
)
from core.tenancy.identity.sign_in import close_session
from tests import factories as make
from tests.ports import owner
from tests.ui.screens import token_of
from tests.ui.teams import super_admin, team


@pytest.fixture(scope="module")
def crew(database_url):
    return team("Willow")


def member(viewer):
    return OrganizationMember(organization_id=viewer.organization_id, user_id=viewer.user_id)


def look(by, at):
    """A session of ``by`` that views as ``at``."""
    token = token_of(by)
    start_view_as(token, by, member(at))
    return token


MAY = {
    Role.SUPER_ADMIN: {Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER},
    Role.OWNER: {Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER},
    Role.ADMIN: {Role.MANAGER, Role.SALES_REP, Role.VIEWER},
    Role.MANAGER: set(),
    Role.SALES_REP: set(),
    Role.VIEWER: set(),
}


@pytest.mark.parametrize("by", list(Role))
@pytest.mark.parametrize("at", list(Role))
def test_only_admins_look_and_never_as_somebody_with_more_rights(crew, by, at):
    looking, seen = crew.people[by], crew.people[at]
    if at in MAY[by]:
        assert viewer_of(look(looking, seen)).user_id == seen.user_id
        return
    token = token_of(looking)
    with pytest.raises(NotAllowed):
        start_view_as(token, looking, member(seen))
    with (
        pytest.raises(NotAllowed),
        as_viewed_member(looking.user_id, seen.user_id, crew.admin.organization_id),
    ):
        pass
    assert viewer_of(token).user_id == looking.user_id


def test_the_choice_holds_those_as_whom_one_may_look(crew):
    with crew.admin.transaction() as db:
        assert {one.role for one in members_to_view_as(db, crew.admin)} == MAY[Role.ADMIN]


def test_nobody_looks_into_another_organisation(crew):
    stranger = make.viewer(make.organization(), Role.SALES_REP)
    elsewhere = OrganizationMember(
        organization_id=stranger.organization_id, user_id=stranger.user_id
    )
    for target in (
        elsewhere,
        OrganizationMember(organization_id=crew.admin.organization_id, user_id=stranger.user_id),
    ):
        with pytest.raises(NotAllowed):
            start_view_as(token_of(crew.admin), crew.admin, target)


def test_what_is_seen_is_what_the_member_sees(crew):
    seen = viewer_of(look(crew.admin, crew.people[Role.VIEWER]))
    assert (seen.role, seen.seen_by, seen.name) == (
        Role.VIEWER,
        crew.admin.user_id,
        crew.people[Role.VIEWER].name,
    )
    with seen.transaction() as db:
        assert db.scalar(text("select count(*) from app.contacts")) == 0
        assert db.scalar(text("select app.cur_role()")) == "viewer"


def test_nothing_can_be_changed_meanwhile(crew):
    seen = viewer_of(look(crew.admin, crew.people[Role.MANAGER]))
    for change in (
        "update app.events set closer_name = 'Changed'",
        "select app.record_export('events', 'csv')",
    ):
        with pytest.raises(NotAllowed), seen.transaction() as db:
            db.execute(text(change))
    with pytest.raises(NotAllowed), seen.transaction() as db:
        db.scalars(select(Event)).first().closer_name = "Changed"
    with pytest.raises(DBAPIError, match="read-write mode"), seen.transaction() as db:
        db.execute(text("set local transaction_read_only = off"))
    with pytest.raises(NotAllowed, match="Stop viewing first"):
        list(exports.export(seen.transaction, "events", "csv"))
    with as_system(crew.admin.organization_id) as db:
        assert "Changed" not in set(db.scalars(select(Event.closer_name)))


def audited(org):
    with owner() as db:
        return db.execute(
            text("""select operation, row_id, actor_user_id, actor_role from app.audit_logs
            where organization_id = :org and operation like 'view_as%' order by at"""),
            {"org": org},
        ).all()


ENDINGS = {
    "stop": lambda token, crew: stop_view_as(token),
    "sign out": lambda token, crew: close_session(token),
    "another organisation": lambda token, crew: choose_organization(token, another_of(crew)),
}


def another_of(admin):
    org = make.organization()
    with as_system(org) as db:
        db.add(
            OrganizationMember(
                organization_id=org,
                user_id=admin.user_id,
                role=Role.VIEWER,
                name="x",
                email="x@example.com",
            )
        )
    return org


@pytest.mark.parametrize("ending", ENDINGS)
def test_beginning_and_end_stand_in_the_audit_log(ending):
    org = make.organization()
    admin, rep = make.viewer(org, Role.ADMIN), make.viewer(org, Role.SALES_REP)
    token = look(admin, rep)
    ENDINGS[ending](token, admin)
    after = viewer_of(token)
    assert after is None or (after.user_id, after.seen_by) == (admin.user_id, None)
    assert audited(org) == [
        (operation, str(rep.user_id), admin.user_id, "admin")
        for operation in ("view_as_start", "view_as_end")
    ]


@pytest.mark.parametrize(
    ("change", "whose"),
    [
        ("update app.organization_members set role = 'manager' where user_id = :user", "admin"),
        ("update app.organization_members set role = 'owner' where user_id = :user", "rep"),
        ("update app.organization_members set active = false where user_id = :user", "rep"),
        ("update app.users set active = false where id = :user", "rep"),
    ],
)
def test_the_look_ends_when_it_would_no_longer_be_allowed(change, whose):
    org = make.organization()
    admin, rep = make.viewer(org, Role.ADMIN), make.viewer(org, Role.SALES_REP)
    token = look(admin, rep)
    seen = viewer_of(token)
    with owner() as db:
        db.execute(text(change), {"user": {"admin": admin, "rep": rep}[whose].user_id})
    with pytest.raises(NotAllowed), seen.transaction():
        pass
    assert viewer_of(token).user_id == admin.user_id
    assert [line.operation for line in audited(org)] == ["view_as_start", "view_as_end"]


def test_a_super_admin_who_looks_as_somebody_has_no_more_rights_than_they(crew):
    boss = super_admin(crew.admin)
    seen = viewer_of(look(boss, crew.rep))
    assert seen.role == Role.SALES_REP
    with seen.transaction() as db:
        assert db.scalar(text("select app.cur_role()")) == "sales_rep"
        assert db.scalar(text("select app.cur_user()")) == crew.rep.user_id


def test_a_session_that_looks_as_nobody_is_its_own_users(crew):
    assert viewer_of(token_of(crew.admin)) == crew.admin
