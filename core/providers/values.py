"""Values in providers' payloads, whichever of the documented shapes they come in. What is missing
or has another shape is None; only an amount that cannot be understood is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from core.platform.money import LIMIT

MILLISECONDS_FROM = 10**11  # as seconds that would be the year 5138
YEARS = range(1990, 2200)
# Of a JSON document of 1 MiB, reading all may take as long as storing hundreds of deliveries.
QUICKLY_READ = 16 * 1024
FINEST = -60  # as many decimals as no amount has, nor the noise of a float
T = TypeVar("T")


class Unreadable(ValueError):
    """A delivery says something of money that cannot be understood; the text says what."""


def first(values: Iterable[T | None]) -> T | None:
    """The first that there is."""
    return next((value for value in values if value is not None), None)


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def word(value: Any) -> str | None:
    """A text without the blanks around it; a number is its digits, an empty text is None."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def identifier(value: Any) -> str | None:
    """The id behind a reference, which is the id or, when it was expanded, the object itself."""
    return word(value.get("id") if isinstance(value, dict) else value)


def number(value: Any, what: str) -> Decimal | None:
    """The number, also when it is written as text. Raises Unreadable for one that cannot be an
    amount of money.
    """
    if isinstance(value, dict | list) or not str("" if value is None else value).strip():
        return None
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        found = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise Unreadable(f"the {what} “{str(value)[:40]}” is not a number") from error
    places = found.as_tuple().exponent
    is_too_fine = isinstance(places, int) and places < FINEST
    if not found.is_finite() or not 0 <= found < LIMIT or is_too_fine:
        raise Unreadable(f"the {what} “{str(value)[:40]}” is below zero, too large or too small")
    return found


def moment(value: Any) -> datetime | None:
    """An instant: ISO 8601, of which one without a zone is in UTC, or unix seconds or milliseconds,
    also as text.
    """
    if isinstance(value, bool):
        return None
    at = _unix(value)
    if at is None and isinstance(value, str):
        with suppress(ValueError, OverflowError):
            at = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at and at.year in YEARS else None


def _unix(value: Any) -> datetime | None:
    with suppress(ValueError, OverflowError, OSError, TypeError):
        seconds = float(value)
        whole = seconds / 1000 if abs(seconds) >= MILLISECONDS_FROM else seconds
        return datetime.fromtimestamp(whole, UTC)
    return None


def currency_code(value: Any) -> str | None:
    """An ISO 4217 code in capitals. Raises Unreadable for a text that is none."""
    code = word(value)
    if code is None:
        return None
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Unreadable(f"“{code[:40]}” is no currency of ISO 4217")
    return code.upper()
