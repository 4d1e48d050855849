"""Which rows are about a person outside the organisation, from the tables' declarations
(``secured(about=…)``).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ForeignKeyConstraint, MetaData, Table

from core.platform.errors import Misconfigured
from core.platform.personal import Personal, personal_of
from core.platform.schema import Follows, Own


def tables_about(metadata: MetaData) -> list[Table]:
    """The tables with rows about a person, sorted so that a table follows those it refers to."""
    return [table for table in metadata.sorted_tables if table.info["about"]]


def private_tables(metadata: MetaData) -> list[Table]:
    """The tables whose rows belong to one user, though they may be about a person or mention one:
    even an admin does not read them.
    """
    return [
        table
        for table in metadata.sorted_tables
        if isinstance(table.info["owners"], Own) and any(map(personal_of, table.columns))
    ]


@dataclass(frozen=True)
class Known:
    """What identifies a person in SQL: expressions for the organisation, the ids of the person's
    contacts and their normalised addresses.
    """

    organization: str
    contacts: str
    emails: str


def is_about(table: Table, row: str, person: Known) -> str:
    """The SQL condition that ``row`` of the table is about the person. Raises Misconfigured for a
    declared column that does not lead to a person.
    """
    return " or ".join(_leads_to(table, column, row, person) for column in table.info["about"])


def mentions(table: Table, row: str, words: str) -> str:
    """The SQL condition that ``row``, of a table that mentions people anywhere, contains one of
    ``words``, an expression for comparable texts. False for a table without such a column.
    """
    places = [
        f"strpos(app.comparable({row}.{column.name}::text), known.word) > 0"
        for column in table.columns
        if (fact := personal_of(column)) and fact.anywhere
    ]
    if not places:
        return "false"
    return f"exists (select from unnest({words}) as known(word) where {' or '.join(places)})"


def _leads_to(table: Table, column: str, row: str, person: Known) -> str:
    fact = personal_of(table.columns[column])
    if fact is not None and fact.kind == Personal.EMAIL:
        return f"{row}.{column} = any ({person.emails})"
    if column == "id":
        return f"{row}.id = any ({person.contacts})"
    parents = _parents(table, column)
    if not parents:
        raise Misconfigured(f"Column {column} of table {table.name} leads to no person.")
    inner = f"{row}_"
    found = " union ".join(
        f"select {inner}.id from app.{parent.name} {inner} where {inner}.organization_id ="
        f" {person.organization} and ({is_about(parent, inner, person)})"
        for parent in parents
    )
    return f"{row}.{column} in ({found})"


def _parents(table: Table, column: str) -> list[Table]:
    """The tables with rows about a person that the column refers to, by a foreign key or by its
    name.
    """
    owners = table.info["owners"]
    if isinstance(owners, Follows) and owners.kind and owners.column == column:
        return [each for each in tables_about(table.metadata) if each.info["subject"]]
    referred = [
        key.referred_table
        for key in table.constraints
        if isinstance(key, ForeignKeyConstraint)
        and key.column_keys[-1] == column
        and key.referred_table.info["about"]
    ]
    return referred or [
        each for each in tables_about(table.metadata) if column == f"{each.info['subject']}_id"
    ]
