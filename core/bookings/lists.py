"""The lists that an organisation maintains: their entries are added, renamed and switched off, and
never deleted, since events and payments refer to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings.closer_reassignment import change_closer, claim_hosted
from core.bookings.models import CallType, Closer, ListEntry, Package, Setter
from core.bookings.roster import create_closer, create_setter, words_of
from core.bookings.setter_reassignment import change_setter, rematch_setters
from core.people.models import Source, TrafficType
from core.platform.advisory_locks import lock_books
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.money import check_currency, typed_amount
from core.platform.normalization import fold


@dataclass(frozen=True)
class EditableList:
    """One list: its name, what one entry is called, its fields, and how an entry is saved."""

    key: str
    title: str
    one: str
    table: type[Any]
    fields: tuple[str, ...]
    explanation: str
    kind: str | None = None


LISTS: tuple[EditableList, ...] = (
    EditableList(
        "closers",
        "Closers",
        "closer",
        Closer,
        ("name", "email", "user"),
        "They take bookings. A booking's host is matched by the platform's user, then by e-mail.",
    ),
    EditableList(
        "setters",
        "Setters",
        "setter",
        Setter,
        ("name", "email", "aliases", "user"),
        "They set bookings. A booking names its setter by name, alias or e-mail.",
    ),
    EditableList(
        "sources",
        "Sources",
        "source",
        Source,
        ("name", "utm_values"),
        "Where leads come from. Bookings from now on are matched by name or UTM value: campaign,"
        " source, then medium.",
    ),
    EditableList(
        "traffic_types",
        "Traffic types",
        "traffic type",
        TrafficType,
        ("name", "utm_values"),
        "How leads come. Bookings from now on are matched by name or UTM value: medium, then"
        " source.",
    ),
    EditableList(
        "call_types",
        "Kinds of booking",
        "kind of booking",
        CallType,
        ("name",),
        "One for each kind of booking; a kind that is new to us is added when the first booking"
        " arrives.",
    ),
    EditableList(
        "packages",
        "Packages",
        "package",
        Package,
        ("name", "price"),
        "What is sold, with its list price.",
    ),
    EditableList(
        "objections",
        "Objections",
        "objection",
        ListEntry,
        ("name", "position"),
        "What closers choose from when an offer was not taken.",
        "objection",
    ),
    EditableList(
        "no_sale_reasons",
        "Reasons for no sale",
        "reason",
        ListEntry,
        ("name", "position"),
        "What closers choose from when nothing was sold.",
        "no_sale_reason",
    ),
    EditableList(
        "no_show_reasons",
        "Reasons for no-shows",
        "reason",
        ListEntry,
        ("name", "position"),
        "What closers choose from when nobody came.",
        "no_show_reason",
    ),
    EditableList(
        "call_outcomes",
        "Call outcomes",
        "outcome",
        ListEntry,
        ("name", "position"),
        "How a booking went.",
        "call_outcome",
    ),
    EditableList(
        "opportunity_statuses",
        "Opportunity statuses",
        "status",
        ListEntry,
        ("name", "position"),
        "How an opportunity stands after the meeting.",
        "opportunity_status",
    ),
)
BY_KEY = {editable.key: editable for editable in LISTS}


def entries(db: Session, editable: EditableList) -> list[Any]:
    """Every entry of the list, also those that are switched off; those in use first, in the order
    that forms show.
    """
    table = editable.table
    query = select(table).order_by(
        table.active.desc(), *([table.position] if editable.kind else []), func.lower(table.name)
    )
    return list(db.scalars(query.where(table.kind == editable.kind) if editable.kind else query))


def save_entry(
    db: Session, editable: EditableList, entry_id: UUID | None, values: Mapping[str, Any]
) -> int:
    """Add an entry (``entry_id`` None) or change one; returns how many earlier events changed
    hands, 0 for lists without people. ``values`` has the list's fields, and ``active``.

    Raises:
        InvalidInput: no name, or an invalid value.
        Conflict: the list has an entry of this name.
        NotFound: no such entry.
    """
    lock_books(db)
    if editable.table in (Closer, Setter):
        return _save_rep(db, editable, entry_id, values)
    name = str(values.get("name") or "").strip()
    if not fold(name):
        raise InvalidInput("A name is needed.", field="name")
    known = entries(db, editable)
    if any(fold(entry.name) == fold(name) and entry.id != entry_id for entry in known):
        raise Conflict(f"The list has “{name}” already.")
    row = next((entry for entry in known if entry.id == entry_id), None)
    if row is None:
        row = _new(db, editable, entry_id)
    row.name, row.active = name, values.get("active", True)
    _fill(row, editable, values)
    db.add(row)
    db.flush()
    return 0


def _new(db: Session, editable: EditableList, entry_id: UUID | None) -> Any:
    if entry_id is not None:
        raise NotFound(f"There is no such {editable.one}.")
    return editable.table(
        organization_id=organization_id_of(db),
        id=uuid4(),
        **({"kind": editable.kind} if editable.kind else {}),
    )


def _fill(row: Any, editable: EditableList, values: Mapping[str, Any]) -> None:
    if "utm_values" in editable.fields:
        row.utm_values = [word.strip() for word in values.get("utm_values", ()) if word.strip()]
    if "position" in editable.fields:
        row.position = values.get("position") or 0
    if "price" in editable.fields:
        currency = check_currency(values["currency"])
        asked = str(values.get("price") or "").strip()
        row.price, row.currency = (
            (typed_amount(asked, currency, field="price"), currency) if asked else (None, None)
        )


def _save_rep(
    db: Session, editable: EditableList, entry_id: UUID | None, values: Mapping[str, Any]
) -> int:
    name, email = str(values.get("name") or ""), str(values.get("email") or "").strip() or None
    user_id, active, claimed = values.get("user"), values.get("active", True), 0
    if entry_id is None:
        entry_id, claimed = _add_rep(db, editable, name, email)
    if editable.table is Closer:
        return claimed + change_closer(
            db, entry_id, name=name, email=email, user_id=user_id, active=active
        )
    aliases = list(values.get("aliases", ()))
    return claimed + change_setter(
        db, entry_id, name=name, email=email, aliases=aliases, user_id=user_id, active=active
    )


def _add_rep(db: Session, editable: EditableList, name: str, email: str | None) -> tuple[UUID, int]:
    if editable.table is Closer:
        closer = create_closer(db, name, email)
        return closer.id, claim_hosted(db, closer)
    setter = create_setter(db, name, email)
    return setter.id, rematch_setters(db, words_of(setter))
