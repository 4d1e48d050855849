"""The one timeline of contacts, leads, events and payments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.clock import now

ADD = text("""
    insert into app.activities (organization_id, at, type, subject_type, subject_id, summary,
      contact_id, actor_user_id, detail, dedupe_key)
    select app.cur_org(), l.at, l.type, l.subject_type, l.subject_id, l.summary,
           l.contact_id, l.actor_user_id, l.detail, l.dedupe_key
      from jsonb_to_recordset(cast(:lines as jsonb)) as l (at timestamptz, type text,
        subject_type text, subject_id uuid, summary text, contact_id uuid, actor_user_id uuid,
        detail jsonb, dedupe_key text)
    on conflict (organization_id, dedupe_key) do nothing
""")


@dataclass(frozen=True)
class Line:
    """One line about a subject; without ``at`` it is about now."""

    type: str
    subject_type: str
    subject_id: UUID
    summary: str
    at: datetime | None = None
    contact_id: UUID | None = None
    actor_user_id: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None


def note(
    db: Session, type_: str, subject_type: str, subject_id: UUID, summary: str, **more: Any
) -> None:
    """Add one line, see ``Line`` and ``add_lines``."""
    add_lines(db, [Line(type_, subject_type, subject_id, summary, **more)])


def add_lines(db: Session, lines: Iterable[Line]) -> None:
    """Add lines. Of those with the same ``dedupe_key`` only the first is added, so a repeated
    delivery adds nothing.
    """
    written = [vars(line) | {"at": line.at or now(), "detail": dict(line.detail)} for line in lines]
    if written:
        db.execute(ADD, {"lines": json.dumps(written, default=str)})
