"""The lists that an organisation maintains: their entries are added, renamed and switched off, and
never deleted, since events and payments refer to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings.closer_reassignment import change_closer, claim_hosted
from core.bookings.models import CallType, Closer, ListEntry, Package, Setter
from core.bookings.roster import NAME_MISSING, create_closer, create_setter, words_of
from core.bookings.setter_reassignment import change_setter, rematch_setters
from core.people.models import Source, TrafficType
from core.platform.advisory_locks import lock_books
from core.platform.database import organization_id_of
from core.platform.edits import merged
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.money import check_currency, parse_amount
from core.platform.names import check_name, check_names
from core.platform.normalization import fold


class NameTaken(Conflict):
    """The list has an entry of this name already."""

    field = "name"


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
        ("name", "email", "user_id"),
        "They take bookings. A booking's host is matched by the platform's user, then by e-mail.",
    ),
    EditableList(
        "setters",
        "Setters",
        "setter",
        Setter,
        ("name", "email", "aliases", "user_id"),
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
    db: Session,
    editable: EditableList,
    entry_id: UUID | None,
    values: Mapping[str, Any],
    read: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry (``entry_id`` None) or change one; returns how many earlier events changed
    hands, 0 for lists without people. ``values`` has the list's fields, and ``active``; ``read`` is
    what they replace (``values_of``), None for whatever is there.

    With ``is_namesake`` False a closer who is called like another one is refused; they may be two
    people, and only whoever adds one knows.

    Raises:
        InvalidInput: no name, or an invalid value.
        NameTaken: the list has an entry of this name.
        NotFound: no such entry.
        Changed: somebody else has changed one of the values since they were read.
    """
    lock_books(db)
    known = entries(db, editable)
    row = next((entry for entry in known if entry.id == entry_id), None)
    if row is None and entry_id is not None:
        raise NotFound(f"There is no such {editable.one}.")
    wanted = _checked(editable, values)
    if row is not None:
        wanted = merged(values_of(editable, row), wanted, read)
    _refuse_taken_name(editable, known, row, wanted["name"], values.get("is_namesake"))
    if editable.table in (Closer, Setter):
        return _save_rep(db, editable, entry_id, wanted)
    row = row or _new(db, editable)
    for field, value in wanted.items():
        setattr(row, field, value)
    db.add(row)
    db.flush()
    return 0


def values_of(editable: EditableList, entry: Any) -> dict[str, Any]:
    """What an entry has by now, by the fields of its list."""
    priced = ["currency"] if "price" in editable.fields else []
    return {field: getattr(entry, field) for field in (*editable.fields, "active", *priced)}


def _refuse_taken_name(
    editable: EditableList,
    known: Sequence[Any],
    row: Any | None,
    name: str,
    is_namesake: bool | None,
) -> None:
    taken = any(fold(entry.name) == fold(name) and entry is not row for entry in known)
    if not taken or editable.table is Setter:  # whose other names are looked at too
        return
    if editable.table is not Closer:
        raise NameTaken(f"The list has “{name}” already.")
    if is_namesake is False and (row is None or fold(row.name) != fold(name)):
        raise NameTaken(
            f"There is a closer “{name}” already. If this is somebody else, add what tells them"
            " apart, or say below that they are two people."
        )


def _new(db: Session, editable: EditableList) -> Any:
    return editable.table(
        organization_id=organization_id_of(db),
        id=uuid4(),
        **({"kind": editable.kind} if editable.kind else {}),
    )


def _checked(editable: EditableList, values: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry is to have, by the fields of its list. Raises InvalidInput."""
    name = check_name(str(values.get("name") or ""), NAME_MISSING)
    if not fold(name):
        raise InvalidInput(NAME_MISSING, field="name")
    wanted: dict[str, Any] = {"name": name, "active": values.get("active", True)}
    if "email" in editable.fields:
        wanted["email"] = str(values.get("email") or "").strip() or None
    for field in ("aliases", "utm_values"):
        if field in editable.fields:
            wanted[field] = check_names(values.get(field) or (), field=field)
    if "position" in editable.fields:
        wanted["position"] = values.get("position") or 0
    if "price" in editable.fields:
        wanted |= _price(values.get("price"), values["currency"])
    if "user_id" in editable.fields:
        wanted["user_id"] = values.get("user_id")
    return wanted


def _price(asked: Any, currency: str) -> dict[str, Any]:
    if asked in (None, ""):
        return {"price": None, "currency": None}
    code = check_currency(currency)
    return {"price": parse_amount(asked, code, field="price"), "currency": code}


def _save_rep(
    db: Session, editable: EditableList, entry_id: UUID | None, wanted: dict[str, Any]
) -> int:
    claimed = 0
    if entry_id is None:
        entry_id, claimed = _add_rep(db, editable, wanted["name"], wanted["email"])
    change = change_closer if editable.table is Closer else change_setter
    return claimed + change(db, entry_id, **wanted)


def _add_rep(db: Session, editable: EditableList, name: str, email: str | None) -> tuple[UUID, int]:
    if editable.table is Closer:
        closer = create_closer(db, name, email)
        return closer.id, claim_hosted(db, closer)
    setter = create_setter(db, name, email)
    return setter.id, rematch_setters(db, words_of(setter))
