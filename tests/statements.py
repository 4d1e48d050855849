"""The statements that a test sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from core.platform.database import APP_ROLE, engine


@contextmanager
def statements(role: str = APP_ROLE) -> Iterator[list[str]]:
    """Every statement of the role, or else of the people's, in order, while the block runs."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine(role), "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine(role), "before_cursor_execute", note)
