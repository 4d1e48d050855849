"""Files for spreadsheets: texts that they would run as formulas are made harmless, and a mark at
the beginning says that a file is in UTF-8, which Excel takes for Windows-1252 without it.
"""

from __future__ import annotations

from typing import Any

from psycopg import sql

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Also behind a line feed, and as Asian keyboards write them
# (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
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
