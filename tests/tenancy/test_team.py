"""Who may change whom: nobody raises their own role, an admin does not change owners, and at least
one owner always remains.
"""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.bookings.roster import link_roster_to_user, roster_table
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.access.members import members
from core.tenancy.access.models import MEMBER_ROLES, OrganizationMember, Role
from core.tenancy.access.platform_admin import set_user_active
from core.tenancy.access.sessions import choose_organization, viewer_of
from core.tenancy.access.team import roles_to_give, set_member_active, set_role
from core.tenancy.identity.sign_in import issue_ticket, open_session
from tests import factories as make
from tests.ui.teams import super_admin

BELOW = [Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER]


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def team(org):
    return {role: make.viewer(org, role) for role in MEMBER_ROLES}


def changed(viewer, whom, role):
    with viewer.transaction() as db:
        set_role(db, viewer, whom.user_id, role)


def role_of(person):
    with as_system(person.organization_id) as db:
        found = db.get_one(OrganizationMember, (person.organization_id, person.user_id))
        return found.role if found.active else None


def browser(person, *, chosen=False):
    token = open_session(issue_ticket(person.user_id), address="127.0.0.1", user_agent="tests")
    if chosen:
        choose_organization(token, person.organization_id)
    return token


@pytest.mark.parametrize("by", [Role.OWNER, Role.ADMIN])
@pytest.mark.parametrize("role", BELOW)
def test_owners_and_admins_give_every_role_below_owner(team, org, by, role):
    person = make.viewer(org, Role.VIEWER)
    changed(team[by], person, role)
    assert role_of(person) == role


@pytest.mark.parametrize("by", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_below_admin_changes_anybody_least_of_all_themselves(team, by):
    for whom in team.values():
        for role in MEMBER_ROLES:
            with pytest.raises(NotAllowed):
                changed(team[by], whom, role)
        with team[by].transaction() as db, pytest.raises(NotAllowed):
            set_member_active(db, team[by], whom.user_id, False)
    assert {role: role_of(person) for role, person in team.items()} == {
        role: role for role in MEMBER_ROLES
    }


@pytest.mark.parametrize("by", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_the_database_itself_lets_nobody_below_admin_change_a_membership(team, by):
    with team[by].transaction() as db:
        done = db.execute(text("update app.organization_members set role = 'owner'"))
    assert done.rowcount == 0


def test_an_admin_makes_no_owner_of_themselves_or_others_and_touches_none(team, org):
    admin, person = team[Role.ADMIN], make.viewer(org, Role.VIEWER)
    for whom, role in (
        (admin, "owner"),
        (person, "owner"),
        (team[Role.OWNER], "viewer"),
        (team[Role.OWNER], "admin"),
    ):
        with pytest.raises(NotAllowed):
            changed(admin, whom, role)
    with admin.transaction() as db, pytest.raises(NotAllowed):
        set_member_active(db, admin, team[Role.OWNER].user_id, False)
    assert role_of(team[Role.OWNER]) == "owner"
    assert Role.OWNER not in roles_to_give(admin)


def test_the_last_owner_stays_owner_whoever_asks(team):
    boss = team[Role.OWNER]
    for viewer in (boss, super_admin(boss)):
        with pytest.raises(Conflict):
            changed(viewer, boss, "admin")
        with viewer.transaction() as db, pytest.raises(Conflict):
            set_member_active(db, viewer, boss.user_id, False)
    assert role_of(boss) == "owner"
    changed(boss, boss, "owner")


def test_an_owner_steps_down_when_another_is_there_and_an_owner_who_is_off_is_not(team, org):
    boss, second = team[Role.OWNER], make.viewer(org, Role.OWNER)
    with boss.transaction() as db:
        set_member_active(db, boss, second.user_id, False)
    with pytest.raises(Conflict):
        changed(boss, boss, "admin")
    with boss.transaction() as db:
        set_member_active(db, boss, second.user_id, True)
    changed(boss, boss, "admin")
    assert (role_of(boss), role_of(second)) == ("admin", "owner")


def test_an_owner_whom_the_platform_keeps_out_is_no_owner_to_leave_it_to(team, org):
    boss, second = team[Role.OWNER], make.viewer(org, Role.OWNER)
    root = super_admin(make.viewer(make.organization()))
    with root.transaction() as db:
        set_user_active(db, second.user_id, False, by=root.user_id)
    with pytest.raises(Conflict):
        changed(boss, boss, "admin")
    assert role_of(boss) == "owner"


def test_two_owners_who_put_each_other_down_at_once_leave_one(org):
    pair = [make.viewer(org, Role.OWNER) for _ in range(2)]
    start = threading.Barrier(2)

    def put_down(viewer, other):
        start.wait()
        try:
            changed(viewer, other, "viewer")
        except (Conflict, NotAllowed):
            return

    threads = [threading.Thread(target=put_down, args=each) for each in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "owner" in {role_of(person) for person in pair}


@pytest.mark.parametrize("role", ["super_admin", "", "Owner", "board"])
def test_what_is_no_role_is_given_to_nobody(team, role):
    with pytest.raises(InvalidInput):
        changed(team[Role.OWNER], team[Role.VIEWER], role)


def test_a_member_of_another_organisation_is_nobody_here(team):
    stranger = make.viewer(make.organization())
    with pytest.raises(NotFound):
        changed(team[Role.OWNER], stranger, "viewer")
    with team[Role.OWNER].transaction() as db, pytest.raises(NotFound):
        set_member_active(db, team[Role.OWNER], stranger.user_id, False)


def test_somebody_of_two_organisations_is_changed_in_one(team, org):
    boss = team[Role.OWNER]
    with as_system(make.organization()) as db:
        elsewhere = db.scalars(text("select app.cur_org()")).one()
        db.add(
            OrganizationMember(
                organization_id=elsewhere,
                user_id=boss.user_id,
                role="viewer",
                name=boss.name,
                email=boss.email,
            )
        )
    with boss.transaction() as db:
        assert {member.organization_id for member in members(db)} == {org}
        assert len(members(db)) == len(MEMBER_ROLES)
    changed(boss, team[Role.VIEWER], "manager")
    assert role_of(replace(boss, organization_id=elsewhere)) == "viewer"


@pytest.mark.parametrize("chosen", [False, True])
def test_who_is_deactivated_is_signed_out_at_once_and_comes_in_again_when_reactivated(team, chosen):
    boss, rep = team[Role.OWNER], team[Role.SALES_REP]
    token = browser(rep, chosen=chosen)
    assert viewer_of(token).user_id == rep.user_id
    with boss.transaction() as db:
        set_member_active(db, boss, rep.user_id, False)
    assert viewer_of(token) is None
    with pytest.raises(NotAllowed), rep.transaction():
        pass
    with boss.transaction() as db:
        set_member_active(db, boss, rep.user_id, True)
    assert viewer_of(token) is None
    assert viewer_of(browser(rep)).role == "sales_rep"


def test_who_is_deactivated_here_stays_signed_in_where_they_work(team):
    boss, rep = team[Role.OWNER], team[Role.SALES_REP]
    with as_system(make.organization()) as db:
        elsewhere = db.scalars(text("select app.cur_org()")).one()
        db.add(
            OrganizationMember(
                organization_id=elsewhere,
                user_id=rep.user_id,
                role="viewer",
                name=rep.name,
                email=rep.email,
            )
        )
    token = browser(replace(rep, organization_id=elsewhere), chosen=True)
    with boss.transaction() as db:
        set_member_active(db, boss, rep.user_id, False)
    assert viewer_of(token).organization_id == elsewhere


def test_nobody_below_admin_or_from_elsewhere_ends_somebodys_sessions(team):
    token = browser(team[Role.OWNER])
    for viewer in (team[Role.MANAGER], make.viewer(make.organization(), Role.OWNER)):
        with viewer.transaction() as db:
            db.execute(
                text("select app.close_sessions_in(:user, :org)"),
                {
                    "user": team[Role.OWNER].user_id,
                    "org": team[Role.OWNER].organization_id,
                },
            )
    assert viewer_of(token) is not None


def test_a_new_role_counts_from_the_next_action_on(team):
    rep = team[Role.SALES_REP]
    token = browser(rep)
    changed(team[Role.OWNER], rep, "manager")
    assert viewer_of(token).role == "manager"


def test_roster_rows_are_given_taken_and_never_taken_from_somebody_else(team, org):
    boss, rep, other = team[Role.OWNER], team[Role.SALES_REP], team[Role.MANAGER]
    with as_system(org) as db:
        ana, sam = make.closer(db, org, "Ana"), make.setter(db, org, "Sam", user_id=other.user_id)
        event = make.event(db, org, ana)
    with boss.transaction() as db:
        link_roster_to_user(db, rep.user_id, [ana.id])
    with rep.transaction() as db:
        assert db.scalars(text("select id from app.events")).all() == [event.id]
    with boss.transaction() as db, pytest.raises(Conflict):
        link_roster_to_user(db, rep.user_id, [ana.id, sam.id])
    with boss.transaction() as db:
        link_roster_to_user(db, rep.user_id, [])
        table = roster_table(db)
    assert list(zip(table["kind"], table["name"], table["user_id"], strict=True)) == [
        ("closer", "Ana", None),
        ("setter", "Sam", other.user_id),
    ]
    with rep.transaction() as db:
        assert db.scalars(text("select id from app.events")).all() == []


def test_another_organisations_roster_is_out_of_reach(team, org):
    elsewhere = make.organization()
    with as_system(elsewhere) as db:
        theirs = make.closer(db, elsewhere, "Theirs")
    with team[Role.OWNER].transaction() as db:
        link_roster_to_user(db, team[Role.SALES_REP].user_id, [theirs.id])
    with as_system(elsewhere) as db:
        assert list(roster_table(db)["user_id"]) == [None]
