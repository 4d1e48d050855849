"""What figures are measured in: how a value of each unit is read, written and drawn.

A count is an int, a rate 0 to 1 or None, a duration a float or None, and money an amount for each
currency (never mixed; empty where there is none of any, None where there is nothing to divide by).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from core.platform import schemas
from core.platform.labels import NONE
from core.platform.money import brief, decimal_text, short, shown
from core.platform.notation import notation

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
        between: whether there are values between two neighbouring ones, as a percentile needs.
        change: what ``moved`` is measured in.
    """

    name: str
    json: Any = float | None
    number: str = "{rows}"
    dtype: str = "object"
    between: bool = True
    change: str = "%"

    def __reduce__(self) -> str:
        return self.name

    def read(self, number: Any) -> Value:
        """A number of the database, or a quotient of such numbers, as a value."""
        return None if number is None else float(number)

    def per(self, total: Any, count: int) -> Value:
        """A sum divided by a count; None with nothing to divide by."""
        return float(total) / count if count else None

    def text(self, value: Any, currency: str) -> str:
        """A value with its unit, short enough for a card of an organisation that reckons in
        ``currency``.
        """
        return NONE if value is None else notation().number(value)

    def exact(self, value: Any) -> str:
        """A value where ``text`` rounds it so that somebody may miss it, else nothing."""
        return ""

    def message(self, value: Any, currency: str) -> str:
        """A value inside a message to an organisation that reckons in ``currency``."""
        return "n/a" if value is None else str(value)

    def daily(self, value: Any, days: int, currency: str) -> str:
        """The same of a value of so many days, a day."""
        return "n/a" if value is None else notation().number(value / days, 1)

    def as_json(self, value: Any) -> Any:
        """A value for programs: money as decimal strings with the currency's own decimals."""
        return value

    def plain(self, value: Any, currency: str) -> Any:
        """A value as one number, or None; of money it is what there is of ``currency``, 0 where
        there is none.
        """
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


class _Count(Unit):
    def read(self, number: Any) -> Value:
        return int(number)

    def text(self, value: Any, currency: str) -> str:
        return notation().number(int(value))


class _Rate(Unit):
    def text(self, value: Any, currency: str) -> str:
        return NONE if value is None else f"{value:.0%}"

    def message(self, value: Any, currency: str) -> str:
        return "n/a" if value is None else f"{value:.0%}"

    def daily(self, value: Any, days: int, currency: str) -> str:
        """A rate of many days is that of a day."""
        return self.message(value, currency)

    def moved(self, value: Any, before: Any, currency: str) -> float | None:
        """In points."""
        return None if value is None or before is None else float(value - before) * 100


@dataclass(frozen=True, eq=False)
class _Duration(Unit):
    """``sign`` is how people write the unit after a number."""

    sign: str = ""

    def text(self, value: Any, currency: str) -> str:
        return NONE if value is None else f"{notation().number(value)} {self.sign}"


class _Money(Unit):
    def read(self, number: Any) -> Value:
        return dict(number)

    def per(self, total: Any, count: int) -> Value:
        return {name: amount / count for name, amount in total.items()} if count else None

    def text(self, value: Any, currency: str) -> str:
        return NONE if value is None else _each(value, currency, short)

    def exact(self, value: Any) -> str:
        return _each(value, "", shown) if value else ""

    def message(self, value: Any, currency: str) -> str:
        return "n/a" if value is None else _each(value, currency, brief)

    def daily(self, value: Any, days: int, currency: str) -> str:
        return self.message(self.per(value, days) if value is not None else None, currency)

    def as_json(self, value: Any) -> Any:
        amounts = (value or {}).items()
        return {currency: decimal_text(amount, currency) for currency, amount in amounts}

    def plain(self, value: Any, currency: str) -> Any:
        return None if value is None else value.get(currency, Decimal(0))

    def of_plain(self, number: float, currency: str) -> Value:
        return {currency: Decimal(str(number))}

    def moved(self, value: Any, before: Any, currency: str) -> float | None:
        """None also where all that came is of other currencies: that is not less."""
        if value and currency not in value:
            return None
        return super().moved(value, before, currency)


def _each(amounts: Money, currency: str, write: Callable[[Decimal, str], str]) -> str:
    """Every amount; where there is none of any currency, nothing of ``currency``."""
    found = amounts or {currency: Decimal(0)}
    return " + ".join(write(amount, name) for name, amount in found.items())


NUMBER = Unit("NUMBER")
COUNT = _Count("COUNT", json=schemas.Count, dtype="int64", between=False)
RATE = _Rate("RATE", json=Annotated[float, Field(ge=0, le=1)] | None, change=" points")
MONEY = _Money("MONEY", json=schemas.Sums, between=False)
# Rows hold intervals: their sum is exact, and quicker than one of numbers.
HOURS = _Duration("HOURS", number="extract(epoch from {rows}) / 3600", sign="h")
