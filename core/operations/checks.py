"""One line of the self-check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a line of the self-check stands."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it stands, what was seen, how to mend it, and the screen on
    which that is done.
    """

    name: str
    state: State
    seen: str
    fix: str = ""
    organization: str | None = None
    screen: str | None = None
