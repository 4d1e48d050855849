"""Exports over HTTP: three formats, streamed as the caller may see it, safe to open in a
spreadsheet, always in the audit log.
"""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from starlette.requests import ClientDisconnect

from core.metrics.export_tables import EXPORTS
from core.money.payouts import create_snapshot
from core.platform.clock import Period
from core.platform.database import as_system
from tests import factories as make
from tests.api.client import get, key_of, refused, token_of
from tests.factories import NOON
from tests.ports import owner
from tests.sheets import sheet_of
from webhooks.app import app

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    'plain, "quoted"\nname',
    "Åse 日本",
    "a=b",
]
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SUFFIXES = {"csv": "csv", "json": "jsonl", "parquet": "parquet", "xlsx": "xlsx"}


@pytest.fixture
def org():
    return make.organization()


def read(fmt, content):
    if fmt == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    if fmt == "json":
        return [json.loads(line) for line in content.splitlines()]
    if fmt == "xlsx":
        return sheet_of(content)
    return pq.read_table(io.BytesIO(content)).to_pylist()


def export(token, table="events", fmt="csv", **params):
    answer = get("/api/export", token, table=table, format=fmt, **params)
    assert answer.status_code == 200
    return read(fmt, answer.content)


def exports_of(org):
    with owner() as db:
        query = (
            "select actor_user_id, table_name, changes from app.audit_logs where organization_id ="
            " :org and operation = 'export'"
        )
        return db.execute(text(query), {"org": org}).all()


@pytest.mark.parametrize("fmt", TYPES)
def test_each_format_says_what_it_is_and_holds_the_rows_by_date(org, fmt):
    with as_system(org) as db:
        made = [
            make.event(db, org, at=NOON + timedelta(hours=hour), lead_name=f"Lead {hour}")
            for hour in (2, 0, 1)
        ]
    answer = get("/api/export", key_of(org), table="events", format=fmt)
    assert answer.headers["content-type"] == TYPES[fmt]
    assert answer.headers["content-disposition"] == f'attachment; filename="events.{SUFFIXES[fmt]}"'
    rows = read(fmt, answer.content)
    assert [row["lead_name"] for row in rows] == ["Lead 0", "Lead 1", "Lead 2"]
    assert sorted(row["id"] for row in rows) == sorted(str(event.id) for event in made)
    assert list(rows[0]) == EXPORTS["events"].columns


@pytest.mark.parametrize("fmt", TYPES)
@pytest.mark.parametrize("table", [name for name in EXPORTS if name != "audit_logs"])
def test_every_table_leaves_in_every_format_also_when_it_is_empty(org, table, fmt):
    assert export(key_of(org), table, fmt) == []


def test_csv_is_the_default_and_names_the_columns_even_without_rows(org):
    answer = get("/api/export", key_of(org), table="sources")
    assert (answer.headers["content-type"], answer.text) == (TYPES["csv"], "\ufeffid,name,active\n")


def test_a_spreadsheet_runs_nothing_and_numbers_stay_numbers(org):
    with as_system(org) as db:
        for number, name in enumerate(HOSTILE):
            make.payment(
                db,
                org,
                "4997.50",
                at=NOON + timedelta(seconds=number),
                customer_name=name,
                refund_amount=Decimal("5000"),
            )
    rows = export(key_of(org), "payments")
    safe = [row["customer_name"] for row in rows]
    assert safe == ["'" + name if name[0] in "=+-@\t\r" else name for name in HOSTILE]
    assert {row["net_revenue"] for row in rows} == {"-2.50"}


@pytest.mark.parametrize("fmt", ["json", "parquet", "xlsx"])
def test_other_formats_keep_every_text_as_it_is(org, fmt):
    with as_system(org) as db:
        for number, name in enumerate(HOSTILE):
            make.payment(db, org, at=NOON + timedelta(seconds=number), customer_name=name)
    assert [row["customer_name"] for row in export(key_of(org), "payments", fmt)] == HOSTILE


def test_parquet_keeps_exact_money_instants_and_truth(org):
    with as_system(org) as db:
        make.payment(db, org, "5.125", currency="KWD", disputed=True)
    [row] = export(key_of(org), "payments", "parquet")
    assert (row["amount"], row["payment_date"], row["disputed"]) == (
        Decimal("5.125"),
        NOON + timedelta(hours=1),
        True,
    )


@pytest.fixture(scope="module")
def crowded():
    """An organisation with more bookings than one batch holds."""
    org = make.organization()
    with as_system(org) as db:
        make.event(db, org)
        db.execute(
            text("""
            insert into app.events (organization_id, lead_name, scheduled_at, booked_at)
            select organization_id, 'Lead ' || n, scheduled_at + make_interval(secs => n), booked_at
              from app.events, generate_series(1, 12000) n where organization_id = :org
        """),
            {"org": org},
        )
    return org


@pytest.mark.parametrize("fmt", TYPES)
def test_more_rows_than_one_batch_all_leave(crowded, fmt):
    rows = export(key_of(crowded), "events", fmt, columns="lead_name")
    assert [row["lead_name"] for row in rows] == [
        "Lead One",
        *(f"Lead {n}" for n in range(1, 12001)),
    ]


def test_days_are_the_organisations_and_the_end_is_exclusive():
    org = make.organization(timezone="America/New_York")
    with as_system(org) as db:
        for at, name in (
            (datetime(2026, 11, 4, 4, 59, tzinfo=UTC), "before"),
            (datetime(2026, 11, 4, 5, tzinfo=UTC), "first"),
            (datetime(2026, 11, 5, 4, 59, tzinfo=UTC), "last"),
            (datetime(2026, 11, 5, 5, tzinfo=UTC), "after"),
        ):
            make.event(db, org, at=at, lead_name=name)
    rows = export(key_of(org), start_date="2026-11-04", end_date="2026-11-05", columns="lead_name")
    assert [row["lead_name"] for row in rows] == ["first", "last"]


def test_chosen_columns_leave_in_the_chosen_order(org):
    with as_system(org) as db:
        make.event(db, org)
    assert export(key_of(org), columns="lead_name, call_status") == [
        {"lead_name": "Lead One", "call_status": "scheduled"}
    ]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "table"),
        ({"table": "users"}, "table"),
        ({"table": "events; drop table app.events"}, "table"),
        ({"table": "events", "format": "xls"}, "format"),
        ({"table": "events", "columns": "id,password"}, "columns"),
        ({"table": "events", "columns": "\0"}, "columns"),
        ({"table": "events", "start_date": "2026-11-01"}, "end_date"),
        ({"table": "events", "end_date": "2026-11-01"}, "start_date"),
        ({"table": "events", "start_date": "2026-11-02", "end_date": "2026-11-01"}, "end_date"),
    ],
)
def test_what_cannot_be_exported_names_its_field_and_is_not_recorded(org, params, field):
    assert refused(get("/api/export", key_of(org), **params)) == (422, "invalid_input", field)
    assert exports_of(org) == []


def test_a_rep_exports_own_rows_and_a_viewer_no_contact_details(org):
    rep, viewer = make.viewer(org, "sales_rep"), make.viewer(org, "viewer")
    with as_system(org) as db:
        make.event(db, org, make.closer(db, org, "Ana", user_id=rep.user_id), lead_name="Mine")
        make.event(db, org, at=NOON + timedelta(hours=1), lead_name="Theirs")
    assert [row["lead_name"] for row in export(token_of(rep))] == ["Mine"]
    seen = export(token_of(viewer))
    assert [row["closer_name"] for row in seen] == ["Ana", ""]
    assert {row[name] for row in seen for name in ("lead_name", "lead_email", "lead_phone")} == {""}


@pytest.mark.parametrize("role", ["sales_rep", "viewer"])
@pytest.mark.parametrize("table", ["payout_snapshot_details", "contacts"])
def test_payouts_and_other_peoples_contacts_stay_inside(org, role, table):
    admin = make.viewer(org, "admin")
    with as_system(org) as db:
        make.payment(db, org)
        db.execute(
            text("insert into app.contacts (organization_id, name) values (:org, 'Contact One')"),
            {"org": org},
        )
    with admin.transaction() as db:
        create_snapshot(
            db, "November", Period(NOON.date(), NOON.date() + timedelta(days=2), "UTC"), admin
        )
    assert len(export(token_of(admin), table)) == 1
    assert export(token_of(make.viewer(org, role)), table) == []


def test_each_export_is_in_the_audit_log_under_its_persons_name(org):
    who = make.viewer(org, "manager")
    export(token_of(who), "payments", "json")
    assert exports_of(org) == [(who.user_id, "payments", {"format": "json", "rows": 0})]


def test_who_hangs_up_halfway_has_exported_all_the_same_and_leaves_nothing_open(org):
    who = make.viewer(org, "manager")
    with as_system(org) as db:
        make.event(db, org)

    async def hang_up(message):
        if message["type"] == "http.response.body":
            raise OSError("the caller is gone")

    with pytest.raises(ClientDisconnect):
        asyncio.run(converse("/api/export", b"table=events", token_of(who), hang_up))
    assert exports_of(org) == [(who.user_id, "events", {"format": "csv", "rows": 1})]
    with owner() as db:
        query = (
            "select count(*) from pg_stat_activity where usename = 'so_app' and state <> 'idle' and"
            " datname = current_database()"
        )
        assert db.execute(text(query)).scalar_one() == 0


def test_a_long_export_leaves_piece_by_piece(org):
    with as_system(org) as db:
        make.event(db, org, lead_name="x" * 100)
        db.execute(
            text("""
            insert into app.events (organization_id, lead_name, scheduled_at, booked_at)
            select organization_id, lead_name, scheduled_at, booked_at
              from app.events, generate_series(1, 5000) where organization_id = :org
        """),
            {"org": org},
        )
    pieces = []

    async def keep(message):
        pieces.append(len(message.get("body", b"")))

    asyncio.run(
        converse("/api/export", b"table=events&format=json&columns=lead_name", key_of(org), keep)
    )
    assert sum(pieces) == 5001 * len(
        json.dumps({"lead_name": "x" * 100}, separators=(",", ":")) + "\n"
    )
    assert max(pieces) < 70_000


async def converse(path, query, token, send):
    """Call the application, and pass every message of its answer to ``send`` as it arrives."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "server": ("receiver", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"receiver"), (b"authorization", f"Bearer {token}".encode())],
    }
    bodies = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        return bodies.pop() if bodies else await asyncio.Event().wait()

    await app(scope, receive, send)


@pytest.mark.parametrize("role", ["manager", "sales_rep", "viewer"])
def test_the_audit_log_is_for_admins(org, role):
    answer = get("/api/export", token_of(make.viewer(org, role)), table="audit_logs")
    assert refused(answer) == (403, "not_allowed", None)
    assert (
        "table_name"
        in get("/api/export", token_of(make.viewer(org, "admin")), table="audit_logs").text
    )
