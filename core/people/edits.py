"""Edits of a record that several people may change at once: each says what it was begun over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy.exc import ProgrammingError

from core.platform.database import INSUFFICIENT_PRIVILEGE
from core.platform.errors import Conflict, NotAllowed
from core.tenancy.access.roles import REPS
from core.tenancy.access.viewers import Viewer

Details = TypeVar("Details")


class ChangedMeanwhile(Conflict):
    """Somebody else has changed the same fields since the record was read; ``fields`` are their
    names. Nothing was saved.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.fields = tuple(names)
        listed = ", ".join(names.values())
        super().__init__(
            f"Somebody else has changed this meanwhile: {listed}. Nothing was saved; what you typed"
            " is still here. Save again to replace it."
        )


def edited(
    before: Details, after: Details, current: Details, labels: Mapping[str, str]
) -> dict[str, Any]:
    """The fields that differ between ``before``, as it was read, and ``after``, with their new
    values. What somebody else has changed beside them stays as it is.

    Raises ChangedMeanwhile where the ``current`` value of one of them is neither.
    """
    names = [each.name for each in fields(before)]  # type: ignore[arg-type]
    changed = {
        name: getattr(after, name)
        for name in names
        if getattr(after, name) != getattr(before, name)
    }
    taken = [
        name
        for name, value in changed.items()
        if getattr(current, name) not in (getattr(before, name), value)
    ]
    if taken:
        raise ChangedMeanwhile({name: labels[name] for name in taken})
    return changed


def require_editor(by: Viewer) -> None:
    """Raises NotAllowed for who changes no records."""
    if not by.is_one_of(*REPS):
        raise NotAllowed("Your role reads records and changes none.")


@contextmanager
def own_records_only() -> Iterator[None]:
    """Turns the database's refusal of somebody else's record into a sentence."""
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise NotAllowed("This belongs to somebody else; a manager can change it.") from error
        raise
