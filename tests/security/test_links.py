"""What each kind of link reaches in its own organisation, table by table. A new table is closed to
links until it declares otherwise.
"""

import pytest
from sqlalchemy import text

from core.migrations.tables import metadata
from core.platform.link_roles import LINK_ROLES
from tests.ports import owner
from tests.security.attempts import TABLES, attempt, key_of, two_organizations

ALWAYS = {"organizations"} | {
    table.name for table in TABLES if table.info["rls"] == "organization_settings"
}
LISTS = {"call_types", "packages", "list_entries"}
FORM = {"form_configs", "custom_field_definitions", "custom_field_options"}  # what it asks
WITHOUT_SUBJECT = {
    "portal": ALWAYS | LISTS | FORM,
    "statement": ALWAYS,
    "share": ALWAYS | {"events"},
    "share_money": ALWAYS | {"events", "payments"},
}


each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def reached_by(table, way):
    """The kinds of link that reach rows of the table in their own organisation, when nothing in
    them is the link's subject.
    """
    key = key_of(table)
    statement = way.format(
        table=f"app.{table.name}", key=key, column="name" if key == "id" else key
    )
    with two_organizations(table) as (db, ours, _):
        return {role for role in LINK_ROLES if attempt(db, ("so_app", role), ours, statement)}


@each_table
def test_a_link_without_its_subject_reads_only_what_has_no_owner(table):
    readers = {role for role, tables in WITHOUT_SUBJECT.items() if table.name in tables}
    assert reached_by(table, "select {key} from {table}") == readers


@each_table
@pytest.mark.parametrize("way", ["update {table} set {column} = {column}", "delete from {table}"])
def test_a_link_without_its_subject_writes_nothing(table, way):
    assert reached_by(table, way) == set()


def test_a_table_that_links_open_says_so_by_a_policy_for_people_only():
    with owner() as db:
        rows = db.execute(
            text("""
            select distinct tablename, roles::text from pg_policies where schemaname = 'app'
              and policyname like 'a link %'
        """)
        ).all()
    assert {roles for _, roles in rows} == {"{so_app}"}
    assert {table for table, _ in rows} < {table.name for table in metadata.sorted_tables}


def test_reading_calls_asks_once_a_statement_who_is_there_and_finds_them_by_the_organisation():
    with owner() as db:
        db.execute(text("set local role so_app"))
        for name, value in {
            "organization_id": "00000000-0000-0000-0000-000000000001",
            "role": "manager",
        }.items():
            db.execute(
                text("select set_config(:name, :value, true)"),
                {"name": f"app.{name}", "value": value},
            )
        db.execute(text("set local enable_seqscan = off"))
        plan = "\n".join(db.execute(text("explain select count(*) from app.events")).scalars())
    assert "Index Cond: (organization_id = " in plan
    assert "SubPlan" not in plan
