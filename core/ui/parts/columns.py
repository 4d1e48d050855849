"""The columns of a table as data: each names a column of the rows and says what its values are.

The table holds the values themselves and formats them for display only, so it sorts by time and
amount; a phone's cards read the same values as words, and a download gets them exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from core.metrics.units import RATE, Unit
from core.platform.clock import now
from core.platform.labels import NONE, LabelledEnum
from core.platform.money import decimal_text, decimals
from core.ui.parts.format import money, when, word

# Above so many rows a table of several currencies is not formatted cell by cell: that takes 0.2 ms
# a row.
MOST_FORMATTED_ROWS = 2_000


def headings(item: type[BaseModel]) -> Callable[[str], str]:
    """How the fields of a list are called, which is as the API's description calls them. A field
    without a title is a KeyError.
    """
    titles = {name: field.title for name, field in item.model_fields.items() if field.title}
    return titles.__getitem__


def is_missing(value: Any) -> bool:
    """None, or what pandas puts in its place, which is not equal to itself."""
    return value is None or value != value


@dataclass(frozen=True)
class Column:
    """The column ``name`` of the rows, under the heading ``label``; one with a ``width`` does not
    grow with the table.
    """

    name: str
    label: str
    width: Literal["small"] | None = field(default=None, kw_only=True)

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        """What the table holds and sorts by."""
        return rows[self.name]

    def config(self, rows: pd.DataFrame) -> Any:
        """The heading and the format, as Streamlit takes them."""
        return st.column_config.Column(self.label, width=self.width)

    def texts(self, rows: pd.DataFrame) -> list[str]:
        """Each value as people read it on a card."""
        return [NONE if is_missing(value) else self._text(value) for value in rows[self.name]]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        """The columns of a download: values, not words."""
        return {
            self.name: [
                None if is_missing(value) else self._exported(value) for value in rows[self.name]
            ]
        }

    def _text(self, value: Any) -> str:
        return str(value)

    def _exported(self, value: Any) -> Any:
        return value


@dataclass(frozen=True)
class Text(Column):
    """Names, addresses and sentences."""


@dataclass(frozen=True)
class Number(Column):
    """A count."""

    def config(self, rows: pd.DataFrame) -> Any:
        return st.column_config.NumberColumn(self.label, width=self.width, format="%,d")

    def _text(self, value: Any) -> str:
        return f"{value:,}"


@dataclass(frozen=True)
class Percent(Column):
    """A rate from 0 to 1, which people read in per cent; a download gets the rate itself."""

    def config(self, rows: pd.DataFrame) -> Any:
        return st.column_config.NumberColumn(self.label, width=self.width, format="%.0f %%")

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return rows[self.name].astype(float) * 100

    def _text(self, value: Any) -> str:
        return RATE.text(value, "")


@dataclass(frozen=True)
class Bar(Column):
    """Numbers of a unit as bars, the longest of which is the largest; money is in ``currency``."""

    unit: Unit
    currency: str

    def config(self, rows: pd.DataFrame) -> Any:
        return st.column_config.ProgressColumn(
            self.label,
            width=self.width,
            format=self.unit.pattern(self.currency),
            min_value=0,
            max_value=float(self.cells(rows).max()) or 1.0,
        )

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return rows[self.name] * self.unit.scale

    def _text(self, value: Any) -> str:
        return self.unit.text(self.unit.of_plain(value, self.currency), self.currency)


@dataclass(frozen=True)
class Word(Column):
    """A stored word, by the labels of its enumeration; a download gets the stored word."""

    of: type[LabelledEnum] | Mapping[str, str]

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        labels = [None if is_missing(value) else self._text(value) for value in rows[self.name]]
        return pd.Series(labels, index=rows.index, dtype=object)

    def _text(self, value: Any) -> str:
        return word(value, self.of)

    def _exported(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Moment(Column):
    """An instant in the zone ``timezone``; a download gets it in ISO 8601 with its offset.

    A table writes the date, with the year unless all are of this one: the native formats know no
    "today", which only the cards say.
    """

    timezone: str

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return pd.to_datetime(rows[self.name], utc=True).dt.tz_convert(self.timezone)

    def config(self, rows: pd.DataFrame) -> Any:
        this_year = now().astimezone(ZoneInfo(self.timezone)).year
        year = "" if self.cells(rows).dt.year.dropna().eq(this_year).all() else " YYYY"
        return st.column_config.DatetimeColumn(
            self.label, width=self.width, format=f"ddd D MMM{year} HH:mm"
        )

    def _text(self, value: Any) -> str:
        return when(value, self.timezone)

    def _exported(self, value: Any) -> str:
        return str(value.astimezone(ZoneInfo(self.timezone)).isoformat())


@dataclass(frozen=True)
class Day(Column):
    """A date."""

    def config(self, rows: pd.DataFrame) -> Any:
        return st.column_config.DateColumn(self.label, width=self.width, format="D MMM YYYY")

    def _text(self, value: Any) -> str:
        return f"{value.day} {value:%b %Y}"

    def _exported(self, value: Any) -> str:
        return str(value.isoformat())


@dataclass(frozen=True)
class Money(Column):
    """An amount in the currency that the column ``currency`` of the same row names, written with
    that currency's own decimals. The table shows the currency beside its amounts.

    The native format is one for the whole column. Where currencies with different decimals meet,
    the table is formatted cell by cell, and above ``MOST_FORMATTED_ROWS`` with the most decimals
    among them: longer than some currencies are written, but nothing is cut off.
    """

    currency: str = "currency"

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return rows[self.name].astype(float)

    def config(self, rows: pd.DataFrame) -> Any:
        most = max(self._decimals(rows), default=0)
        exact = None if self.is_mixed(rows) else f"%,.{most}f"
        return st.column_config.NumberColumn(self.label, width=self.width, format=exact)

    def is_mixed(self, rows: pd.DataFrame) -> bool:
        """Whether it is formatted cell by cell."""
        return len(self._decimals(rows)) > 1 and len(rows) <= MOST_FORMATTED_ROWS

    def formats(self, rows: pd.DataFrame) -> list[tuple[list[int], str]]:
        """Row numbers, and how their amounts are written."""
        numbers: dict[int, list[int]] = {}
        for number, currency in enumerate(rows[self.currency]):
            if not is_missing(currency):
                numbers.setdefault(decimals(currency), []).append(number)
        return [(those, f"{{:,.{digits}f}}") for digits, those in numbers.items()]

    def texts(self, rows: pd.DataFrame) -> list[str]:
        return [
            NONE if is_missing(amount) else money({currency: amount})
            for amount, currency in zip(rows[self.name], rows[self.currency], strict=True)
        ]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        return {
            self.name: [
                None if is_missing(amount) else Decimal(decimal_text(Decimal(amount), currency))
                for amount, currency in zip(rows[self.name], rows[self.currency], strict=True)
            ]
        }

    def _decimals(self, rows: pd.DataFrame) -> set[int]:
        return {decimals(currency) for currency in rows[self.currency].dropna().unique()}


@dataclass(frozen=True)
class Amounts(Column):
    """Amounts by currency, never added together, as words: no number could stand for several
    currencies. A download gets a column for each currency.
    """

    def cells(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return pd.Series(self.texts(rows), index=rows.index, dtype=object)

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        currencies = sorted({currency for amounts in rows[self.name] for currency in amounts})
        return {
            f"{self.name}_{currency}": [
                Decimal(decimal_text(amounts[currency], currency)) if currency in amounts else None
                for amounts in rows[self.name]
            ]
            for currency in currencies
        }

    def _text(self, value: Any) -> str:
        return money(value)


def with_currencies(columns: list[Column]) -> list[Column]:
    """The columns, with each column of currencies after the last of its amounts."""
    made: list[Column] = []
    for place, column in enumerate(columns):
        made.append(column)
        later = {other.currency for other in columns[place + 1 :] if isinstance(other, Money)}
        if isinstance(column, Money) and column.currency not in later:
            made.append(Text(column.currency, ""))
    return made
