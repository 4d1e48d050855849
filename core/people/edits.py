"""Who may change a person's records, and what they read when they may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ProgrammingError

from core.platform.database import INSUFFICIENT_PRIVILEGE
from core.platform.errors import NotAllowed
from core.tenancy.access.roles import REPS
from core.tenancy.access.viewers import Viewer


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
