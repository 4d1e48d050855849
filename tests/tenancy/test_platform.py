"""Organisations and users, as super admins manage them."""

from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.bookings.models import Closer
from core.migrations.tables import metadata
from core.money.payouts import approve, create_snapshot
from core.operations.organizations import organizations_overview, purge_organizations
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, today
from core.platform.database import WORKER_ROLE, as_guest, as_key, as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.providers.connections import create_connection
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.models import Role
from core.tenancy.access.platform_admin import (
    GRACE_DAYS,
    configure_organization,
    create_organization_as_admin,
    delete_organization,
    delete_user,
    restore_organization,
    set_user_active,
    users_overview,
)
from core.tenancy.access.sessions import organizations_for_user, viewer_of
from core.tenancy.organizations.queries import all_organization_ids, current_organization
from tests import factories as make
from tests.figures import figures
from tests.flow import SECRET
from tests.metrics.history import random_history
from tests.ports import owner
from tests.security.rows import put
from tests.tenancy.purging import mentions, past_grace
from tests.ui.screens import token_of
from tests.ui.teams import super_admin, team

TENANT = [
    table
    for table in metadata.sorted_tables
    if "organization_id" in table.columns and table.name != "sign_in_sessions"
]


@pytest.fixture(scope="module")
def boss(database_url):
    """A super admin, with an organisation of their own."""
    return super_admin(make.viewer(make.organization(), Role.VIEWER))


def overview(boss):
    with boss.transaction() as db:
        return {row.id: row for row in organizations_overview(db)}


def test_an_organisation_is_made_configured_and_seen_with_what_is_in_it(boss):
    slug = f"new-{uuid4().hex[:8]}"
    with boss.transaction() as db:
        made = create_organization_as_admin(
            db, name=" New one ", slug=slug, timezone="Europe/Paris", currency="eur"
        )
        configure_organization(db, made, ["bookings", "deals"], "enterprise")
    make.viewer(made, Role.OWNER)
    with as_system(made) as db:
        make.event(db, made)
        home = current_organization(db)
        assert (home.name, home.slug, home.timezone, home.currency) == (
            "New one",
            slug,
            "Europe/Paris",
            "EUR",
        )
    row = overview(boss)[made]
    with owner() as db:
        audited = db.execute(
            text(
                "select operation, actor_user_id from app.audit_logs where row_id = :id order by at"
            ),
            {"id": str(made)},
        )
        assert audited.all() == [("insert", boss.user_id), ("update", boss.user_id)]
    assert (row.members, row.events, row.last_delivery_at, row.modules, row.plan) == (
        1,
        1,
        None,
        ["bookings", "deals"],
        "enterprise",
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": " "}, InvalidInput),
        ({"slug": "No Slug"}, InvalidInput),
        ({"timezone": "Nowhere"}, InvalidInput),
        ({"currency": "??"}, InvalidInput),
        ({"slug": "taken"}, Conflict),
    ],
)
def test_an_organisation_that_cannot_be_is_not_made(boss, change, error):
    if "taken" in change.values():
        change = {"slug": overview(boss)[boss.organization_id].slug}
    facts = {"name": "New", "slug": "new-one", "timezone": "UTC", "currency": "USD"} | change
    with pytest.raises(error), boss.transaction() as db:
        create_organization_as_admin(db, **facts)


@pytest.mark.parametrize(
    "role", [Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SALES_REP, Role.VIEWER]
)
def test_nobody_else_does_any_of_it(role):
    who = make.viewer(make.organization(), role)
    user = who.user_id
    attempts = [
        organizations_overview,
        users_overview,
        lambda db: create_organization_as_admin(
            db, name="Mine", slug=f"mine-{uuid4()}", timezone="UTC", currency="USD"
        ),
        lambda db: configure_organization(db, who.organization_id, ["phone"], "enterprise"),
        lambda db: delete_organization(db, who.organization_id, name="x", typed="x"),
        lambda db: restore_organization(db, who.organization_id),
        lambda db: set_user_active(db, user, True, by=uuid4()),
        lambda db: delete_user(db, user, email="x", typed="x", by=uuid4()),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed), who.transaction() as db:
            attempt(db)


def test_a_deleted_organisation_is_hidden_from_everybody_at_once_and_comes_back_as_it_was(boss):
    org = make.organization(name="Short lived")
    admin = make.viewer(org, Role.ADMIN)
    session = token_of(admin)
    with as_system(org) as db:
        key = create_api_key(db, "Test", ["all"]).key
        connection = create_connection(db, "calendly", "Test", SECRET).id
    with pytest.raises(InvalidInput), boss.transaction() as db:
        delete_organization(db, org, name="Short lived", typed="short")

    with boss.transaction() as db:
        delete_organization(db, org, name="Short lived", typed="Short lived ")

    assert doors(admin, session, key, connection, boss) == set()
    row = overview(boss)[org]
    assert row.purge_after - row.deleted_at == timedelta(days=GRACE_DAYS)
    purge_organizations()
    with boss.transaction() as db:
        restore_organization(db, org)
    assert doors(admin, session, key, connection, boss) == {
        "member",
        "session",
        "places",
        "key",
        "connection",
        "super admin",
        "jobs",
    }


def doors(admin, session, key, connection, boss):
    """The ways into the organisation that work."""
    org, found = admin.organization_id, set()
    for name, enter in {
        "member": admin.transaction,
        "key": lambda: as_key(sha256(key.encode()).digest()),
        "super admin": super_admin(admin).transaction,
    }.items():
        try:
            with enter() as db:
                found |= {name} if current_organization(db).id == org else set()
        except NotAllowed:
            continue
    found |= {"session"} if viewer_of(session) else set()
    found |= (
        {"places"}
        if org
        in {
            place.id
            for place in (
                *organizations_for_user(admin.user_id),
                *organizations_for_user(boss.user_id),
            )
        }
        else set()
    )
    found |= {"jobs"} if org in all_organization_ids() else set()
    with as_guest(WORKER_ROLE) as db:
        known = db.execute(
            text("select count(*) from app.find_connection(:id)"), {"id": connection}
        ).scalar_one()
    return found | ({"connection"} if known else set())


def test_after_the_grace_everything_of_it_is_removed_and_one_line_says_so(boss):
    ours, theirs = team("Purged"), team("Spared")
    org, day = ours.admin.organization_id, today("UTC")
    with ours.admin.transaction() as db:
        kept = create_snapshot(
            db,
            "Approved",
            Period(day - timedelta(days=5), day + timedelta(days=1), "UTC"),
            ours.admin,
        )
        approve(db, kept.id, ours.admin)
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        for table in TENANT:
            if table.info["rls"] != "organization_settings":  # these rows came with it
                put(db, table, org)
    before = counted(theirs.admin.organization_id)
    with boss.transaction() as db:
        delete_organization(
            db, org, name=ours.admin.organization_name, typed=ours.admin.organization_name
        )
    past_grace(org)

    purge_organizations()

    assert set(counted(org).values()) == {0}
    assert counted(theirs.admin.organization_id) == before
    assert org not in overview(boss)
    with boss.transaction() as db:
        [line] = db.execute(
            text(
                "select operation, changes from app.audit_logs where row_id = :id and operation ="
                " 'purge'"
            ),
            {"id": str(org)},
        ).all()
        with pytest.raises(NotFound):
            restore_organization(db, org)
    assert line.changes["name"] == ["Purged organisation", None]
    assert line.changes["rows"]["events"] >= 2


def counted(org):
    with owner() as db:
        return {
            table.name: (
                db.execute(
                    text(f"select count(*) from app.{table.name} where organization_id = :org"),
                    {"org": org},
                ).scalar()
            )
            for table in TENANT
        }


def test_an_audited_row_leaves_a_trace_as_long_as_its_organisation_is_not_being_purged():
    admin = make.viewer(make.organization(), Role.ADMIN)
    with admin.transaction() as db:
        db.execute(
            text("select set_config('app.purging', :org, true)"),
            {"org": str(admin.organization_id)},
        )
        db.execute(text("update app.organizations set name = 'Hidden change'"))
    with admin.transaction() as db:
        assert (
            db.scalar(
                text(
                    "select count(*) from app.audit_logs where changes ? 'name' and operation ="
                    " 'update'"
                )
            )
            == 1
        )


def test_a_user_who_is_kept_out_is_out_at_once_and_can_be_let_in_again(boss):
    person = make.viewer(make.organization(), Role.ADMIN)
    session = token_of(person)
    with boss.transaction() as db:
        set_user_active(db, person.user_id, False, by=boss.user_id)
    assert viewer_of(session) is None
    with pytest.raises(NotAllowed), person.transaction():
        pass
    with boss.transaction() as db:
        set_user_active(db, person.user_id, True, by=boss.user_id)
    assert viewer_of(session) is None
    assert viewer_of(token_of(person)).user_id == person.user_id


def test_nobody_shuts_themselves_out(boss):
    for act in (
        lambda db: set_user_active(db, boss.user_id, False, by=boss.user_id),
        lambda db: delete_user(db, boss.user_id, email="x", typed="x", by=boss.user_id),
    ):
        with pytest.raises(Conflict), boss.transaction() as db:
            act(db)


def test_a_deleted_user_is_gone_and_every_figure_stays(boss):
    history = random_history("Europe/Copenhagen", seed=7, calls=60, payments=40)
    person = history.viewers["sales_rep"]
    org, session = history.organization_id, token_of(person)
    with as_system(org) as db:
        lock_books(db)
        db.execute(
            text(
                "update app.closers set email = :email, email_normalized = :email where user_id ="
                " :user"
            ),
            {"email": person.email, "user": person.user_id},
        )
        closers = {closer.id: closer.name for closer in db.query(Closer)}
    before = figures(org, history.period, history.at)
    with pytest.raises(InvalidInput), boss.transaction() as db:
        delete_user(db, person.user_id, email=person.email, typed="somebody", by=boss.user_id)

    with boss.transaction() as db:
        delete_user(db, person.user_id, email=person.email, typed=person.email, by=boss.user_id)

    assert figures(org, history.period, history.at) == before
    assert viewer_of(session) is None
    with as_system(org) as db:
        assert {closer.id: closer.name for closer in db.query(Closer)} == closers
    assert mentions(person.email) == set()
    with owner() as db:
        left = db.execute(
            text(
                "select name, password_hash, active, deleted_at is not null from app.users where id"
                " = :id"
            ),
            {"id": person.user_id},
        ).one()
    assert tuple(left) == ("Deleted user", None, False, True)
    with boss.transaction() as db, pytest.raises(NotFound):
        delete_user(db, person.user_id, email=person.email, typed=person.email, by=boss.user_id)


def test_users_are_found_by_a_part_of_their_name_or_address(boss):
    org = make.organization(name="Where they are")
    person = make.viewer(org, Role.MANAGER, name="Quirina Longname")
    with boss.transaction() as db:
        for search in ("quirina", "LONGN", person.email[:12], str(person.user_id)):
            assert [row.id for row in users_overview(db, search)] == [person.user_id]
        assert users_overview(db, "quirina")[0].places == ["Where they are (manager)"]
        assert users_overview(db, "nobody is called so") == []
