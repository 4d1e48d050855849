"""What an export asks of Postgres, and how it is written for its readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from babel.numbers import list_currencies
from psycopg import sql

from core.metrics.export_columns import ExportTable, OwnColumn
from core.people.visibility import with_persons
from core.platform.clock import Period
from core.platform.money import decimals
from core.platform.spreadsheets import (
    PLAIN,
    Dialect,
    decimal_sign_sql,
    seconds_sql,
    without_formula_sql,
    words_sql,
    yes_or_no_sql,
)

DECIMALS = sql.SQL(
    "case when currency = any({}) then 0 when currency = any({}) then 3 else 2 end"
).format(
    *(
        sql.Literal(sorted(code for code in list_currencies() if decimals(code) == digits))
        for digits in (0, 3)
    )
)


@dataclass(frozen=True)
class Written:
    """How an export is written for its readers. Programs get names and words of the code, and
    instants in UTC. People get the headings and words of the screens, yes and no, instants to the
    second in the zone ``timezone``, and the decimal sign of their country.
    """

    for_people: bool = False
    dialect: Dialect = PLAIN
    timezone: str = "UTC"

    def name(self, table: ExportTable, column: str) -> str:
        """What the column is called; an instant's heading says in which zone it is."""
        if not self.for_people:
            return column
        heading = table.heading(column)
        return f"{heading} ({self.timezone})" if table.is_instant(column) else heading

    def names(self, table: ExportTable) -> list[str]:
        """The columns that the table has for these readers, in their order."""
        return table.names_for_people if self.for_people else table.names

    def expression(self, table: ExportTable, column: str, *, safe: bool) -> sql.Composable:
        """The column in SQL; ``safe`` as text for a CSV, which a spreadsheet runs nothing of."""
        value = _value(table, column, safe)
        if not self.for_people:
            return value
        if (in_words := table.words(column)) is not None:
            value = words_sql(sql.SQL("{}::text").format(value), in_words)
        elif table.is_truth(column):
            value = yes_or_no_sql(value)
        elif safe and table.is_instant(column):
            value = seconds_sql(value)
        if safe and self.dialect != PLAIN and table.is_number(column):
            value = decimal_sign_sql(value, self.dialect)
        return value


BY_NAME = Written()


def query_of(
    table: ExportTable,
    columns: Sequence[str],
    period: Period | None,
    *,
    safe: bool,
    written: Written,
) -> sql.Composed:
    expressions = [
        sql.SQL("{} as {}").format(
            written.expression(table, column, safe=safe),
            sql.Identifier(written.name(table, column)),
        )
        for column in columns
    ]
    first: list[sql.Composable] = [sql.SQL(table.instant)] if table.instant else []
    if written.for_people and table.order:
        first = [sql.Identifier(table.name, table.order)]
    order = sql.SQL(", ").join([*first, sql.Identifier(table.name, "id")])
    return sql.SQL("select {} from app.{}{} where {} order by {}").format(
        sql.SQL(", ").join(expressions),
        sql.Identifier(table.name),
        sql.SQL("").join(_lists(table, columns)),
        where_of(table, period),
        order,
    )


def where_of(table: ExportTable, period: Period | None) -> sql.Composable:
    # A super admin may read every organisation's audit log; an export is of one organisation.
    where: sql.Composable = sql.SQL("{}.organization_id = app.cur_org()").format(
        sql.Identifier(table.name)
    )
    if table.keeps_deleted:
        where += sql.SQL(" and deleted_at is null")
    if period is not None and table.instant:
        where += sql.SQL(" and {date} >= {start} and {date} < {end}").format(
            date=sql.SQL(table.instant),
            start=sql.Literal(period.starts_at),
            end=sql.Literal(period.ends_at),
        )
    return where


def _lists(table: ExportTable, columns: Sequence[str]) -> Iterator[sql.Composed]:
    """The lists in which people of the table bear their present names."""
    for column in columns:
        if named := table.named_by(column):
            yield sql.SQL(
                " left join app.{named} on {named}.organization_id = {table}.organization_id"
                " and {named}.id = {table}.{id}"
            ).format(
                named=sql.Identifier(named[0]),
                table=sql.Identifier(table.name),
                id=sql.Identifier(named[1]),
            )


def _value(table: ExportTable, column: str, safe: bool) -> sql.Composable:
    if column in table.amounts:
        return _rounded(sql.SQL(table.amounts[column]))
    value = _computed(table, column) or sql.Identifier(table.name, column)
    if named := table.named_by(column):
        value = sql.SQL("coalesce({}, {})").format(sql.Identifier(named[0], "name"), value)
    if table.is_money(column):
        value = _rounded(value)
    if table.is_document(column):
        value = sql.SQL("{}::text").format(value)
    if table.is_list(column):
        value = sql.SQL("nullif(array_to_string({}, ', '), '')").format(value)
    if safe and (table.is_text(column) or table.is_list(column)):
        value = without_formula_sql(value)
    if table.is_hidden(column):
        value = sql.SQL("case when (select app.cur_role() = any({})) then {} end").format(
            sql.Literal(with_persons()), value
        )
    return value


def _computed(table: ExportTable, column: str) -> sql.Composable | None:
    """The name of what the row refers to by its id, or the answer in a field of the organisation's
    own.
    """
    if column in table.own:
        return _own(table.own[column])
    if column not in table.references:
        return None
    by, of = table.references[column]
    return sql.SQL(
        "(select named.name from app.{of} named where named.organization_id ="
        " {table}.organization_id and named.id = {table}.{by})"
    ).format(of=sql.Identifier(of.name), table=sql.Identifier(table.name), by=sql.Identifier(by))


def _own(column: OwnColumn) -> sql.Composable:
    value: sql.Composable = sql.SQL(column.value)
    if column.is_money:
        value = _rounded(value)
    return sql.SQL("(select {} from {})").format(value, sql.SQL(column.source))


def _rounded(amount: sql.Composable) -> sql.Composable:
    """An amount with the decimals of its currency, and more where it has more."""
    return sql.SQL("round({0}, greatest(scale(trim_scale({0})), {1}))").format(amount, DECIMALS)
