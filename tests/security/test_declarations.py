"""What a model declares of its table holds in the database, and a declaration of something that is
not there is refused.
"""

import pytest
from sqlalchemy import Column, MetaData, String, Table, text

from core.migrations.tables import metadata
from core.platform.errors import Misconfigured
from core.platform.personal import OF_USER, personal_of
from core.platform.schema import CONFIDENTIAL, ByLink, Words, opened_by, secured
from core.platform.security.policies import access_of
from tests.ports import owner

OF_USERS = [
    table
    for table in metadata.sorted_tables
    if any(OF_USER in column.info for column in table.columns)
]
NARROWED = [each for each in metadata.sorted_tables if each.info["columns"] or each.info["fixed"]]


@pytest.mark.parametrize("table", NARROWED, ids=lambda table: table.name)
def test_people_reach_only_the_columns_that_the_model_leaves_them(database_url, table):
    every = {column.name for column in table.columns}
    may = text("select has_column_privilege('so_app', :table, :column, :verb)")
    with owner() as db:
        reached = {
            verb: {
                name
                for name in every
                if db.execute(
                    may, {"table": table.fullname, "column": name, "verb": verb}
                ).scalar_one()
            }
            for verb in ("select", "update")
        }
    assert reached == {
        "select": set(table.info["columns"]) or every,
        "update": every - set(table.info["fixed"]) if access_of(table).update else set(),
    }


@pytest.mark.parametrize("declared", ["columns", "fixed"])
def test_a_declared_column_that_the_table_does_not_have_is_refused(declared):
    table = Table(
        "things", MetaData(schema="app"), Column("id"), **secured("users", **{declared: ("ide",)})
    )
    with pytest.raises(Misconfigured, match=rf"Table things .* ide in {declared}=, but has none"):
        access_of(table)


def test_a_kind_of_link_that_does_not_exist_is_refused():
    opened = secured("users", links=opened_by(potral=ByLink(read="true")))
    with pytest.raises(Misconfigured, match="“potral”, which is no role of a link; use one of por"):
        access_of(Table("things", MetaData(schema="app"), Column("id"), **opened))


def is_free_text(column):
    """Whether anything may stand in it that somebody can read."""
    written = isinstance(column.type, String) and not isinstance(column.type, Words)
    return written and not column.info.get(CONFIDENTIAL)


def test_every_address_is_declared_to_be_a_persons_or_a_users():
    undeclared = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if "email" in column.name and is_free_text(column)
        if not personal_of(column) and OF_USER not in column.info
    }
    assert undeclared == set()


def test_all_text_beside_a_users_name_is_declared_too():
    undeclared = {
        f"{table.name}.{column.name}"
        for table in OF_USERS
        for column in table.columns
        if is_free_text(column) and OF_USER not in column.info
    }
    # By such an id, which names nobody, later bookings still find their closer.
    assert undeclared == {"closers.calendly_user_uri"}


@pytest.mark.parametrize("table", OF_USERS, ids=lambda table: table.name)
def test_what_says_who_a_deleted_user_was_leaves_the_audit_log(database_url, table):
    declared = [column.name for column in table.columns if OF_USER in column.info]
    assert table.info["audit"]
    with owner() as db:
        blanked = db.execute(text("select app.user_columns(:table)"), {"table": table.name})
        functions = db.execute(
            text("select string_agg(prosrc, ' ') from pg_proc where prosrc like '%user_columns(%'")
        )
    assert blanked.scalar_one() == declared
    assert f"'{table.name}'" in functions.scalar_one()
