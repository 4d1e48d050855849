"""Files for spreadsheets, whichever part of the product makes them: texts that they would run as
formulas are made harmless, and a mark at the beginning says that a file is in UTF-8, which Excel
takes for Windows-1252 without it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from psycopg import sql

from core.platform.labels import NO, YES, yes_or_no
from core.platform.workbooks import write_workbook

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Also behind a line feed, and as Asian keyboards write them
# (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
_STARTS = sql.SQL(", ").join(sql.Literal(ord(character)) for character in FORMULA_STARTS)


@dataclass(frozen=True)
class Dialect:
    """How a CSV separates its values and writes the decimals of a number."""

    separator: str
    decimal_sign: str


PLAIN = Dialect(",", ".")
# Excel splits a file by the list separator of its country: a semicolon where the comma is the
# decimal sign.
DECIMAL_COMMA = Dialect(";", ",")


def write_csv(
    names: Sequence[str], rows: Iterable[Sequence[Any]], dialect: Dialect = PLAIN
) -> Iterator[bytes]:
    """The rows under their headings as a CSV, piece by piece: instants and days in ISO 8601, and an
    empty value for None.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.separator, lineterminator="\n")
    writer.writerow([without_formula(name) for name in names])
    yield BYTE_ORDER_MARK
    for row in rows:
        writer.writerow([_in_csv(value, dialect) for value in row])
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _in_csv(value: Any, dialect: Dialect) -> Any:
    match value:
        case bool():
            return yes_or_no(value)
        case float() | Decimal():
            plain = f"{value:f}" if isinstance(value, Decimal) else repr(float(value))
            return plain.replace(".", dialect.decimal_sign)
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case _:
            return without_formula(value)


def workbook(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The rows under their headings as a file for Excel (``write_workbook``)."""
    with TemporaryFile() as file:
        write_workbook(file, names, rows)
        file.seek(0)
        return file.read()


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


def decimal_sign_sql(number: sql.Composable, dialect: Dialect) -> sql.Composed:
    """A number as text with the dialect's decimal sign, as an SQL expression."""
    return sql.SQL("replace({}::text, '.', {})").format(number, sql.Literal(dialect.decimal_sign))


def words_sql(value: sql.Composable, in_words: Mapping[str, str]) -> sql.Composed:
    """A word of the code as people read it, as an SQL expression; one that is not in the mapping
    capitalised (``capitalized``).
    """
    known = sql.SQL("").join(
        sql.SQL(" when {} then {}").format(sql.Literal(stored), sql.Literal(label))
        for stored, label in in_words.items()
    )
    plain = sql.SQL("replace(upper(left({0}, 1)) || lower(substr({0}, 2)), '_', ' ')").format(value)
    if not in_words:
        return plain
    return sql.SQL("case {}{} else {} end").format(value, known, plain)


def yes_or_no_sql(value: sql.Composable) -> sql.Composed:
    """A truth value as people read it, as an SQL expression."""
    return sql.SQL("case when {0} then {1} when not {0} then {2} end").format(
        value, sql.Literal(YES), sql.Literal(NO)
    )


def seconds_sql(instant: sql.Composable) -> sql.Composed:
    """An instant in ISO 8601 to the second, in the zone of the transaction, as an SQL expression:
    ``2026-11-04T15:30:00+01:00``.
    """
    return sql.SQL("to_char({}, {})").format(instant, sql.Literal('YYYY-MM-DD"T"HH24:MI:SSTZH:TZM'))
