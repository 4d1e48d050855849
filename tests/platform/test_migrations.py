"""Migrations bring any database to what the models say, or leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, create_engine, text
from sqlalchemy.engine import make_url

from core.migrations import upgrade
from core.migrations.tables import metadata
from core.migrations.upgrade import migrate, newest_revision
from core.platform import security

FIRST_RELEASE = "0002"
SETTINGS_ON_THE_ROW = "0004"
OBJECTS = (
    "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname"
    " in ('app', 'jobs')"
)


@pytest.fixture
def migrated(new_database) -> Iterator[Engine]:
    engine = create_engine(make_url(new_database()).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


@pytest.fixture
def bare(new_database) -> Iterator[Engine]:
    """A database as its administrator hands it over: empty."""
    engine = create_engine(make_url(new_database()).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("drop schema app cascade"))
        connection.execute(text("drop schema jobs cascade"))
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_models(migrated) -> None:
    def ours(name, kind, _parents) -> bool:
        return name == "app" if kind == "schema" else name != "alembic_version"

    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": ours,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_exactly_the_checks_of_the_models(migrated) -> None:
    declared = {
        (table.name, str(check.name))
        for table in metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }
    with migrated.connect() as connection:
        made = connection.execute(
            text(
                "select conrelid::regclass::text, conname from pg_constraint where contype = 'c'"
                " and connamespace = 'app'::regnamespace"
            )
        ).all()
    assert {(table.removeprefix("app."), name) for table, name in made} == declared


def test_migrating_again_from_several_machines_at_once_changes_nothing(migrated) -> None:
    with migrated.connect() as connection:
        before = connection.execute(text(OBJECTS)).scalar_one()
    with ThreadPoolExecutor(3) as machines:
        for done in [machines.submit(migrate, migrated.url) for _ in range(3)]:
            done.result()
    with migrated.connect() as connection:
        assert connection.execute(text(OBJECTS)).scalar_one() == before


@pytest.mark.parametrize("maker", ["so_owner", "so_definer"])
def test_a_function_that_this_version_no_longer_has_is_nobodys_to_run(migrated, maker) -> None:
    with migrated.begin() as connection:
        connection.execute(
            text(
                "create function app.left_behind() returns int language sql security definer"
                " return 1"
            )
        )
        connection.execute(text(f"alter function app.left_behind() owner to {maker}"))
        connection.execute(text("grant execute on function app.left_behind() to so_app, so_worker"))

    migrate(migrated.url)

    with migrated.connect() as connection:
        for role in ("public", "so_app", "so_worker"):
            assert not connection.scalar(
                text(f"select has_function_privilege('{role}', 'app.left_behind()', 'execute')")
            )
        assert connection.scalar(
            text("select has_function_privilege('so_app', 'app.enter(uuid, uuid)', 'execute')")
        )


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(bare, monkeypatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("the security layer could not be applied")

    monkeypatch.setattr(security, "apply", break_down)
    with pytest.raises(RuntimeError):
        migrate(bare.url)
    with bare.connect() as connection:
        assert connection.execute(text(OBJECTS)).scalar_one() == 0


def test_an_empty_database_is_brought_to_this_version(bare) -> None:
    migrate(bare.url)
    with bare.connect() as connection:
        assert (
            connection.execute(text("select version_num from app.alembic_version")).scalar_one()
            == newest_revision()
        )


EARLIER = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.contacts (organization_id, id) values ('{org}', '{row}');
    insert into app.leads (organization_id, id, contact_id) values ('{org}', '{row}', '{row}');
    insert into app.events (organization_id, id, contact_id, lead_id, scheduled_at, booked_at,
        closer_user_id)
      values ('{org}', '{row}', '{row}', '{row}', now(), now(), '{ana}'),
             ('{org}', gen_random_uuid(), '{row}', '{row}', now(), now(), '{bo}');
    insert into app.post_call_forms (organization_id, event_id, call_occurred)
      values ('{org}', '{row}', true);
    insert into app.payments (organization_id, id, amount, currency, payment_date, setter_user_id)
      values ('{org}', '{row}', 1, 'USD', now(), '{ana}');
    insert into app.refunds (organization_id, payment_id, amount, currency, status,
        processor_refund_id, refunded_at)
      values ('{org}', '{row}', 1, 'USD', 'succeeded', 're', now());
    insert into app.activities (organization_id, at, type, summary, subject_type, subject_id)
      values ('{org}', now(), 'scheduled', 'Booking made', 'event', '{row}');
"""


def test_rows_of_an_earlier_version_become_their_peoples(bare, monkeypatch) -> None:
    to_head = command.upgrade
    with monkeypatch.context() as then:
        then.setattr(command, "upgrade", lambda config, _: to_head(config, "0004"))
        then.setattr(security, "apply", lambda *_: None)
        migrate(bare.url)
    tables = ("contacts", "leads", "post_call_forms", "refunds", "activities")
    org, row, ana, bo = (uuid4() for _ in range(4))
    with bare.begin() as connection:
        connection.exec_driver_sql(EARLIER.format(org=org, row=row, ana=ana, bo=bo))
        for table in (*tables, "events", "payments"):
            connection.execute(text(f"alter table app.{table} enable row level security"))
            connection.execute(text(f"alter table app.{table} force row level security"))
    migrate(bare.url)
    with bare.connect() as connection:
        found = {
            table: connection.scalars(text(f"select unnest(rep_user_ids) from app.{table}")).all()
            for table in tables
        }
    both = {table: {ana, bo} for table in ("contacts", "leads")}
    assert {table: set(users) for table, users in found.items()} == {
        table: both.get(table, {ana}) for table in tables
    }


def test_an_installation_of_the_first_release_upgrades_and_goes_on_enqueuing(
    bare, monkeypatch
) -> None:
    to_head = command.upgrade
    with monkeypatch.context() as then:
        then.setattr(command, "upgrade", lambda config, _: to_head(config, FIRST_RELEASE))
        then.setattr(security, "apply", lambda *_: None)
        migrate(bare.url)
    migrate(bare.url)
    work = text(
        "select app.enqueue('default', 'attribute_event', 0, 'once', cast(:args as jsonb), null)"
    )
    with bare.begin() as connection:
        org = str(uuid4())
        connection.execute(
            text("select set_config('app.organization_id', :org, true)"), {"org": org}
        )
        for role in ("so_app", "so_worker"):
            connection.execute(text(f"set local role {role}"))
            first = role == "so_app"
            assert (
                connection.execute(work, {"args": f'{{"organization_id": "{org}"}}'}).scalar_one()
                is first
            )


def test_bookings_of_an_earlier_release_keep_their_platforms_ids(bare, monkeypatch) -> None:
    before = ScriptDirectory.from_config(upgrade._config()).get_revision("0006").down_revision
    to_head = command.upgrade
    with monkeypatch.context() as then:
        then.setattr(command, "upgrade", lambda config, _: to_head(config, before))
        then.setattr(security, "apply", lambda *_: None)
        migrate(bare.url)
    org = str(uuid4())
    with bare.begin() as connection:
        connection.execute(
            text(
                "insert into app.organizations (id, name, slug, timezone, currency)"
                " values (:org, 'Team', 'team', 'UTC', 'USD')"
            ),
            {"org": org},
        )
        connection.execute(
            text(
                "insert into app.events (organization_id, scheduled_at, booked_at,"
                " booking_platform, calendly_event_uuid, calendly_invitee_uuid,"
                " previous_invitee_uuid, acuity_appointment_id) values"
                " (:org, now(), now(), 'calendly', 'meeting', 'a', null, null),"
                " (:org, now(), now(), 'calendly', 'meeting', 'b', 'a', null),"
                " (:org, now(), now(), 'manual', null, null, null, '7'),"
                " (:org, now(), now(), 'manual', null, null, null, null)"
            ),
            {"org": org},
        )

    migrate(bare.url)

    with bare.connect() as connection:
        rows = connection.execute(
            text(
                "select booking_platform, external_id, replaces_external_id, calendly_event_uuid,"
                " calendly_invitee_uuid, acuity_appointment_id from app.events order by 1, 2"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("acuity", "7", None, None, None, "7"),
            ("calendly", "a", None, "meeting", "a", None),
            ("calendly", "b", "a", "meeting", "b", None),
            ("manual", None, None, None, None, None),
        ]


def test_settings_that_stood_on_the_organisation_are_carried_over(bare, monkeypatch) -> None:
    to_head = command.upgrade
    with monkeypatch.context() as then:
        then.setattr(command, "upgrade", lambda config, _: to_head(config, SETTINGS_ON_THE_ROW))
        then.setattr(security, "apply", lambda *_: None)
        migrate(bare.url)
    with bare.begin() as connection:
        connection.execute(
            text(
                "insert into app.organizations (name, slug, timezone, currency, pcf_grace_hours,"
                " setter_question, accept_test_mode, require_second_factor, raw_delivery_days,"
                " slack_report_hour) values ('A', 'a', 'UTC', 'USD', 48, 'Who?', true, true, 30, 7)"
            )
        )
        connection.execute(text("alter table app.organizations enable row level security"))
        connection.execute(text("alter table app.organizations force row level security"))
        for function in ("enter_key(bytea) returns void", "enter_system(uuid) returns void"):
            connection.execute(text(f"create function app.{function} language sql as ''"))
    migrate(bare.url)
    with bare.begin() as connection:
        moved = connection.execute(
            text(
                "select b.pcf_grace_hours, b.late_cancel_hours, b.setter_question,"
                " m.accept_test_mode, a.require_second_factor, d.raw_delivery_days,"
                " r.slack_report_hour from app.organizations o"
                " join app.booking_settings b on b.organization_id = o.id"
                " join app.money_settings m on m.organization_id = o.id"
                " join app.access_settings a on a.organization_id = o.id"
                " join app.delivery_settings d on d.organization_id = o.id"
                " join app.report_settings r on r.organization_id = o.id"
            )
        ).one()
        assert tuple(moved) == (48, 24, "Who?", True, True, 30, 7)
        assert connection.execute(text("select count(*) from app.audit_logs")).scalar_one() == 0


def test_what_payouts_counted_under_the_old_rule_becomes_their_lines_as_it_stands(
    bare, monkeypatch
) -> None:
    before = ScriptDirectory.from_config(upgrade._config()).get_revision("0010").down_revision
    to_head = command.upgrade
    with monkeypatch.context() as then:
        then.setattr(command, "upgrade", lambda config, _: to_head(config, before))
        then.setattr(security, "apply", lambda *_: None)
        migrate(bare.url)
    ids = {name: str(uuid4()) for name in ("org", "payment", "snapshot", "refund")}
    with bare.begin() as connection:
        for statement in OLD_PAYOUT:
            connection.execute(text(statement), ids)

    migrate(bare.url)

    with bare.connect() as connection:
        [line] = connection.execute(
            text(
                "select kind, reason_code, line_date = payment_date as is_dated, refund_ids::text,"
                " corrects::text, held_back, net_revenue from app.payout_snapshot_details"
            )
        )
        assert tuple(line) == ("payment", "payment", True, f"{{{ids['refund']}}}", "{}", None, 90)
        start = connection.execute(text("select payouts_start from app.money_settings"))
        assert str(start.scalar_one()) == "2026-10-01"


OLD_PAYOUT = (
    "insert into app.organizations (id, name, slug, timezone, currency)"
    " values (:org, 'Team', 'team', 'UTC', 'USD')",
    "insert into app.money_settings (organization_id) values (:org) on conflict do nothing",
    "insert into app.payments (organization_id, id, amount, currency, refund_amount, payment_date)"
    " values (:org, :payment, 100, 'USD', 10, '2026-10-30')",
    "insert into app.refunds (organization_id, id, payment_id, amount, currency, status,"
    " processor_refund_id, refunded_at)"
    " values (:org, :refund, :payment, 10, 'USD', 'succeeded', 're_1', '2026-10-31')",
    "insert into app.payout_snapshots (organization_id, id, name, period_start, period_end,"
    " timezone, state, totals, payment_count)"
    " values (:org, :snapshot, 'October', '2026-10-01', '2026-11-01', 'UTC', 'approved', '{}', 1)",
    "insert into app.payout_snapshot_details (organization_id, snapshot_id, payment_id,"
    " payment_date, processor, currency, amount, refund_amount, net_revenue, attribution_method)"
    " values (:org, :snapshot, :payment, '2026-10-30', 'manual', 'USD', 100, 10, 90, 'none')",
)
