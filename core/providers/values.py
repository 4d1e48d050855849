"""Values in providers' payloads, whichever of the documented shapes they come in. What is missing
or has another shape is None.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

MILLISECONDS_FROM = 10**11  # as seconds that would be the year 5138
YEARS = range(1990, 2200)


def mapping(value: Any) -> dict[str, Any]:
    """The object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def word(value: Any) -> str | None:
    """A text without the blanks around it; a number is its digits, an empty text is None."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


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
