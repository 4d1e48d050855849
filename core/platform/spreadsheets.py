"""Protecting spreadsheets against texts that they would run as formulas."""

from __future__ import annotations

from typing import Any

from psycopg import sql

FORMULA_STARTS = "=+-@\t\r"
_STARTS = sql.SQL(", ").join(sql.Literal(ord(character)) for character in FORMULA_STARTS)


def without_formula(value: Any) -> Any:
    """Puts an apostrophe before text that starts like a formula, which makes a spreadsheet show it
    as text. Every other value stays as it is.
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple(FORMULA_STARTS) else value


def without_formula_sql(value: sql.Composable) -> sql.Composed:
    """The same rule as an SQL expression."""
    return sql.SQL("case when ascii({0}) in ({1}) then '''' || {0} else {0} end").format(
        value, _STARTS
    )
