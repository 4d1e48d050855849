"""Exports of whole tables: the same rows in every format, as the viewer sees them, and no cell that
a spreadsheet would run.
"""

import csv
import io
import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Column, DateTime, MetaData, Numeric, Table, Text, text

from core.metrics.export_tables import EXPORTS, ExportTable
from core.metrics.exports import AT_ONCE, BATCH, FORMATS, export
from core.metrics.table import totals
from core.platform.clock import Period
from core.platform.database import as_guest, as_system
from core.platform.errors import InvalidInput, NotAllowed, TooManyRequests
from core.platform.schema import AMOUNT, Base, Words, secured
from core.platform.security.ownership import REPS, user_columns
from core.platform.security.policies import readable
from core.platform.spreadsheets import BYTE_ORDER_MARK
from tests import factories as make
from tests.factories import NOON
from tests.metrics.history import random_history
from tests.ports import owner
from tests.security.rows import put
from tests.sheets import sheet_of
from tests.ui.teams import super_admin

ROLES = ("owner", "admin", "manager", "sales_rep", "viewer")
MANAGERS = ("owner", "admin", "manager")
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1")
TABLES = [name for name, table in EXPORTS.items() if not table.admins_only]
SECRET = "secret@example.com"
OWNED = [name for name, table in EXPORTS.items() if table.table.info["owners"]]
READ = {
    bool: lambda cell: cell == "t",
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    int: int,
}


@pytest.fixture(scope="module")
def history():
    return random_history("America/Havana", seed=2, calls=120, payments=80)


def columns_of(table):
    return Base.metadata.tables[f"app.{table}"].columns


def exported(transaction, table, fmt, **asked):
    """The rows, with the same types whatever the format: exact money, aware instants, ids and texts
    as text.
    """
    content = b"".join(export(transaction, table, fmt, **asked))
    if fmt == "parquet":
        return pq.read_table(io.BytesIO(content)).to_pylist()
    if fmt == "xlsx":
        return [
            {name: _of_sheet(table, name, value) for name, value in row.items()}
            for row in sheet_of(content)
        ]
    if fmt == "json":
        rows = [json.loads(line, parse_float=Decimal) for line in content.splitlines()]
        return [
            {name: _typed(table, name, value, bool) for name, value in row.items()} for row in rows
        ]
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [
        {name: _typed(table, name, cell or None, READ[bool]) for name, cell in row.items()}
        for row in rows
    ]


def as_text(fmt, content):
    """The content with its texts as such: a workbook is compressed."""
    return repr(sheet_of(content)).encode() if fmt == "xlsx" else content


def _of_sheet(table, name, value):
    """A cell as the other formats have it: Excel knows no decimals, and no instants with a zone."""
    kind = Decimal if name in EXPORTS[table].amounts else columns_of(table)[name].type.python_type
    if isinstance(value, datetime):
        return value.date() if kind is date else value.replace(tzinfo=UTC)
    return value if value is None or kind in (bool, int) else _typed(table, name, str(value), bool)


def _typed(table, name, value, truth):
    kind = Decimal if name in EXPORTS[table].amounts else columns_of(table)[name].type.python_type
    if value is None or kind in (str, UUID, object):
        return value
    return truth(value) if kind is bool else READ[kind](value)


@contextmanager
def loading():
    """A transaction of the database's owner without triggers and references, for putting rows into
    any table.
    """
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        yield db


@pytest.mark.parametrize("table", TABLES)
def test_every_format_holds_the_same_rows_as_the_table_itself(history, table):
    admin = history.viewers["admin"]
    with loading() as db:
        for org in (history.organization_id, make.organization()):
            if not db.execute(
                text(f"select from app.{table} where organization_id = :org"), {"org": org}
            ).first():
                put(db, columns_of(table).id.table, org)
        alive = "deleted_at is null" if "deleted_at" in columns_of(table) else "true"
        query = (
            f"select {', '.join(EXPORTS[table].columns)} from app.{table} where organization_id ="
            f" :org and {alive}"
        )
        expected = [
            dict(row)
            for row in db.execute(text(query), {"org": history.organization_id}).mappings()
        ]
        for who in ("closer", "setter") if table == "events" else ():
            names = {row.id: row.name for row in db.execute(text(f"select * from app.{who}s"))}
            for row in expected:
                row[f"{who}_name"] = names.get(row[f"{who}_id"], row[f"{who}_name"])
    plain = [{name: _leaving(value) for name, value in row.items()} for row in expected]
    first = exported(admin.transaction, table, "csv", columns=EXPORTS[table].columns)
    assert (
        sorted(first, key=lambda row: row["id"]) == sorted(plain, key=lambda row: row["id"]) != []
    )
    for fmt in ("json", "parquet"):
        assert exported(admin.transaction, table, fmt, columns=EXPORTS[table].columns) == first
    sheet = exported(admin.transaction, table, "xlsx", columns=EXPORTS[table].columns)
    assert sheet == _to_seconds(first)


def _leaving(value):
    """Ids, documents and lists leave as text, an empty list as nothing."""
    if isinstance(value, list):
        return ", ".join(value) or None
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if isinstance(value, UUID) else value


def _to_seconds(rows):
    """The rows as Excel shows them: of an instant, the seconds."""
    return [
        {
            name: value.replace(microsecond=0) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows
    ]


@pytest.mark.parametrize("role", ["sales_rep", "manager", "viewer"])
@pytest.mark.parametrize("table", OWNED)
def test_a_rep_exports_own_rows_and_others_who_read_everything_export_everything(
    history, role, table
):
    viewer = history.viewers[role]
    users = user_columns(EXPORTS[table].table)
    mine = ":rep = any(rep_user_ids)" if users == [REPS] else f":rep in ({', '.join(users)})"
    with owner() as db:
        alive = "deleted_at is null" if "deleted_at" in columns_of(table) else "true"
        rows = db.execute(
            text(f"""
            select id::text, {mine} as mine from app.{table}
             where organization_id = :org and {alive}
        """),
            {"org": history.organization_id, "rep": viewer.user_id},
        ).all()
    seen = {row["id"] for row in exported(viewer.transaction, table, "csv", columns=["id"])}
    theirs = readable(EXPORTS[table].table.info["rls"], role)
    assert seen == {row.id for row in rows if theirs == "all" or (row.mine and theirs == "own")}
    assert len(rows) > len([row for row in rows if row.mine]) > 0 or role != "sales_rep"


def test_what_an_export_does_with_a_table_follows_from_its_model():
    invoices = Table(
        "invoices",
        MetaData(schema="app"),
        *(Column(name, AMOUNT) for name in ("total", "paid")),
        Column("hours", Numeric(6, 2)),
        Column("currency", Text),
        Column("deleted_at", DateTime(timezone=True)),
        **secured("admin"),
    )
    table = ExportTable(invoices, ["total", "paid", "hours"], None, None, None)
    assert [name for name in table.columns if table.is_money(name)] == ["total", "paid"]
    assert (table.keeps_deleted, table.admins_only) == (True, True)
    assert [name for name in EXPORTS if EXPORTS[name].admins_only] == ["audit_logs"]
    assert [name for name in EXPORTS if EXPORTS[name].keeps_deleted] == ["events", "payments"]


@pytest.mark.parametrize("table", TABLES)
def test_no_text_of_any_table_is_run_by_a_spreadsheet(table):
    org = make.organization()
    with loading() as db:
        put(db, columns_of(table).id.table, org)
        bound = {column.name for column in columns_of(table) if isinstance(column.type, Words)}
        texts = [
            name
            for name in EXPORTS[table].columns
            if columns_of(table)[name].type.python_type is str
            and columns_of(table)[name].computed is None
            and name not in bound | {"currency"}
        ]
    assert texts
    for hostile in HOSTILE:
        with loading() as db:
            changes = ", ".join(f"{name} = :hostile" for name in texts)
            db.execute(
                text(f"update app.{table} set {changes} where organization_id = :org"),
                {"hostile": hostile, "org": org},
            )
        [row] = exported(partial(as_system, org), table, "csv")
        assert {name: row[name] for name in texts} == dict.fromkeys(texts, "'" + hostile)


@pytest.mark.parametrize("fmt", FORMATS)
def test_what_counts_of_the_exported_refunds_is_the_figure(fmt):
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        paid = make.payment(db, org, "100.00", refund_amount=Decimal(30))
        make.refund(db, paid, "100.00", at=NOON + timedelta(days=2), kind="dispute")
        db.execute(text("update app.payments set refund_amount = 100"))
        withdrawn = make.payment(db, org, "50.00", deleted_at=NOON)
        other = make.payment(db, org, "70.00", superseded_by_id=paid.id)
        for each, amount in ((withdrawn, "50.00"), (other, "70.00")):
            make.refund(db, each, amount, at=NOON + timedelta(days=2))
    rows = exported(admin.transaction, "refunds", fmt)
    assert sorted(row["amount"] for row in rows) == [30, 50, 70, 100]
    assert sorted(row["counted_amount"] for row in rows) == [0, 0, 30, 70]
    with admin.transaction() as db:
        november = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC")
        assert totals(db, november, only=["refunds"])["refunds"] == {"USD": 100}


def test_a_csv_says_that_it_is_in_utf_8_so_that_excel_reads_its_accents():
    admin = make.viewer(make.organization(), "admin")
    with as_system(admin.organization_id) as db:
        make.closer(db, admin.organization_id, "José")
    content = b"".join(export(admin.transaction, "closers", "csv"))
    assert content.startswith(BYTE_ORDER_MARK)
    assert "José" in content.decode("utf-8-sig")


def test_a_negative_amount_stays_a_number():
    org = make.organization()
    with as_system(org) as db:
        make.payment(db, org, "100.00", refund_amount=Decimal("250.50"), customer_name="-100")
    content = b"".join(
        export(partial(as_system, org), "payments", "csv", columns=["customer_name", "net_revenue"])
    )
    assert content == BYTE_ORDER_MARK + b"customer_name,net_revenue\n'-100,-150.50\n"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("table", TABLES)
def test_contact_details_leave_with_nobody_who_may_not_see_them(table, fmt):
    org = make.organization()
    with loading() as db:
        put(db, columns_of(table).id.table, org)
        private = [name for name in EXPORTS[table].columns if EXPORTS[table].is_hidden(name)]
        for name in private:
            said = '{"is": "secret@example.com"}' if EXPORTS[table].is_document(name) else SECRET
            if columns_of(table)[name].type.python_type is list:
                said = [SECRET]
            changed = f"update app.{table} set {name} = :said where organization_id = :org"
            db.execute(text(changed), {"org": org, "said": said})
    for role in ROLES:
        content = as_text(fmt, b"".join(export(make.viewer(org, role).transaction, table, fmt)))
        assert (b"secret@example.com" in content) == bool(private and role in MANAGERS)


@pytest.mark.parametrize("fmt", FORMATS)
def test_instants_leave_in_utc_whatever_the_servers_own_zone(fmt):
    org = make.organization()
    with as_system(org) as db:
        make.event(db, org)

    @contextmanager
    def elsewhere():
        with as_system(org) as db:
            db.execute(text("set local time zone 'Asia/Kathmandu'"))
            yield db

    content = b"".join(export(elsewhere, "events", fmt, columns=["scheduled_at"]))
    if fmt == "parquet":
        assert pq.read_table(io.BytesIO(content)).to_pylist() == [{"scheduled_at": NOON}]
    elif fmt == "xlsx":
        assert sheet_of(content) == [{"scheduled_at": NOON.replace(tzinfo=None)}]
    else:
        assert b"12:00:00+00" in content


@pytest.mark.parametrize("rows", [0, 1, BATCH, BATCH + 1])
def test_parquet_holds_every_row_at_the_edges_of_its_batches(rows):
    org = make.organization()
    with loading() as db:
        db.execute(
            text("""
            insert into app.sources (organization_id, name) select :org, 'Source ' || n
              from generate_series(1, :rows) n
        """),
            {"org": org, "rows": rows},
        )
    parquet, plain = (
        exported(partial(as_system, org), "sources", fmt) for fmt in ("parquet", "csv")
    )
    assert parquet == plain
    assert {row["name"] for row in parquet} == {f"Source {n}" for n in range(1, rows + 1)}


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_long_export_leaves_in_pieces(fmt):
    org = make.organization()
    with loading() as db:
        query = (
            "insert into app.sources (organization_id, name) select :org, n::text from"
            " generate_series(1, 20000) n"
        )
        db.execute(text(query), {"org": org})
    pieces = [len(piece) for piece in export(partial(as_system, org), "sources", fmt)]
    assert max(pieces) < sum(pieces) / 3


def test_each_export_stands_in_the_audit_log_before_its_first_row_leaves(history):
    with owner() as db:
        count = text(
            "select count(*) from app.audit_logs where organization_id = :org and operation ="
            " 'export' and table_name = 'events' and actor_user_id = :user"
            " and changes ->> 'format' = 'json'"
        )
        values = {"org": history.organization_id, "user": history.viewers["sales_rep"].user_id}
        before = db.execute(count, values).scalar_one()
        rows = export(history.viewers["sales_rep"].transaction, "events", "json")
        assert db.execute(count, values).scalar_one() == before + 1
        assert len(list(rows)) > 0


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"name": "users"}, "table", "“users” is not exported; use one of events, "),
        ({"name": "payments; drop table x"}, "table", "is not exported"),
        ({"fmt": "xls"}, "format", "“xls” is not a format; use csv, json"),
        ({"columns": ["id", "password_hash"]}, "columns", "events has no column “password_hash”"),
        ({"columns": ['lead_name" from app.users --']}, "columns", "events has no column"),
        ({"columns": ["id"] * 1664}, "columns", "A column can be chosen once."),
    ],
)
def test_what_is_not_exported_is_refused_with_what_is(history, asked, field, said):
    with pytest.raises(InvalidInput) as refused:
        export(history.viewers["admin"].transaction, **({"name": "events", "fmt": "csv"} | asked))
    assert refused.value.field == field
    assert said in refused.value.message


def test_nobody_exports_nothing():
    with pytest.raises(NotAllowed):
        export(as_guest, "events", "csv")


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_audit_log_leaves_with_admins_of_its_organisation_only(fmt):
    org, elsewhere = make.organization(name="Ours"), make.organization(name="Theirs")
    for role in ("manager", "sales_rep", "viewer"):
        with pytest.raises(NotAllowed, match="Only an admin"):
            export(make.viewer(org, role).transaction, "audit_logs", fmt)
    for viewer in (
        make.viewer(org, "owner"),
        make.viewer(org, "admin"),
        super_admin(make.viewer(org, "admin")),
    ):
        content = as_text(fmt, b"".join(export(viewer.transaction, "audit_logs", fmt)))
        assert b"Ours" in content
        assert b"Theirs" not in content
        assert str(elsewhere).encode() not in content


def test_every_format_holds_the_same_lines_of_the_audit_log():
    org = make.organization(name="Ö")
    admin = make.viewer(org, "admin")
    with owner() as db:
        lines = db.execute(
            text("select id::text, changes::text from app.audit_logs where organization_id = :org"),
            {"org": org},
        ).all()
    for fmt in FORMATS:
        rows = exported(
            admin.transaction, "audit_logs", fmt, columns=["id", "operation", "changes"]
        )
        assert {(row["id"], row["changes"]) for row in rows if row["operation"] != "export"} == {
            tuple(line) for line in lines
        }


def test_exports_that_nobody_finishes_reading_use_up_their_organisations_turns_and_nobody_elses():
    org = make.organization()
    reader, other = make.viewer(org, "manager"), make.viewer(make.organization(), "manager")
    unread = [export(reader.transaction, "events", "csv") for _ in range(AT_ONCE)]

    with pytest.raises(TooManyRequests):
        export(reader.transaction, "events", "csv")
    assert (
        b"".join(export(other.transaction, "events", "csv", columns=["id"]))
        == BYTE_ORDER_MARK + b"id\n"
    )

    assert b"".join(unread.pop()).startswith(BYTE_ORDER_MARK + b"id,")
    unread.append(export(reader.transaction, "events", "csv"))
    unread.clear()  # the reader has hung up
    assert (
        b"".join(export(reader.transaction, "events", "csv", columns=["id"]))
        == BYTE_ORDER_MARK + b"id\n"
    )


def test_people_bear_their_present_names_in_an_export_as_on_the_screens():
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        ana, sam = make.closer(db, org, "Ana"), make.setter(db, org, "Sam")
        make.event(db, org, ana, set_by=sam)
        make.event(db, org, closer_name="Left long ago")
        ana.name, sam.name = "Ana Maria", "Samuel"
    for fmt in FORMATS:
        rows = exported(admin.transaction, "events", fmt)
        names = {(row["closer_name"], row["setter_name"] or None) for row in rows}
        assert names == {("Ana Maria", "Samuel"), ("Left long ago", None)}
