"""The versions of a booking's form: who filed, corrected or withdrew it, when, and what changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings.form_answers import QUESTIONS
from core.bookings.questions import Kind
from core.tenancy.access.audit import actor, people

VERBS = {"insert": "Filed", "update": "Corrected", "delete": "Withdrawn"}
# How an answer is read back from the audit log's JSON.
READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.ENTRY: UUID,
    Kind.AMOUNT: lambda value: Decimal(str(value)),
    Kind.DAY: date.fromisoformat,
}


@dataclass(frozen=True)
class FormVersion:
    """One version of the form, or its withdrawal, with all answers ``before`` and ``after`` it;
    ``who`` is None where no person did it.
    """

    at: datetime
    who: str | None
    verb: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def form_history(db: Session, event_id: UUID) -> list[FormVersion]:
    """Every version of the event's form, also of one that was withdrawn, oldest first; none for
    whoever may not see the event, nor for viewers.
    """
    columns = ("at", "actor_user_id", "actor_role", "operation", "changes")
    history = func.app.form_history(event_id).table_valued(*columns, name="history")
    names = {str(user_id): name for user_id, name in people(db, everywhere=False).items()}
    versions: list[FormVersion] = []
    answers: dict[str, Any] = {}
    for line in db.execute(select(*(history.c[name] for name in columns))):
        changed = _answers(line.changes)
        if not changed:  # of nothing that was asked, as when a follow-up was done
            continue
        is_gone = line.operation == "delete"
        before, answers = answers, {} if is_gone else answers | changed
        who = None if line.actor_role == "system" else actor(line, names)
        versions.append(FormVersion(line.at, who, VERBS[line.operation], before, answers))
    return versions


def _answers(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The new answers in a line of the audit log, by question."""
    return {
        each.key: _read(each.kind, changes[each.key][1])
        for each in QUESTIONS
        if isinstance(changes.get(each.key), list)
    }


def _read(kind: Kind, value: Any) -> Any:
    """The answer in its type; what an erasure has put in its place stays as it is."""
    try:
        return value if value is None or kind not in READ else READ[kind](value)
    except (ValueError, ArithmeticError):
        return value
