"""The result of one check of the self-check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The result in one word."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Check:
    """One line of the self-check: what was checked, the result, what was found, how to fix it, and
    the screen on which that is done, in one of its views where it has several.
    """

    name: str
    state: State
    seen: str
    fix: str = ""
    organization: str | None = None
    screen: str | None = None
    view: str | None = None
