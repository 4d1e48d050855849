"""What plain SQL can do under an identity: how much damage a hole in one page could do."""

from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.platform.database import APP_ROLE, WORKER_ROLE, as_guest, as_key, as_system
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.invitations import invite
from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.teams import super_admin

NO_PRIVILEGE = "42501"


@pytest.fixture(scope="module")
def org(database_url):
    return make.organization()


@pytest.fixture(scope="module")
def people(org):
    found = {role: make.viewer(org, role) for role in (Role.OWNER, Role.ADMIN, Role.VIEWER)}
    return found | {Role.SUPER_ADMIN: super_admin(found[Role.ADMIN])}


@pytest.fixture(scope="module")
def program(org):
    """The transaction of a program whose key has all scopes."""
    with as_system(org) as db:
        key = create_api_key(db, "Everything", ["all"]).key
    return lambda: as_key(sha256(key.encode()).digest())


def refused(transaction, statement, **values):
    with pytest.raises(DBAPIError) as error, transaction() as db:
        db.execute(text(statement), values)
    return error.value.orig.sqlstate == NO_PRIVILEGE


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.SUPER_ADMIN])
@pytest.mark.parametrize(
    "statement",
    [
        "update app.organizations set plan = 'enterprise'",
        "update app.organizations set modules = '{phone}'",
        "update app.organizations set deleted_at = now()",
        "update app.organizations set purge_after = now()",
        "update app.organizations set slug = 'another'",
        "update app.organization_members set email = 'x@example.com'",
        "update app.organization_members set user_id = gen_random_uuid()",
        *(
            f"update app.users set {change} where id = app.cur_user()"
            for change in (
                "password_hash = 'x'",
                "active = true",
                "email_normalized = 'x@example.com'",
                "tokens_valid_from = null",
                "name = 'x'",
            )
        ),
    ],
)
def test_what_only_a_function_changes_no_statement_does(people, role, statement):
    assert refused(people[role].transaction, statement)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.SUPER_ADMIN])
def test_nobody_is_made_a_member_without_having_accepted(people, role, org):
    stranger = make.viewer(make.organization())
    assert refused(
        people[role].transaction,
        "insert into app.organization_members (organization_id, user_id, role, name, email)"
        " values (:org, :user, 'viewer', 'x', 'x@example.com')",
        org=org,
        user=stranger.user_id,
    )


OWNERS = (
    "update app.organization_members set role = 'owner' where user_id = :admin",
    "update app.organization_members set role = 'viewer' where user_id = :boss",
    "update app.organization_members set active = false where user_id = :boss",
    "update app.invitations set role = 'owner' where role = 'viewer'",
    "update app.invitations set token_hash = 'known' where role = 'owner'",
    "update app.invitations set email_normalized = 'x@example.com' where role = 'owner'",
    (
        "insert into app.invitations (organization_id, email, email_normalized, role, token_hash,"
        " expires_at) values (app.cur_org(), 'new@example.com', 'new@example.com', 'owner', 'new',"
        " now() + interval '1 day')"
    ),
)


@pytest.fixture(scope="module")
def invited(people):
    boss = people[Role.OWNER]
    with boss.transaction() as db:
        for role in ("owner", "viewer"):
            invite(db, boss, f"{role}{next(make.number)}@example.com", role)


@pytest.mark.parametrize("statement", OWNERS)
def test_neither_an_admin_nor_a_program_makes_changes_or_invites_an_owner(
    people, program, invited, statement
):
    named = {"admin": people[Role.ADMIN].user_id, "boss": people[Role.OWNER].user_id}
    values = {name: value for name, value in named.items() if f":{name}" in statement}
    assert refused(people[Role.ADMIN].transaction, statement, **values)
    assert refused(program, statement, **values)
    with people[Role.OWNER].transaction() as db:
        assert db.execute(text(statement), values).rowcount == 1
        db.rollback()


def test_an_admin_says_to_whom_an_owner_reports(people):
    with people[Role.ADMIN].transaction() as db:
        reports = text(
            "update app.organization_members set manager_user_id = :admin where role = 'owner'"
        )
        assert db.execute(reports, {"admin": people[Role.ADMIN].user_id}).rowcount == 1
        db.rollback()


@pytest.mark.parametrize(
    "args", ["{}", '{"organization_id": null}', f'{{"organization_id": "{UUID(int=1)}"}}']
)
def test_nobody_puts_work_on_the_queue_that_is_not_their_organisations(people, args):
    work = (
        "select app.enqueue('default', 'send_password_reset', 0, null, cast(:args as jsonb), null)"
    )
    assert refused(as_guest, work, args=args)
    assert refused(people[Role.ADMIN].transaction, work, args=args)


@pytest.mark.parametrize("role", [APP_ROLE, WORKER_ROLE])
@pytest.mark.parametrize(
    "statement",
    [
        "set role so_owner",
        "set role so_definer",
        "set local role so_definer",
        "set session authorization so_owner",
        "create schema mine",
        "create table app.mine (id int)",
        "create function app.mine() returns int language sql return 1",
        "create extension pg_trgm",
        "alter role current_user bypassrls",
        "select * from pg_authid",
        "alter table app.events disable row level security",
        'drop policy "may read" on app.events',
        "set session_replication_role = replica",
        "alter function app.cur_role() owner to current_user",
        "create or replace function app.cur_role() returns text language sql return 'super_admin'",
        "copy app.events to '/tmp/x'",
        "select pg_read_file('/etc/passwd')",
        "select app.end_access(gen_random_uuid())",
        "select app.end_sign_ins(gen_random_uuid(), null)",
        "select app.organization_for_mail(gen_random_uuid())",
        "select app.demand_super_admin()",
    ],
)
def test_the_products_own_roles_cannot_rise(role, statement):
    assert refused(lambda: as_guest(role), statement)


def test_people_reach_neither_the_queue_nor_the_functions_of_the_jobs():
    for statement in (
        "select * from jobs.procrastinate_jobs",
        "select app.enter_system(gen_random_uuid())",
        "select app.make_super_admin(gen_random_uuid())",
        "select app.unpurged_organization_ids()",
        "select app.sealed_second_factors()",
        "select app.purge_organizations()",
    ):
        assert refused(as_guest, statement)


def test_a_table_of_ones_own_shadows_nothing_that_decides(people):
    viewer = people[Role.VIEWER]
    with viewer.transaction() as db:
        for table in ("user_roles", "organization_members", "users"):
            db.execute(
                text(
                    f"create temp table {table} on commit drop as select app.cur_user() as user_id,"
                    " 'super_admin' as role"
                )
            )
        db.execute(text("set local search_path = pg_temp, app, pg_catalog"))
        assert not db.execute(
            text("select app.is_super_admin(:user)"), {"user": viewer.user_id}
        ).scalar()
        enter = text("select app.enter(:user, :org)")
        db.execute(enter, {"user": viewer.user_id, "org": viewer.organization_id})
        assert db.execute(text("select app.cur_role()")).scalar() == "viewer"
