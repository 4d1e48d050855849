"""For every table and every role: rows of another organisation cannot be read, changed or created.

The second half breaks each policy and expects the first half to notice, which proves that these
tests can fail.
"""

from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.by_day import first
from tests.security.attempts import ASKING, TABLES, attempt, key_of, two_organizations

tables = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def reached(db, table, ours, theirs):
    """Every identity, and kind of statement, that reached the other organisation's rows."""
    name, key = f"app.{table.name}", key_of(table)
    column = "organization_id" if table.name != "organizations" else "name"
    ways = {
        "read": f"select {key} from {name} where {key} = :theirs",
        "change": f"update {name} set {column} = {column} where {key} = :theirs",
        "take": f"update {name} set {key} = :ours where {key} = :theirs",
        "push": f"update {name} set {key} = :theirs where {key} = :ours",
        "delete": f"delete from {name} where {key} = :theirs",
    }
    found = set()
    for asking in ASKING:
        for way, statement in ways.items():
            values = {
                part: value
                for part, value in {"ours": ours, "theirs": theirs}.items()
                if f":{part}" in statement
            }
            if attempt(db, asking, ours, statement, **values):
                found.add((*asking, way))
    return found


def allowed(table, *way):
    """The exceptions: a super admin reads everybody's audit log, and nothing else."""
    return {("so_app", "super_admin", *way)} if table.name == "audit_logs" else set()


@tables
def test_no_role_reaches_a_row_of_another_organization(table):
    with two_organizations(table) as (db, ours, theirs):
        assert reached(db, table, ours, theirs) == allowed(table, "read")


@tables
def test_no_role_makes_a_row_for_another_organization(table):
    with two_organizations(table) as (db, ours, _):
        copied = ", ".join(
            column.name
            for column in table.columns
            if column.name != key_of(table) and column.computed is None
        )
        db.execute(
            text(f"create temp table copied on commit drop as select * from app.{table.name}")
        )
        db.execute(text("grant select on copied to so_app, so_worker"))
        statement = (
            f"insert into app.{table.name} ({key_of(table)}, {copied}) select :theirs, {copied}"
            " from copied limit 1"
        )
        made = {asking for asking in ASKING if attempt(db, asking, ours, statement, theirs=uuid4())}
    assert made == set()


@tables
def test_without_an_organization_nobody_sees_anything(table):
    with two_organizations(table) as (db, *_):
        seen = {
            asking
            for asking in ASKING
            if attempt(db, asking, "", f"select {key_of(table)} from app.{table.name}")
        }
    assert seen == {asking[:2] for asking in allowed(table)}


READABLE = [table for table in TABLES if table.info["rls"] != "auth"]


@pytest.mark.parametrize("table", first(READABLE, READABLE[::6]), ids=lambda table: table.name)
def test_a_broken_policy_would_be_noticed(table):
    with two_organizations(table) as (db, ours, theirs):
        db.execute(text(f'drop policy "may read" on app.{table.name}'))
        db.execute(
            text(
                f'create policy "may read" on app.{table.name} for select to so_app, so_worker'
                " using (true)"
            )
        )
        assert reached(db, table, ours, theirs) > allowed(table, "read")


@pytest.mark.parametrize("table", first(READABLE, READABLE[::6]), ids=lambda table: table.name)
def test_a_table_without_row_level_security_would_be_noticed(table):
    with two_organizations(table) as (db, ours, theirs):
        db.execute(text(f"alter table app.{table.name} disable row level security"))
        assert reached(db, table, ours, theirs) > allowed(table, "read")
