"""Writing many new rows of one table in a statement of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, inspect
from sqlalchemy.orm import Session, make_transient_to_detached

from core.platform.schema import Base, Timestamps


def insert_first(db: Session, rows: Sequence[Base]) -> None:
    """Insert new rows of one table, which have their keys and all say the same columns, before what
    the session has yet to write: that may refer to them. From then on they are the session's like
    rows that it has read.
    """
    if not rows:
        return
    values = [dict(inspect(row).dict) for row in rows]
    model = type(rows[0])
    # Each is younger than the one before it, though they are of one transaction.
    aged = {"created_at": func.clock_timestamp()} if issubclass(model, Timestamps) else {}
    db.connection().execute(insert(model).values(aged) if aged else insert(model), values)
    for row in rows:
        make_transient_to_detached(row)
    db.add_all(rows)
