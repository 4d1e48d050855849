"""The columns of a table as data: each names a column of the rows and says what its values are.

People read the values as words, a table is sorted by the values themselves, and a download gets
them exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel

from core.bookings.rep_names import rep_in_words
from core.metrics.units import RATE, Unit
from core.money.reasons import sentence_in_words
from core.platform.labels import NONE, LabelledEnum, yes_or_no
from core.platform.money import decimal_text
from core.platform.normalization import fold
from core.platform.notation import notation
from core.platform.phones import shown_phone
from core.ui.parts.format import money, on, when, word


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
    """The column ``name`` of the rows, under the heading ``label``."""

    name: str
    label: str

    is_number: ClassVar[bool] = False  # stands at the right
    is_long: ClassVar[bool] = False  # goes on over several lines
    is_ordered: ClassVar[bool] = True  # whether a table can be sorted by it

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        """What the rows are sorted by, the first first."""
        return [rows[self.name]]

    def over(self, rows: pd.DataFrame) -> Column:
        """The column as it is drawn on any page of these rows."""
        return self

    def texts(self, rows: pd.DataFrame) -> list[str]:
        """Each value as people read it."""
        return [NONE if is_missing(value) else self._text(value) for value in rows[self.name]]

    def cells(self, rows: pd.DataFrame) -> list[Any]:
        """Each value as the table draws it."""
        return list(self.texts(rows))

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        """The columns of a download by their headings: exact values, and the words of screens."""
        return {
            self.label: [
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

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        return [_folded(rows[self.name])]

    def _text(self, value: Any) -> str:
        return str(value) or NONE


@dataclass(frozen=True)
class Phone(Text):
    """A phone number as people of the ``region`` write it; a download gets it as it is stored."""

    region: str

    def _text(self, value: Any) -> str:
        return shown_phone(str(value), self.region) or NONE


class Long(Text):
    """What somebody wrote at length, shown whole."""

    is_long = True


@dataclass(frozen=True)
class Sentence(Long):
    """A sentence that was recorded with a payment, as people read it; a download has it as it was
    recorded.
    """

    def _text(self, value: Any) -> str:
        return sentence_in_words(value) or NONE


@dataclass(frozen=True)
class Rep(Text):
    """Closers or setters, as ``rep_in_words`` calls them: the column is ``closer`` or
    ``closer_name``, and one of the rows without its ``closer_id`` has a name of the booking only.
    A download has nothing for nobody.
    """

    def texts(self, rows: pd.DataFrame) -> list[str]:
        part = self.name.removesuffix("_name")
        return [
            rep_in_words(None if is_missing(name) else name, part, is_listed=not is_missing(id_))
            for name, id_ in zip(rows[self.name], rows[f"{part}_id"], strict=True)
        ]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        named = zip(rows[self.name], self.texts(rows), strict=True)
        return {self.label: [None if is_missing(name) else text for name, text in named]}


@dataclass(frozen=True)
class Number(Column):
    """A count."""

    is_number = True

    def _text(self, value: Any) -> str:
        return notation().number(int(value))  # pandas makes floats where one is missing

    def _exported(self, value: Any) -> int:
        return int(value)


@dataclass(frozen=True)
class Rank(Number):
    """A place among others, from 1; a download gets the number."""

    def _text(self, value: Any) -> str:
        return f"#{super()._text(value)}"


@dataclass(frozen=True)
class Percent(Column):
    """A rate from 0 to 1, which people read in per cent; a download gets the rate itself."""

    is_number = True

    def _text(self, value: Any) -> str:
        return RATE.text(value, "")


@dataclass(frozen=True)
class Bar(Column):
    """Numbers of a unit as bars, the longest of which is the largest; money is in ``currency`` and
    exact.
    """

    unit: Unit
    currency: str
    largest: float | None = None  # of all rows; None where no others are known than those shown

    def over(self, rows: pd.DataFrame) -> Bar:
        return replace(self, largest=float(self._lengths(rows).max()) if len(rows) else None)

    def cells(self, rows: pd.DataFrame) -> list[Any]:
        values = self._lengths(rows)
        longest = (float(values.max()) if self.largest is None else self.largest) or 1.0
        return [
            {"text": text, "bar": value / longest}
            for text, value in zip(self.texts(rows), values, strict=True)
        ]

    def _lengths(self, rows: pd.DataFrame) -> pd.Series[Any]:
        return rows[self.name].astype(float).fillna(0).clip(lower=0)

    def _text(self, value: Any) -> str:
        exact = self.unit.of_plain(value, self.currency)
        return self.unit.exact(exact) or self.unit.text(exact, self.currency)


@dataclass(frozen=True)
class Word(Column):
    """A stored word, by the labels of its enumeration; a download gets the label too."""

    of: type[LabelledEnum] | Mapping[str, str]

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        words = [None if is_missing(value) else self._text(value) for value in rows[self.name]]
        return [_folded(pd.Series(words, index=rows.index, dtype=object))]

    def _text(self, value: Any) -> str:
        return word(value, self.of)

    def _exported(self, value: Any) -> str:
        return self._text(value)


@dataclass(frozen=True)
class Truth(Column):
    """Yes or no."""

    def _text(self, value: Any) -> str:
        return yes_or_no(bool(value))

    def _exported(self, value: Any) -> str:
        return self._text(value)


@dataclass(frozen=True)
class Moment(Column):
    """An instant in the zone ``timezone``, in which a download has it too, to the second."""

    timezone: str

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        return [pd.to_datetime(rows[self.name], utc=True)]

    def _text(self, value: Any) -> str:
        return when(value, self.timezone)

    def _exported(self, value: Any) -> Any:
        return value.astimezone(ZoneInfo(self.timezone)).replace(microsecond=0)


@dataclass(frozen=True)
class Day(Column):
    """A date."""

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        return [pd.to_datetime(rows[self.name])]

    def _text(self, value: Any) -> str:
        return on(value)


@dataclass(frozen=True)
class Money(Column):
    """An amount in the currency that the column ``currency`` of the same row names, written with
    that currency's own decimals.

    Amounts of different currencies cannot be compared: they are sorted within each of them.
    """

    currency: str = "currency"

    is_number = True

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        amounts = rows[self.name].astype(float)
        return [rows[self.currency].where(amounts.notna(), None), amounts]

    def texts(self, rows: pd.DataFrame) -> list[str]:
        return [
            NONE if is_missing(amount) else money({currency: amount})
            for amount, currency in zip(rows[self.name], rows[self.currency], strict=True)
        ]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        return {
            self.label: [
                None if is_missing(amount) else Decimal(decimal_text(Decimal(amount), currency))
                for amount, currency in zip(rows[self.name], rows[self.currency], strict=True)
            ]
        }


@dataclass(frozen=True)
class Amounts(Column):
    """Amounts by currency, never added together. A download gets a column for each currency."""

    is_number = True
    is_ordered = False  # no number could stand for several currencies

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        found = [{} if is_missing(amounts) else amounts for amounts in rows[self.name]]
        currencies = sorted({currency for amounts in found for currency in amounts})
        return {
            f"{self.label} ({currency})": [
                Decimal(decimal_text(amounts[currency], currency)) if currency in amounts else None
                for amounts in found
            ]
            for currency in currencies
        }

    def _text(self, value: Any) -> str:
        return money(value)


@dataclass(frozen=True)
class Links(Column):
    """Ways from a row to other screens: words and an address each. A download has none."""

    is_ordered = False

    def cells(self, rows: pd.DataFrame) -> list[Any]:
        return [
            {
                "text": text,
                "links": [{"label": label, "href": address} for label, address in ways],
            }
            for text, ways in zip(self.texts(rows), rows[self.name], strict=True)
        ]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        return {}

    def _text(self, value: Any) -> str:
        return " · ".join(label for label, _ in value)


@dataclass(frozen=True)
class Linked(Column):
    """Numbers of another column, each of which leads to the address in the column ``to``."""

    of: Column
    to: str

    is_number = True

    def ordered_by(self, rows: pd.DataFrame) -> list[pd.Series[Any]]:
        return self.of.ordered_by(rows)

    def texts(self, rows: pd.DataFrame) -> list[str]:
        return self.of.texts(rows)

    def cells(self, rows: pd.DataFrame) -> list[Any]:
        return [
            {"text": text, "links": [{"label": text, "href": address}]}
            for text, address in zip(self.texts(rows), rows[self.to], strict=True)
        ]

    def exported(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        return self.of.exported(rows)


def linked(column: Column, to: str) -> Linked:
    """The column with a link on each of its numbers."""
    return Linked(column.name, column.label, column, to)


def _folded(texts: pd.Series[Any]) -> pd.Series[Any]:
    return texts.map(lambda text: None if is_missing(text) else fold(text) or None).astype(object)


def with_currencies(columns: Sequence[Column]) -> list[Column]:
    """The columns of a download, with each column of currencies after the last of its amounts."""
    made: list[Column] = []
    for place, column in enumerate(columns):
        made.append(column)
        later = {other.currency for other in columns[place + 1 :] if isinstance(other, Money)}
        if isinstance(column, Money) and column.currency not in later:
            is_usual = column.currency == "currency"
            made.append(
                Text(column.currency, "Currency" if is_usual else f"Currency ({column.label})")
            )
    return made
