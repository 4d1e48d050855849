"""The pauses that providers ask for, each in its own way: ``Retry-After`` and its relatives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from core.platform.clock import now

LONGEST_S = 3600.0
UNASKED_S = 1.0
SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
CLOSES_RESET = re.compile(r"reset=(\d{1,6})")
LATEST_WAIT_AS_SECONDS = 1_000_000_000  # a larger reset is an instant, not a wait


def pause_s(headers: Mapping[str, str]) -> float:
    """How long to leave a provider alone that asks for a pause: as long as it says, within
    reason.
    """
    asked = retry_after_s_or_none(headers)
    return UNASKED_S if asked is None else min(asked, LONGEST_S)


def retry_after_s_or_none(headers: Mapping[str, str]) -> float | None:
    """The pause that a provider asks for, in seconds; None when it names none.

    ``Retry-After`` is seconds or a date. Calendly puts seconds into ``X-RateLimit-Reset``, Whop the
    instant; Close says ``RateLimit: limit=100, remaining=0, reset=5``.
    """
    after = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(after):
        return float(after)
    if after and (until := _instant(after)) is not None:
        return until
    reset = headers.get("x-ratelimit-reset", "").strip()
    if SECONDS.fullmatch(reset):
        seconds = float(reset)
        return (
            seconds if seconds < LATEST_WAIT_AS_SECONDS else max(0.0, seconds - now().timestamp())
        )
    found = CLOSES_RESET.search(headers.get("ratelimit", ""))
    return float(found[1]) if found else None


def _instant(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds())
