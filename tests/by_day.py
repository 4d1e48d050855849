"""Which of many screens a sweep over all of them tries in each run; at night it tries all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pytest

# One of each kind: a home, charts, tables, a form, one row, settings, somebody else's data, public
# ones.
SCREENS_BY_DAY = {
    "home",
    "dashboard",
    "my-day",
    "events",
    "event",
    "form",
    "payment",
    "payouts",
    "audit",
    "team",
    "portal",
    "shared",
    "invitation",
    "organizations",
}


def some(screens: Iterable[str]) -> list[Any]:
    """Screens as parameters: those that are not ``SCREENS_BY_DAY`` are marked nightly."""
    return first([*screens], SCREENS_BY_DAY)


def first(values: Sequence[Any], by_day: Collection[Any]) -> list[Any]:
    """Values as parameters: those that are not tried ``by_day`` are marked nightly."""
    return [
        pytest.param(each, marks=() if each in by_day else pytest.mark.nightly) for each in values
    ]
