"""What figures are measured in: how a value of each unit is read, written and drawn.

A count is an int, a rate 0 to 1 or None, a duration a float or None, and money an amount for each
currency (never mixed; empty when there is none).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from core.platform import schemas
from core.platform.labels import NONE
from core.platform.money import short, shown

Money = Mapping[str, Decimal]
Value = int | float | Money | None


@dataclass(frozen=True, eq=False)
class Unit:
    """Plain numbers; the classes below say in what another unit differs.

    Attributes:
        name: its own in this module, by which figures that were cached find it again.
        json: the type of a value in JSON.
        number: the SQL of a number, made of ``{rows}``, which is what the rows amount to.
        dtype: the type of a column of values in a data frame.
        scale: by what a chart multiplies a value.
        change: what ``moved`` is measured in.
    """

    name: str
    json: Any = float | None
    number: str = "{rows}"
    dtype: str = "object"
    scale: int = 1
    change: str = " %"

    def __reduce__(self) -> str:
        return self.name

    def read(self, number: Any) -> Value:
        """A number of the database, or a quotient of such numbers, as a value."""
        return None if number is None else float(number)

    def text(self, value: Any) -> str:
        """A value with its unit, short enough for a card."""
        return NONE if value is None else f"{value:,.0f}"

    def exact(self, value: Any) -> str:
        """A value where ``text`` rounds it so that somebody may miss it, else nothing."""
        return ""

    def message(self, value: Any, currency: str) -> str:
        """A value inside a message to an organisation that reckons in ``currency``."""
        return "n/a" if value is None else str(value)

    def daily(self, value: Any, days: int, currency: str) -> str:
        """The same of a value of so many days, a day."""
        return "n/a" if value is None else f"{value / days:.1f}"

    def plain(self, value: Any, currency: str) -> Any:
        """A value as one number, or None; of money it is what there is of ``currency``."""
        return value

    def of_plain(self, number: float, currency: str) -> Value:
        """The value that is this one number."""
        return number

    def moved(self, value: Any, before: Any, currency: str) -> float | None:
        """How far a value lies from an earlier one: in per cent of that. None when there is nothing
        to compare.
        """
        now, then = self.plain(value, currency), self.plain(before, currency)
        return None if now is None or not then else float((now - then) / abs(then)) * 100

    def pattern(self, currency: str) -> str:
        """How Streamlit writes the number at a bar."""
        return "%d"


class _Count(Unit):
    def read(self, number: Any) -> Value:
        return int(number)

    def text(self, value: Any) -> str:
        return f"{int(value):,}"


class _Rate(Unit):
    def text(self, value: Any) -> str:
        return NONE if value is None else f"{value:.0%}".replace("%", " %")

    def message(self, value: Any, currency: str) -> str:
        return "n/a" if value is None else f"{value:.0%}"

    def daily(self, value: Any, days: int, currency: str) -> str:
        """A rate of many days is that of a day."""
        return self.message(value, currency)

    def moved(self, value: Any, before: Any, currency: str) -> float | None:
        """In points."""
        return None if value is None or before is None else float(value - before) * 100

    def pattern(self, currency: str) -> str:
        return "%.0f %%"


@dataclass(frozen=True, eq=False)
class _Duration(Unit):
    """``sign`` is how people write the unit after a number."""

    sign: str = ""

    def text(self, value: Any) -> str:
        return NONE if value is None else f"{value:,.0f} {self.sign}"


class _Money(Unit):
    def read(self, number: Any) -> Value:
        return dict(number)

    def text(self, value: Any) -> str:
        return _each(value, short) or NONE

    def exact(self, value: Any) -> str:
        return _each(value, shown)

    def message(self, value: Any, currency: str) -> str:
        return _each(value or {currency: Decimal(0)}, _whole)

    def daily(self, value: Any, days: int, currency: str) -> str:
        return self.message({name: each / days for name, each in value.items()}, currency)

    def plain(self, value: Any, currency: str) -> Any:
        return (value or {}).get(currency)

    def of_plain(self, number: float, currency: str) -> Value:
        return {currency: Decimal(str(number))}

    def pattern(self, currency: str) -> str:
        return f"%,.0f {currency}"


def _each(amounts: Money | None, write: Callable[[Decimal, str], str]) -> str:
    return " + ".join(write(amount, currency) for currency, amount in (amounts or {}).items())


def _whole(amount: Decimal, currency: str) -> str:
    return shown(amount, currency, whole=True)


NUMBER = Unit("NUMBER")
COUNT = _Count("COUNT", json=schemas.Count, dtype="int64")
RATE = _Rate("RATE", json=Annotated[float, Field(ge=0, le=1)] | None, scale=100, change=" points")
MONEY = _Money("MONEY", json=schemas.Sums)
# Rows hold intervals: their sum is exact, and quicker than one of numbers.
HOURS = _Duration("HOURS", number="extract(epoch from {rows}) / 3600", sign="h")
