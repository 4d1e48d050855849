"""The lines of the self-check."""

from __future__ import annotations

from core.operations.checks import State
from core.operations.doctor import examine


def lines(name: str, slug: str | None = None) -> list[State]:
    return [check.state for check in examine() if check.name == name and check.organization == slug]
