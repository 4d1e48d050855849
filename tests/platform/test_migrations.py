"""Migrations bring any database to what the models declare, or leave it as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
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
from core.platform.notation import of_region
from core.platform.security.references import checked_by_postgres

FIRST_RELEASE = "0002"
SETTINGS_ON_THE_ROW = "0004"
CHOICE_IN_A_SENTENCE = "0008"
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
def bare(server) -> Iterator[Engine]:
    """An empty database, as an administrator hands it over."""
    name = f"bare_{uuid4().hex}"
    engine = create_engine(make_url(server).set(database=name, drivername="postgresql+psycopg"))
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        yield engine
        engine.dispose()
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def release_of(bare, monkeypatch) -> Callable[[str], None]:
    """A function that brings the empty database to a revision, as an earlier release left it."""
    to_head = command.upgrade

    def made(revision: str) -> None:
        with monkeypatch.context() as then:
            then.setattr(command, "upgrade", lambda config, _: to_head(config, revision))
            then.setattr(security, "apply", lambda *_: None)
            migrate(bare.url)

    return made


def before(revision: str) -> str:
    """The revision that a release had which did not know this one yet."""
    return ScriptDirectory.from_config(upgrade._config()).get_revision(revision).down_revision


def test_the_migrations_make_exactly_the_tables_of_the_models(migrated) -> None:
    def ours(name, kind, _parents) -> bool:
        return name == "app" if kind == "schema" else name != "alembic_version"

    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": ours,
                "include_object": checked_by_postgres,
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


def test_rows_of_an_earlier_version_become_their_peoples(bare, release_of) -> None:
    release_of("0004")
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
    bare, release_of
) -> None:
    release_of(FIRST_RELEASE)
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


@pytest.mark.nightly
def test_bookings_of_an_earlier_release_keep_their_platforms_ids(bare, release_of) -> None:
    release_of(before("0006"))
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


def test_settings_that_stood_on_the_organisation_are_carried_over(bare, release_of) -> None:
    release_of(SETTINGS_ON_THE_ROW)
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


TWICE = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.webhook_connections
        (organization_id, id, provider, name, rate_limit_per_minute)
      values ('{org}', '{old}', 'stripe', 'Old', 60), ('{org}', '{new}', 'stripe', 'New', 60);
    insert into app.payments (organization_id, id, amount, refund_amount, currency, payment_date,
        processor, connection_id, processor_payment_id, customer_email, created_at)
      values ('{org}', '{row}', 4997, 1000, 'USD', now(), 'stripe', '{old}', 'pi_A', 'a@b.dk',
              now()),
             ('{org}', '{twin}', 4997, 1500, 'USD', now(), 'stripe', '{new}', 'pi_A', null,
              now() + interval '1 day'),
             ('{org}', gen_random_uuid(), 10, 0, 'USD', now(), 'whop', null, 'pi_A', null,
              now());
    insert into app.refunds (organization_id, payment_id, amount, currency, status,
        processor_refund_id, refunded_at)
      values ('{org}', '{row}', 1000, 'USD', 'succeeded', 're_1', now()),
             ('{org}', '{row}', 0, 'USD', 'canceled', 'total of ch_A', now()),
             ('{org}', '{twin}', 1500, 'USD', 'succeeded', 'total of ch_A', now());
    insert into app.provider_objects (organization_id, connection_id, kind, external_id, group_key,
        version, data)
      values ('{org}', '{old}', 'charge', 'ch_A', 'pi_A',
              '001793631845:2:000000000499700:000000000100000',
              '{{"id": "ch_A", "payment_intent": "pi_A", "amount_refunded": 100000}}'),
             ('{org}', '{new}', 'charge', 'ch_A', 'pi_A',
              '001793631999:2:000000000499700:000000000150000',
              '{{"id": "ch_A", "payment_intent": {{"id": "pi_A"}}, "amount_refunded": 150000}}'),
             ('{org}', '{old}', 'refund', 're_1', 'pi_A', '001793631900:3:000:000',
              '{{"id": "re_1", "charge": "ch_A", "status": "failed"}}');
"""


@pytest.mark.nightly
def test_what_came_over_two_connections_is_counted_once_after_the_upgrade(bare, release_of) -> None:
    release_of(before("0011"))
    org, old, new, row, twin = (str(uuid4()) for _ in range(5))
    with bare.begin() as connection:
        connection.exec_driver_sql(TWICE.format(org=org, old=old, new=new, row=row, twin=twin))

    migrate(bare.url)

    with bare.connect() as connection:
        payments = connection.execute(
            text(
                "select id::text, amount, refund_amount, customer_email, superseded_by_id::text"
                " from app.payments where processor = 'stripe' order by counts desc"
            )
        ).all()
        refunds = connection.execute(
            text(
                "select payment_id::text, processor_refund_id, amount, status from app.refunds"
                " order by 2"
            )
        ).all()
        objects = connection.execute(
            text(
                "select provider, kind, version, data ->> 'as_of' from app.provider_objects"
                " where kind in ('charge', 'refund')"
            )
        ).all()
        links = connection.execute(
            text("select kind, external_id, target_kind, target_id from app.provider_links")
        ).all()
    assert [tuple(each) for each in payments] == [
        (row, 4997, 1500, "a@b.dk", None),
        (twin, 4997, 0, None, row),
    ]
    assert [tuple(each) for each in refunds] == [
        (row, "re_1", 1000, "succeeded"),
        (row, "total of ch_A", 500, "succeeded"),
    ]
    assert {tuple(each) for each in objects} == {
        ("stripe", "charge", "001793631999:2:000000000499700:000000000150000", "1793631999"),
        ("stripe", "refund", "3:998206368099", "1793631900"),
    }
    assert {tuple(each) for each in links} == {
        ("charge", "ch_A", "payment_intent", "pi_A"),
        ("refund", "re_1", "charge", "ch_A"),
    }


SPELLED = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.contacts (organization_id, id, email, email_normalized) values
      ('{org}', '{ana}', 'ana@bücher.example', 'ana@bücher.example'),
      ('{org}', '{again}', 'ana@xn--bcher-kva.example', 'ana@xn--bcher-kva.example'),
      ('{org}', '{bo}', '​bo@example.com', null);
    insert into app.contact_emails (organization_id, contact_id, email, email_normalized) values
      ('{org}', '{ana}', 'ana@bücher.example', 'ana@bücher.example'),
      ('{org}', '{again}', 'ana@xn--bcher-kva.example', 'ana@xn--bcher-kva.example'),
      ('{org}', '{bo}', '…', 'erased:5f1c0b');
    insert into app.leads (organization_id, id, contact_id) values ('{org}', '{again}', '{again}');
    insert into app.events (organization_id, contact_id, lead_id, scheduled_at, booked_at,
        lead_email, lead_email_normalized) values
      ('{org}', '{again}', '{again}', now(), now(), 'ana@xn--bcher-kva.example',
        'ana@xn--bcher-kva.example'),
      ('{org}', '{bo}', null, now(), now(), '​bo@example.com', null);
    insert into app.payments (organization_id, amount, currency, payment_date, customer_email)
      values ('{org}', 1, 'USD', now(), 'bo@exa­mple.com');
    insert into app.suppressed_emails (organization_id, email_normalized, reason) values
      ('{org}', 'ana@xn--bcher-kva.example', 'bounced'),
      ('{org}', 'ana@bücher.example', 'unsubscribed');
"""


@pytest.mark.nightly
def test_addresses_of_an_earlier_release_are_brought_to_their_one_form(bare, release_of) -> None:
    release_of(before("0012"))
    org, ana, again, bo = (uuid4() for _ in range(4))
    with bare.begin() as connection:
        connection.exec_driver_sql(SPELLED.format(org=org, ana=ana, again=again, bo=bo))

    migrate(bare.url)

    with bare.connect() as connection:

        def found(query):
            return [tuple(row) for row in connection.execute(text(query))]

        # two contacts with one address are one
        assert set(found("select id, email_normalized from app.contacts")) == {
            (ana, "ana@bücher.example"),
            (bo, "bo@example.com"),
        }
        assert set(found("select contact_id, email_normalized from app.contact_emails")) == {
            (ana, "ana@bücher.example"),
            (bo, "erased:5f1c0b"),
        }
        assert found("select contact_id from app.leads") == [(ana,)]
        assert set(found("select contact_id, lead_email_normalized from app.events")) == {
            (ana, "ana@bücher.example"),
            (bo, "bo@example.com"),
        }
        assert found("select customer_email_normalized from app.payments") == [("bo@example.com",)]
        assert ("ana@bücher.example",) in found(
            "select email_normalized from app.suppressed_emails"
        )
        assert found("select count(*) from app.audit_logs") == [(0,)]


def test_choices_that_stood_where_the_payment_stood_are_carried_over(bare, release_of) -> None:
    release_of(CHOICE_IN_A_SENTENCE)
    with bare.begin() as connection:
        connection.execute(
            text("""
                with o as (insert into app.organizations (name, slug, timezone, currency)
                             values ('A', 'a', 'UTC', 'USD') returning id)
                insert into app.payments (organization_id, amount, currency, payment_date,
                    attribution_method, attribution_reason)
                select o.id, 1, 'USD', now(), method, 'chosen by Mara: ' || method
                  from o cross join unnest(array['manual', 'email']) method
            """)
        )
        connection.execute(text("alter table app.payments enable row level security"))
        connection.execute(text("alter table app.payments force row level security"))
    migrate(bare.url)
    with bare.begin() as connection:
        found = connection.execute(
            text("select chosen_at is not null, chosen_reason from app.payments order by 1")
        ).all()
    assert [tuple(row) for row in found] == [(False, None), (True, "Mara: manual")]


@pytest.mark.nightly
def test_what_payouts_counted_under_the_old_rule_becomes_their_lines_as_it_stands(
    bare, release_of
) -> None:
    release_of(before("0010"))
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


def test_payouts_that_were_approved_before_carry_the_fingerprint_of_their_lines(
    bare, release_of
) -> None:
    """And of a payment that was refunded and disputed no more than its amount has gone back."""
    release_of(before("0018"))
    ids = {name: str(uuid4()) for name in ("org", "payment", "snapshot", "refund")}
    with bare.begin() as connection:
        for table in ("payments", "payout_snapshots", "payout_snapshot_details"):
            connection.execute(text(f"alter table app.{table} no force row level security"))
        for statement in OLD_PAYOUT[:-1]:
            connection.execute(text(statement), ids)
        connection.execute(text(LINE_OF_0010), ids)
        connection.execute(text("update app.payments set refund_amount = 150"))

    migrate(bare.url)

    with bare.begin() as connection:
        connection.execute(
            text("select set_config('app.organization_id', :org, true)"), {"org": ids["org"]}
        )
        for table in ("payments", "payout_snapshots", "payout_snapshot_details"):
            connection.execute(text(f"alter table app.{table} no force row level security"))
        assert connection.execute(text("select net_revenue from app.payments")).scalar_one() == 0
        stored, computed = connection.execute(
            text("select lines_sha256, app.payout_lines_sha256(id) from app.payout_snapshots")
        ).one()
    assert len(stored) == 64
    assert stored == computed


LINE_OF_0010 = (
    "insert into app.payout_snapshot_details (organization_id, snapshot_id, payment_id, kind,"
    " reason_code, line_date, payment_date, processor, currency, amount, refund_amount,"
    " net_revenue, attribution_method) values (:org, :snapshot, :payment, 'payment', 'payment',"
    " '2026-10-30', '2026-10-30', 'manual', 'USD', 100, 10, 90, 'none')"
)
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


def test_a_closer_and_a_call_type_stay_known_to_calendly(bare, release_of) -> None:
    release_of(before("0020"))
    with bare.begin() as connection:
        for statement in OLD_ROSTER:
            connection.execute(text(statement), {"org": str(uuid4())})

    migrate(bare.url)

    with bare.connect() as connection:
        for table, column in (
            ("closers", "calendly_user_uri"),
            ("call_types", "calendly_event_type_uri"),
        ):
            rows = connection.execute(
                text(f"select name, {column}, known_as from app.{table} order by 1")
            )
            assert [tuple(row) for row in rows] == [
                ("Known", "u/one", {"calendly": "u/one"}),
                ("New", None, {}),
            ]


OLD_ROSTER = (
    "with team as (insert into app.organizations (id, name, slug, timezone, currency)"
    " values (:org, 'Team', 'team', 'UTC', 'USD') returning id),"
    " added as (insert into app.call_types (organization_id, name, calendly_event_type_uri)"
    " select id, name, uri from team, (values ('Known', 'u/one'), ('New', null)) as t (name, uri))"
    " insert into app.closers (organization_id, name, calendly_user_uri)"
    " select id, name, uri from team, (values ('Known', 'u/one'), ('New', null)) as t (name, uri)",
)


def test_bookings_of_an_earlier_release_name_their_host_and_what_was_missed(
    bare, release_of
) -> None:
    release_of(before("0017"))
    org = str(uuid4())
    with bare.begin() as connection:
        for statement in OLD_BOOKINGS:
            connection.execute(text(statement), {"org": org})

    migrate(bare.url)

    with bare.connect() as connection:
        rows = connection.execute(
            text(
                "select external_id, host_uri, host_email, call_status, no_show_party"
                " from app.events where closer_id is null order by 1"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("a", "u/two", "two@example.com", "scheduled", None),
            ("b", None, None, "no_show", "guest"),
            ("c", None, None, "rescheduled", None),
        ]
        # who of several hosts came first is not known
        digests = "select external_id, hosts_digest from app.events where closer_id is not null"
        assert [tuple(row) for row in connection.execute(text(f"{digests} order by 1"))] == [
            ("alone", "one"),
            ("together", None),
        ]


OLD_BOOKINGS = (
    "insert into app.organizations (id, name, slug, timezone, currency)"
    " values (:org, 'Team', 'team', 'UTC', 'USD')",
    "insert into app.events (organization_id, scheduled_at, booked_at, booking_platform,"
    " external_id, call_status, provider_status, provider_no_show_at, canceled_at) values"
    " (:org, now(), now(), 'calendly', 'a', 'scheduled', 'scheduled', null, null),"
    " (:org, now(), now(), 'calendly', 'b', 'rescheduled', 'rescheduled', now(), null),"
    " (:org, now(), now(), 'calendly', 'c', 'rescheduled', 'rescheduled', now(),"
    " now() - interval '1 day')",
    "with ana as (insert into app.closers (organization_id, name) values (:org, 'Ana')"
    " returning id) insert into app.events (organization_id, scheduled_at, booked_at,"
    " external_id, closer_id, hosts_digest, other_hosts)"
    " select :org, now(), now(), key, ana.id, digest, others::jsonb"
    " from ana, (values ('alone', 'one', '[]'), ('together', 'two', '[1]'))"
    " as e (key, digest, others)",
    "insert into app.provider_objects (organization_id, provider, kind, external_id, version, data)"
    " select :org, 'calendly', kind, 'a', version, jsonb_build_object('scheduled_event',"
    " jsonb_build_object('event_memberships', jsonb_build_array(jsonb_build_object("
    "'user', 'u/' || name, 'user_email', name || '@example.com'))))"
    " from (values ('invitee', '1', 'one'), ('marked_invitee', '2', 'two'))"
    " as said (kind, version, name)",
)


def test_pairs_that_a_payout_has_counted_are_carried_over_as_such(bare, release_of) -> None:
    release_of(before("0016"))
    names = ("org", "event", "form", "package", "entry", "card", "other", "snapshot")
    ids = {name: str(uuid4()) for name in names}
    with bare.begin() as connection:
        for statement in OLD_PAIR:
            connection.execute(text(statement), ids)

    migrate(bare.url)

    with bare.connect() as connection:
        [pair] = connection.execute(
            text("select entered_id::text, reported_id::text, verdict from app.payment_pairs")
        )
        assert tuple(pair) == (ids["entry"], ids["card"], "counted")
        [entry] = connection.execute(
            text(
                "select form_event_id::text, named_package_id::text from app.payments"
                " where pcf_id is not null"
            )
        )
        assert tuple(entry) == (ids["event"], ids["package"])


# The form's entry and the card are one, and a payout counted the card. What it never counted has no
# line.
OLD_PAIR = (
    "insert into app.organizations (id, name, slug, timezone, currency)"
    " values (:org, 'Team', 'team', 'UTC', 'USD')",
    "insert into app.packages (organization_id, id, name) values (:org, :package, 'Core')",
    "insert into app.events (organization_id, id, scheduled_at, booked_at)"
    " values (:org, :event, '2026-10-30', '2026-10-29')",
    "insert into app.post_call_forms (organization_id, id, event_id, call_occurred, submitted_at)"
    " values (:org, :form, :event, true, '2026-10-30')",
    "insert into app.payments (organization_id, id, amount, currency, payment_date)"
    " values (:org, :card, 100, 'USD', '2026-10-30'), (:org, :other, 5, 'USD', '2026-10-30')",
    "insert into app.payments (organization_id, id, amount, currency, payment_date, pcf_id,"
    " package_id, superseded_by_id)"
    " values (:org, :entry, 100, 'USD', '2026-10-30', :form, :package, :card)",
    "insert into app.payout_snapshots (organization_id, id, name, period_start, period_end,"
    " timezone, state, totals, payment_count)"
    " values (:org, :snapshot, 'October', '2026-10-01', '2026-11-01', 'UTC', 'approved', '{}', 1)",
    "insert into app.payout_snapshot_details (organization_id, snapshot_id, payment_id, kind,"
    " reason_code, line_date, payment_date, processor, currency, amount, refund_amount,"
    " net_revenue, attribution_method)"
    " values (:org, :snapshot, :card, 'payment', 'payment', '2026-10-30', '2026-10-30', 'stripe',"
    " 'USD', 100, 0, 100, 'email')",
)


# Payments as 0014 left them. That of ch_A is known by its receipt, and was given back in two parts,
# which counted as one. That of ch_B was paid with a booking which was moved, and had no address.
FACTS = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.events (organization_id, id, scheduled_at, booked_at, booking_platform,
        external_id, lead_email, lead_email_normalized, provider_status)
      values ('{org}', '{first}', '2026-10-30', '2026-10-28', 'calendly', 'i_first', 'a@b.dk',
              'a@b.dk', 'rescheduled'),
             ('{org}', '{second}', '2026-11-07', '2026-10-28', 'calendly', 'i_second', 'a@b.dk',
              'a@b.dk', 'scheduled');
    insert into app.payments (organization_id, amount, currency, payment_date, processor,
        processor_payment_id, processor_charge_id)
      values ('{org}', 100, 'USD', now(), 'stripe', 'pi_A', 'ch_A'),
             ('{org}', 100, 'USD', now(), 'stripe', 'pi_B', 'ch_B');
    insert into app.provider_objects (organization_id, provider, kind, external_id, version, data)
      values ('{org}', 'stripe', 'charge', 'ch_A', '001793631999:2',
              '{{"id": "ch_A", "created": 1793000000, "as_of": 1793631999,
                 "receipt_email": "a@b.dk", "amount_refunded": 1500}}'),
             ('{org}', 'stripe', 'first', 'ch_A refunded 1000', '1', '{{"at": 1793100000}}'),
             ('{org}', 'stripe', 'first', 'ch_A refunded 1500', '1', '{{"at": 1793200000}}'),
             ('{org}', 'whop', 'payment native', 'pay_A', '2:2026-11-09',
              '{{"status": "paid", "at": "2026-11-01T00:00:00+00:00", "email": "a@b.dk",
                 "name": null, "updated_at": "2026-11-09T00:00:00+00:00",
                 "refunded_amount": null}}'),
             ('{org}', 'whop', 'payment v2', 'pay_A', '2:2026-11-01',
              '{{"status": "paid", "at": "2026-11-01T00:00:00+00:00", "email": "x@whop.example",
                 "name": null, "updated_at": "2026-11-01T00:00:00+00:00",
                 "refunded_amount": null}}'),
             ('{org}', 'whop', 'refund', 'rf_A', '2:2026-11-08',
              '{{"status": "failed", "at": "2026-11-02T00:00:00+00:00",
                 "updated_at": "2026-11-08T00:00:00+00:00"}}');
    insert into app.provider_objects (organization_id, provider, kind, external_id, version, data)
      select '{org}', 'calendly', 'invitee', key, '0' || made || ' 007', jsonb_build_object(
        'created_at', made, 'payment', jsonb_build_object('external_id', 'ch_B', 'provider',
          'Stripe', 'successful', true))
        from (values ('i_second', '2026-11-02T00:00:00.000000+00:00'),
          ('i_first', '2026-10-28T00:00:00.000000+00:00')) i (key, made);
"""


def test_what_was_known_of_payments_is_carried_over_as_it_counted(bare, release_of) -> None:
    release_of(before("0015"))
    org, first, second = (str(uuid4()) for _ in range(3))
    with bare.begin() as connection:
        connection.exec_driver_sql(FACTS.format(org=org, first=first, second=second))

    migrate(bare.url)

    with bare.connect() as connection:

        def found(query):
            return [tuple(row) for row in connection.execute(text(query))]

        assert found(
            "select external_id, extract(epoch from (data ->> 'at')::timestamptz)"
            " from app.provider_objects where kind = 'first' and provider = 'stripe' order by 1"
        ) == [("ch_A receipt", 1793000000), ("ch_A seen", 1793000000)]
        then = "2026-10-28T15:06:40.000000+00:00"
        assert found(
            "select external_id, data ->> 'at', data ->> 'amount_refunded'"
            " from app.provider_objects where kind = 'charge at a time'"
        ) == [(f"ch_A {then}", then, "1500")]
        firsts = "select external_id, left(data ->> 'at', 10) from app.provider_objects"
        assert set(found(f"{firsts} where provider = 'whop' and kind = 'first'")) == {
            ("pay_A email native", "2026-11-09"),
            ("pay_A email v2", "2026-11-01"),
            ("pay_A paid", "2026-11-01"),
            ("rf_A made", "2026-11-02"),
            ("rf_A undone", "2026-11-08"),
        }
        assert set(
            found(
                "select external_id, group_key, version from app.provider_objects"
                " where provider = 'calendly' and kind = 'payment'"
            )
        ) == {
            ("i_first", "stripe ch_B", "2026-10-28T00:00:00.000000+00:00"),
            ("i_second", "stripe ch_B", "2026-11-02T00:00:00.000000+00:00"),
        }
        booked = "select processor_payment_id, booked_event_id::text, customer_email"
        assert set(found(f"{booked} from app.payments")) == {
            ("pi_A", None, None),
            ("pi_B", first, "a@b.dk"),
        }
        assert found(
            "select task_name, args ->> 'organization_id' from jobs.procrastinate_jobs"
        ) == [("attribute_all", org)]


SHARED = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.access_tokens (organization_id, id, purpose, name, token_hash, expires_at)
      values ('{org}', gen_random_uuid(), 'share', 'Board', '\\x01', now() + interval '1 day');
"""


def test_links_of_an_earlier_release_show_what_belongs_to_bookings(bare, release_of) -> None:
    release_of(before("0019"))
    with bare.begin() as connection:
        connection.exec_driver_sql(SHARED.format(org=uuid4()))

    migrate(bare.url)

    with bare.connect() as connection:
        modules = connection.execute(text("select module from app.access_tokens")).scalars()
        assert list(modules) == ["bookings"]


def test_organisations_of_an_earlier_release_are_active_and_new_ones_are_setting_up(
    bare, release_of
) -> None:
    release_of(before("0041"))
    team = (
        "insert into app.organizations (name, slug, timezone, currency)"
        " values (:name, :name, 'UTC', 'USD')"
    )
    with bare.begin() as connection:
        connection.execute(text(team), {"name": "old"})

    migrate(bare.url)

    with bare.begin() as connection:
        connection.execute(text(team), {"name": "new"})
        found = connection.execute(text("select slug, status from app.organizations order by 1"))
        assert [tuple(row) for row in found] == [("new", "setting_up"), ("old", "active")]


def test_every_upgrade_has_the_payments_of_each_organisation_attributed_anew(
    bare, release_of
) -> None:
    release_of(before(upgrade.newest_revision()))
    team = (
        "insert into app.organizations (name, slug, timezone, currency)"
        " values (:name, :name, 'UTC', 'USD')"
    )
    with bare.begin() as connection:
        for name in ("one", "two"):
            connection.execute(text(team), {"name": name})

    migrate(bare.url)
    migrate(bare.url)

    waiting = "select o.slug, j.task_name, j.queueing_lock from jobs.procrastinate_jobs j"
    of_whom = "join app.organizations o on o.id::text = j.args ->> 'organization_id' order by 1"
    with bare.connect() as connection:
        ids = dict(connection.execute(text("select slug, id from app.organizations")).all())
        assert [tuple(row) for row in connection.execute(text(f"{waiting} {of_whom}"))] == [
            (name, "attribute_all", f"attribute_all {ids[name]}") for name in ("one", "two")
        ]


def test_bookings_that_were_called_off_after_their_time_are_to_be_reported(
    bare, release_of
) -> None:
    release_of(before("0023"))
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
                "insert into app.events (organization_id, scheduled_at, booked_at, external_id,"
                " call_status, provider_status, canceled_late, canceled_at)"
                " select :org, now(), now(), key, status, gone, late, now() + hours * interval"
                " '1 hour' from (values ('after', 'canceled', 'canceled', true, 1),"
                " ('before', 'canceled', 'canceled', true, -1),"
                " ('held', 'completed', 'canceled', true, 1),"
                " ('moved', 'rescheduled', 'rescheduled', false, 0))"
                " as e (key, status, gone, late, hours)"
            ),
            {"org": org},
        )

    migrate(bare.url)

    with bare.connect() as connection:
        events = "select external_id, call_status, canceled_late from app.events order by 1"
        assert [tuple(row) for row in connection.execute(text(events))] == [
            ("after", "scheduled", False),
            ("before", "canceled", True),
            ("held", "completed", False),
            ("moved", "scheduled", False),
        ]


LIMITED = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.webhook_connections (organization_id, provider, name, rate_limit_per_minute)
      values ('{org}', 'stripe', 'former', 60), ('{org}', 'calendly', 'former', 100),
             ('{org}', 'stripe', 'own', 100), ('{org}', 'whop', 'own', 10);
"""


def test_connections_with_their_providers_former_limit_get_the_installations(
    bare, release_of
) -> None:
    release_of(before("0024"))
    with bare.begin() as connection:
        connection.exec_driver_sql(LIMITED.format(org=uuid4()))

    migrate(bare.url)

    with bare.connect() as connection:
        limits = text("select distinct name, rate_limit_per_minute from app.webhook_connections")
        assert set(map(tuple, connection.execute(limits))) == {
            ("former", None),
            ("own", 100),
            ("own", 10),
        }


MOVED = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.events (organization_id, id, scheduled_at, booked_at, booking_platform,
        external_id, replaces_external_id)
      select '{org}', md5(key)::uuid, '2026-11-09', '2026-11-01', 'calendly', key, left(key, 1)
        from unnest(array['a2', 'b2', 'e2']) as key;
    insert into app.events (organization_id, id, scheduled_at, booked_at, booking_platform,
        external_id, call_status, event_outcome, provider_status, provider_no_show_at,
        canceled_at, rescheduled_to_id, replaces_external_id)
      select '{org}', md5(key)::uuid, '2026-11-04 12:00Z', '2026-11-01', 'calendly', key, status,
             outcome, provider, marked::timestamptz, gone::timestamptz, md5(next)::uuid, before
        from (values
          ('a', 'rescheduled', null, 'rescheduled', null, null, 'a2', null),
          ('b', 'rescheduled', null, 'rescheduled', null, null, 'b2', null),
          ('c', 'no_show', 'no_show', 'rescheduled', '2026-11-03', null, 'b2', null),
          ('d', 'rescheduled', null, 'rescheduled', null, '2026-11-02', 'a2', null),
          ('e', 'rescheduled', null, 'rescheduled', null, null, 'e2', null)
        ) as e (key, status, outcome, provider, marked, gone, next, before);
    insert into app.provider_objects (organization_id, provider, kind, external_id, version, data)
      values ('{org}', 'calendly', 'invitee', 'a2', '0',
              '{{"created_at": "2026-11-04T12:30:00Z"}}'),
             ('{org}', 'calendly', 'invitee', 'b2', '0',
              '{{"scheduled_event": {{"created_at": "2026-11-03T12:30:00Z"}}}}'),
             ('{org}', 'calendly', 'invitee', 'e2', '0', '{{"created_at": "long ago"}}');
"""


def test_a_move_of_an_earlier_release_is_dated_by_what_the_platform_said_of_the_new_booking(
    bare, release_of
) -> None:
    release_of(before("0027"))
    with bare.begin() as connection:
        connection.exec_driver_sql(MOVED.format(org=uuid4()))

    migrate(bare.url)

    events = (
        "select external_id, call_status, event_outcome, replaced_at is not null from app.events"
        " where replaces_external_id is null order by 1"
    )
    with bare.connect() as connection:
        assert [tuple(row) for row in connection.execute(text(events))] == [
            ("a", "scheduled", None, True),
            ("b", "rescheduled", None, True),
            ("c", "rescheduled", None, True),
            ("d", "rescheduled", None, True),
            ("e", "rescheduled", None, False),
        ]


NAMED = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.closers (organization_id, id, name, email, email_normalized, known_as)
      select '{org}', md5(name)::uuid, name, address, address, known::jsonb from (values
        ('Ana', 'ana@new.example', '{{"calendly": "u/1"}}'), ('Bo', 'bo@a.example', '{{}}'),
        ('Cy', 'cy@a.example', '{{}}'), ('Di', 'di@a.example', '{{}}')
      ) as c (name, address, known);
    insert into app.audit_logs (organization_id, table_name, row_id, operation, changes)
      select '{org}', 'closers', md5(name)::uuid::text, did,
             jsonb_build_object('email_normalized', jsonb_build_array(was, became)) from (values
        ('Ana', 'insert', null, 'ana@old.example'),
        ('Ana', 'update', 'ana@old.example', 'ana@new.example'),
        ('Bo', 'insert', null, 'bo@a.example'),
        ('Cy', 'update', 'cy@old.example', 'cy@a.example'),
        ('Di', 'insert', null, '…')
      ) as l (name, did, was, became);
    insert into app.events (organization_id, scheduled_at, booked_at, booking_platform, external_id,
        closer_id, closer_name, host_uri, host_email)
      select '{org}', now(), now(), platform, key, md5(name)::uuid, name, uri, address from (values
        ('by user', 'calendly', 'Ana', 'u/1', 'ana@else.example'),
        ('by address', 'calendly', 'Ana', 'u/7', 'Ana@New.example'),
        ('by former address', 'calendly', 'Ana', 'u/8', 'ana@old.example'),
        ('by name', 'calendly', 'Ana', 'u/9', 'ana@else.example'),
        ('of a user of that address', 'calendly', 'Ana', 'u/8', 'ana@else.example'),
        ('without user', 'lantern', 'Bo', null, 'bo@else.example'),
        ('without address', 'lantern', 'Bo', '7', null),
        ('beside an older one', 'calendly', 'Bo', 'u/2', 'bo@else.example'),
        ('older', 'calendly', 'Bo', null, null),
        ('made before the log', 'lantern', 'Cy', null, 'cy@else.example'),
        ('erased from the log', 'lantern', 'Di', null, 'di@else.example'),
        ('of nobody', 'lantern', null, null, 'di@else.example')
      ) as e (key, platform, name, uri, address);
"""


def test_bookings_that_an_earlier_release_gave_by_name_alone_say_so_where_it_is_certain(
    bare, release_of
) -> None:
    release_of(before("0026"))
    with bare.begin() as connection:
        connection.exec_driver_sql(NAMED.format(org=uuid4()))

    migrate(bare.url)

    by_name = text("select external_id from app.events where closer_by_name order by 1")
    with bare.connect() as connection:
        assert connection.scalars(by_name).all() == ["by name", "without user"]


WAITING = """
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.webhook_connections (organization_id, id, provider, name)
      values ('{org}', '{org}', 'calendly', 'Calendly');
    insert into app.webhook_deliveries (organization_id, connection_id, provider, delivery_key,
        headers, body, status, failures, due_at)
      select '{org}', '{org}', 'calendly', key, '{{}}', '', status, failures, now() + pause
        from (values
          ('new', 'pending', 0, interval '-1 hour'), ('put back', 'pending', 0, '1 hour'),
          ('failed', 'pending', 2, '-1 hour'), ('done', 'processed', 0, '-1 hour')
        ) as d (key, status, failures, pause);
    alter table app.webhook_deliveries enable row level security;
    alter table app.webhook_deliveries force row level security;
    create function app.audit() returns trigger language plpgsql as 'begin return null; end';
    create trigger zz_audit after insert or update or delete on app.events
      for each row execute function app.audit();
"""


def test_what_waited_in_an_earlier_release_is_due_at_once_and_its_triggers_by_row_are_gone(
    bare, release_of
) -> None:
    release_of(before("0031"))
    with bare.begin() as connection:
        connection.exec_driver_sql(WAITING.format(org=uuid4()))

    migrate(bare.url)

    at_once = text("select delivery_key from app.webhook_deliveries where due_at is null")
    rows = text("select count(*) from pg_trigger where tgname = 'zz_audit'")
    with bare.connect() as connection:
        assert connection.scalars(at_once).all() == ["new"]
        assert connection.execute(rows).scalar_one() == 0


BEGUN = """
    alter table app.pcf_drafts disable row level security;
    alter table app.post_call_forms disable row level security;
    set session_replication_role = replica;
    insert into app.pcf_drafts (organization_id, event_id, user_id, answers)
      select '{org}', event, '{org}', '{{}}' from unnest(array['{filed}'::uuid, '{open}']) event;
    insert into app.post_call_forms (organization_id, event_id, call_occurred, version)
      values ('{org}', '{filed}', true, 3);
    set session_replication_role = origin;
    alter table app.pcf_drafts enable row level security;
    alter table app.post_call_forms enable row level security;
"""


def test_drafts_of_an_earlier_release_were_begun_over_the_form_as_it_stands(
    bare, release_of
) -> None:
    release_of(before("0032"))
    filed, open_ = uuid4(), uuid4()
    with bare.begin() as connection:
        connection.exec_driver_sql(BEGUN.format(org=uuid4(), filed=filed, open=open_))

    migrate(bare.url)

    versions = text("select event_id, form_version from app.pcf_drafts")
    with bare.connect() as connection:
        assert dict(connection.execute(versions).all()) == {filed: 3, open_: 0}


WITHDRAWN = """
    alter table app.activities disable row level security;
    alter table app.audit_logs disable row level security;
    set session_replication_role = replica;
    insert into app.activities (organization_id, at, type, subject_type, subject_id, summary)
      select '{org}', at::timestamptz, 'pcf', 'event', '{event}', summary
        from (values
          ('2026-11-01', 'Form filed by Ana'), ('2026-11-02', 'Form taken back by Ana'),
          ('2026-11-03', 'Form filed by Ana'), ('2026-11-04', 'Form taken back by Bo')
        ) l (at, summary);
    insert into app.audit_logs (organization_id, at, table_name, row_id, operation, changes)
      select '{org}', at::timestamptz, 'post_call_forms', form, 'delete',
             jsonb_build_object('event_id', jsonb_build_array('{event}', null))
        from (values ('2026-11-04', 'second'), ('2026-11-02', 'first')) l (at, form);
    set session_replication_role = origin;
    alter table app.activities enable row level security;
    alter table app.audit_logs enable row level security;
"""


def test_forms_that_were_withdrawn_in_an_earlier_release_are_named_by_the_timeline(
    bare, release_of
) -> None:
    release_of(before("0036"))
    with bare.begin() as connection:
        connection.exec_driver_sql(WITHDRAWN.format(org=uuid4(), event=uuid4()))

    migrate(bare.url)

    named = text("select detail ->> 'form_id' from app.activities order by at")
    with bare.connect() as connection:
        assert connection.scalars(named).all() == [None, "first", None, "second"]


FOUNDED = """
    alter table app.organizations disable row level security;
    set session_replication_role = replica;
    insert into app.organizations (name, slug, timezone, currency, region)
      select 'Team', 'team-' || lower(region), 'UTC', 'USD', region
        from unnest(array['US', 'DK', 'DE', 'GB', 'CA', 'JP']) region;
    set session_replication_role = origin;
    alter table app.organizations enable row level security;
"""


def test_an_organisation_of_an_earlier_release_has_the_locale_of_its_region(
    bare, release_of
) -> None:
    release_of(before("0035"))
    with bare.begin() as connection:
        connection.exec_driver_sql(FOUNDED)

    migrate(bare.url)

    found = text("select region, locale from app.organizations")
    with bare.connect() as connection:
        locales = dict(connection.execute(found).all())
    assert locales == {region: of_region(region) for region in locales}
    assert (len(locales), locales["DK"]) == (6, "da_DK")


# Ana has had Bo's first address added, and the first of Kim's two; Eva was merged into Ana. Zoe's
# is recorded nowhere else.
ADDRESSES = """
    alter table app.organizations disable row level security;
    set session_replication_role = replica;
    insert into app.organizations (id, name, slug, timezone, currency)
      values ('{org}', 'Team', 'team', 'UTC', 'USD');
    insert into app.contacts (organization_id, id, name, email, email_normalized, merged_into_id)
      values ('{org}', '{ana}', 'Ana', 'ana@a.dk', 'ana@a.dk', null),
             ('{org}', '{bo}', 'Bo', 'bo@b.dk', 'bo@b.dk', null),
             ('{org}', '{kim}', 'Kim', 'kim@k.dk', 'kim@k.dk', null),
             ('{org}', gen_random_uuid(), 'Eva', 'eva@e.dk', 'eva@e.dk', '{ana}'),
             ('{org}', gen_random_uuid(), 'Zoe', 'zoe@z.dk', 'zoe@z.dk', null);
    insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
      select '{org}', owner::uuid, email, lower(email)
        from (values ('{ana}', 'ana@a.dk'), ('{ana}', 'bo@b.dk'), ('{ana}', 'eva@e.dk'),
          ('{ana}', 'kim@k.dk'), ('{kim}', 'Second@k.dk')) known (owner, email);
    set session_replication_role = origin;
    alter table app.organizations enable row level security;
"""


def test_an_address_that_an_earlier_release_gave_to_two_contacts_is_its_owners_alone(
    bare, release_of
) -> None:
    release_of(before("0042"))
    ids = {name: str(uuid4()) for name in ("org", "ana", "bo", "kim")}
    with bare.begin() as connection:
        connection.exec_driver_sql(ADDRESSES.format(**ids))

    migrate(bare.url)

    found = text("select name, email, email_normalized from app.contacts")
    with bare.connect() as connection:
        assert {tuple(row) for row in connection.execute(found)} == {
            ("Ana", "ana@a.dk", "ana@a.dk"),
            ("Bo", None, None),
            ("Kim", "Second@k.dk", "second@k.dk"),
            ("Eva", "eva@e.dk", "eva@e.dk"),
            ("Zoe", "zoe@z.dk", "zoe@z.dk"),
        }
