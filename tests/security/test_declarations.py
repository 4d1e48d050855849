"""What a model declares of its table holds in the database, and a declaration of something that is
not there is refused.
"""

import pytest
from sqlalchemy import Column, MetaData, Table, text

from core.migrations.tables import metadata
from core.platform.errors import Misconfigured
from core.platform.schema import ByLink, opened_by, secured
from core.platform.security.policies import access_of
from tests.ports import owner

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
    with pytest.raises(Misconfigured, match="“potral” is no kind of link; use one of portal, "):
        opened_by(potral=ByLink(read="true"))
