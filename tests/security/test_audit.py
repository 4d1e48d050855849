"""The audit log: written for every change of every sensitive table, without secrets, and changed by
nobody.
"""

from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.exc import DBAPIError

from core.migrations.tables import metadata
from tests.ports import owner
from tests.security.attempts import ASKING
from tests.security.rows import put

NO_PRIVILEGE = "42501"
AUDITED = [table for table in metadata.sorted_tables if table.info.get("audit")]
# What the product promises to audit. Names of modules that have no tables yet count from the day
# they have.
PROMISED = {
    "organizations",
    "organization_members",
    "user_roles",
    "users",
    "organization_integrations",
    "vault_secrets",
    "webhook_connections",
    "events",
    "post_call_forms",
    "payments",
    "refunds",
    "payout_snapshots",
    "payout_snapshot_summaries",
    "deals",
    "sales",
    "list_entries",
    "packages",
    "call_types",
    "closers",
    "setters",
    "api_keys",
    "access_tokens",
    "invitations",
    "suppressed_emails",
    "commission_plans",
    "commission_rules",
    "form_questions",
}
SETTINGS_TABLES = [each for each in AUDITED if each.info["rls"] == "organization_settings"]
OF_AUDIT = text(
    "select tgname from pg_trigger where tgrelid = cast(:table as regclass)"
    " and tgname like 'zz\\_audit%'"
)
NUMBERED = "('00000000-0000-0000-0000-' || lpad({}::text, 12, '0'))::uuid"
LINES = "select operation, row_id, changes from app.audit_logs where at >= now()"
TRIMMED = """
    create function pg_temp.mark() returns trigger language plpgsql as
      $$ begin new.name := replace(new.name, ' ', '!'); return new; end $$;
    create trigger mark before update on app.packages for each row execute function pg_temp.mark();
    alter table app.packages enable always trigger mark
"""
audited = pytest.mark.parametrize("table", AUDITED, ids=lambda table: table.name)


@contextmanager
def watched(table):
    """A transaction that is rolled back. In it the table is empty, and of all triggers and
    references only the audit triggers are on.
    """
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        db.execute(text(f"delete from app.{table.name}"))
        for name in db.scalars(OF_AUDIT, {"table": f"app.{table.name}"}).all():
            db.execute(text(f"alter table app.{table.name} enable always trigger {name}"))
        yield db
        db.rollback()


def numbered(number):
    return f"00000000-0000-0000-0000-{number:012d}"


def lines_of(db, table):
    query = (
        "select operation, changes from app.audit_logs where table_name = :table and at >= now()"
        " order by at"
    )
    return db.execute(text(query), {"table": table.name}).all()


def test_every_sensitive_table_is_audited():
    there = {table.name for table in metadata.sorted_tables}
    assert PROMISED & there <= {table.name for table in AUDITED}


@pytest.mark.parametrize("table", SETTINGS_TABLES, ids=lambda table: table.name)
def test_a_changed_setting_writes_a_line(table):
    """Rows of settings are created and removed together with their organisation, which has audit
    lines of its own.
    """
    switch = next(each.name for each in table.columns if each.type.python_type in (bool, int))
    flipped = (
        f"not {switch}"
        if table.columns[switch].type.python_type is bool
        else f"coalesce({switch}, 0) + 1"
    )
    with watched(table) as db:
        put(db, table, uuid4())
        db.execute(text(f"update app.{table.name} set {switch} = {flipped}"))
        db.execute(text(f"delete from app.{table.name}"))
        lines = lines_of(db, table)
    assert [(line.operation, set(line.changes)) for line in lines] == [("update", {switch})]


@pytest.mark.parametrize(
    "table",
    [each for each in AUDITED if each not in SETTINGS_TABLES],
    ids=lambda table: table.name,
)
def test_making_changing_and_deleting_a_row_each_write_a_line(table):
    key = "id" if "id" in table.columns else "user_id"
    with watched(table) as db:
        put(db, table, uuid4())
        db.execute(text(f"update app.{table.name} set {key} = gen_random_uuid()"))
        db.execute(text(f"delete from app.{table.name}"))
        lines = lines_of(db, table)
    assert [line.operation for line in lines] == ["insert", "update", "delete"]
    assert set(lines[1].changes) == {key}


@audited
def test_no_secret_stands_in_a_line(table):
    secret = [
        column.name
        for column in table.columns
        if isinstance(column.type, LargeBinary) or column.name.endswith("_hash")
    ]
    with watched(table) as db:
        put(db, table, uuid4())
        if table.name == "users":
            db.execute(text("update app.users set password_hash = 'canary'"))
        kept = {name: value for line in lines_of(db, table) for name, value in line.changes.items()}
    masked = ["…", "…"]
    shown = {name for name in secret if kept.get(name, masked) != masked}
    assert shown == set()
    assert "canary" not in str(kept)


@pytest.mark.parametrize(
    "statement",
    [
        "update app.audit_logs set operation = 'x'",
        "delete from app.audit_logs",
        "truncate app.audit_logs",
        (
            "insert into app.audit_logs (organization_id, table_name, row_id, operation, changes)"
            " values (app.cur_org(), 't', 'r', 'o', '{}')"
        ),
        "alter table app.audit_logs disable trigger all",
        'drop policy "may read" on app.audit_logs',
    ],
)
@pytest.mark.parametrize(
    "asking", ASKING, ids=lambda asking: f"{asking[0]} as {asking[1] or 'nobody'}"
)
def test_nobody_changes_adds_or_removes_a_line(asking, statement):
    org = uuid4()
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        put(db, metadata.tables["app.audit_logs"], org)
        db.execute(text(f"set local role {asking[0]}"))
        for name, value in {"user_id": uuid4(), "organization_id": org, "role": asking[1]}.items():
            db.execute(
                text("select set_config(:name, :value, true)"),
                {"name": f"app.{name}", "value": str(value)},
            )
        with pytest.raises(DBAPIError) as refused:
            db.execute(text(statement))
        assert refused.value.orig.sqlstate == NO_PRIVILEGE
        db.rollback()


@pytest.mark.parametrize(
    "statement", ["update app.audit_logs set operation = 'x'", "delete from app.audit_logs"]
)
def test_not_even_the_tables_owner_rewrites_a_line(statement):
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        put(db, metadata.tables["app.audit_logs"], uuid4())
        db.execute(text("set local role so_owner"))
        assert db.execute(text(statement)).rowcount == 0
        db.rollback()


def test_a_statement_over_many_rows_writes_the_right_line_for_each_that_it_changes():
    """Also after one over a single row, for which the session made its plan; where rows get other
    keys; and where a trigger has the last word on what is stored.
    """
    org, table = uuid4(), metadata.tables["app.packages"]
    with watched(table) as db:
        put(db, table, org)
        db.execute(text("update app.packages set name = 'One'"))
        db.execute(text("delete from app.packages"))
        db.execute(text("delete from app.audit_logs where at >= now()"))
        make = "insert into app.packages (organization_id, id, name) select :org, {}, n::text"
        numbers = " from generate_series(1, 3000) n order by n % 7, n"
        db.execute(text(make.format(NUMBERED.format("n")) + numbers), {"org": org})
        db.execute(text(TRIMMED))
        db.execute(
            text(f"""update app.packages p
                        set id = {NUMBERED.format("(9999 - p.name::int)")}, name = p.name || ' '
                      where p.name::int % 3 > 0""")
        )
        db.execute(text("update app.packages set name = name"))
        db.execute(text("delete from app.packages where name = '3'"))
        lines = db.execute(text(LINES)).all()
    made, moved = (
        {row: changes for operation, row, changes in lines if operation == verb}
        for verb in ("insert", "update")
    )
    assert len(lines) == 3000 + 2000 + 1
    assert {row: changes["name"] for row, changes in made.items()} == {
        numbered(n): [None, str(n)] for n in range(1, 3001)
    }
    assert moved == {
        numbered(9999 - n): {
            "id": [numbered(n), numbered(9999 - n)],
            "name": [str(n), f"{n}!"],
        }
        for n in range(1, 3001)
        if n % 3
    }
    [gone] = [(row, changes["name"]) for operation, row, changes in lines if operation == "delete"]
    assert gone == (numbered(3), ["3", None])
