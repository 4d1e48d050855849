"""Designs of the post-call form as they are stored: the one that is being worked on, and the
versions that were published. A filed form names the version that it was filed with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.bookings.design import (
    CUSTOM,
    NEEDED,
    STANDARD,
    STANDARD_QUESTIONS,
    FormDesign,
    Item,
    Option,
    check_design,
    checked_item,
)
from core.bookings.models import FormConfig
from core.people.custom_fields import definitions, options_by_field
from core.people.models import CustomFieldDefinition, CustomFieldOption, FieldKind, FieldSubject
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.edits import Changed, merged
from core.platform.errors import InvalidInput, NotFound
from core.platform.normalization import fold
from core.tenancy.access.viewers import Viewer

POST_CALL = "post_call"
LONGEST_KEY = 40
Values = Mapping[str, Any]


def current_design(db: Session) -> FormDesign:
    """The design by which forms are filled in: the one that was published last, else the product's
    own.
    """
    latest = select(FormConfig).where(FormConfig.form_type == POST_CALL, FormConfig.version > 0)
    row = db.scalars(latest.order_by(FormConfig.version.desc()).limit(1)).first()
    return FormDesign.of_json(row.layout, row.version) if row else STANDARD


def design_of(db: Session, version: int | None) -> FormDesign:
    """The design of this version; None is the product's own."""
    of_it = select(FormConfig).where(
        FormConfig.form_type == POST_CALL, FormConfig.version == version
    )
    row = db.scalars(of_it).first() if version else None
    return FormDesign.of_json(row.layout, row.version) if row else STANDARD


def design_in_work(db: Session) -> FormDesign:
    """The design that is being worked on; without one that of the forms."""
    row = _work(db)
    return FormDesign.of_json(row.layout) if row else replace(current_design(db), version=None)


def _work(db: Session) -> FormConfig | None:
    of_it = select(FormConfig).where(
        FormConfig.form_type == POST_CALL, FormConfig.version.is_(None)
    )
    return db.scalars(of_it.execution_options(populate_existing=True)).first()


def _to_work_on(db: Session) -> FormDesign:
    """The design in work, that nobody else changes until the transaction ends."""
    lock_books(db)
    return design_in_work(db)


def _keep(db: Session, design: FormDesign) -> None:
    check_design(design)
    row = _work(db) or FormConfig(organization_id=organization_id_of(db), form_type=POST_CALL)
    row.layout = design.to_json()
    db.add(row)
    db.flush()


def values_of(item: Item) -> dict[str, Any]:
    """What of a question is edited, by field."""
    return {
        "label": item.label,
        "help": item.help,
        "required": item.required,
        "options": [each.name for each in item.options],
        "when": item.when,
    }


def change_item(db: Session, key: str, values: Values, read: Values | None = None) -> None:
    """Change a question of the design in work. ``read`` is what ``values`` replace (``values_of``).
    An option is known by its name: one that is written otherwise is a new one.

    Raises:
        NotFound: the design has no such question by now.
        InvalidInput: a value is wrong; ``field`` names it.
        Changed: somebody else has changed one of the values since they were read.
    """
    design = _to_work_on(db)
    item = _item(design, key)
    wanted = merged(values_of(item), values, read)
    changed = checked_item(_with(item, wanted, _once_offered(db, item)))
    _keep(db, _replaced(design, changed))


def _with(item: Item, wanted: Values, offered: Mapping[str, str]) -> Item:
    options = tuple(
        Option(offered.get(fold(name)) or str(uuid4()), name)
        for name in wanted["options"]
        if name.strip()
    )
    return replace(item, **{**wanted, "options": options})


def _once_offered(db: Session, item: Item) -> dict[str, str]:
    """The ids of the options that the question has or had, by name."""
    if item.id is None:
        return {}
    known = options_by_field(db, [UUID(item.id)]).get(UUID(item.id), [])
    past = {fold(each.name): str(each.id) for each in known}
    return past | {fold(each.name): each.id for each in item.options}


def add_item(db: Session, kind: FieldKind, values: Values) -> str:
    """Add a question of the organisation's own to the end of the design in work; returns its key.
    Raises InvalidInput.
    """
    design = _to_work_on(db)
    label = str(values.get("label") or "")
    blank = Item("", id=str(uuid4()), kind=kind)
    item = checked_item(_with(blank, {**values_of(blank), **values}, {}))
    named = replace(item, key=CUSTOM + _free_key(db, design, label))
    _keep(db, FormDesign((*design.items, named)))
    return named.key


def _free_key(db: Session, design: FormDesign, label: str) -> str:
    """A name for programs that no question of the forms has had."""
    words = re.sub(r"[^a-z0-9]+", "_", fold(label)).strip("_")[:LONGEST_KEY] or "question"
    taken = {each.key for each in definitions(db, FieldSubject.FORM)}
    taken |= {key.removeprefix(CUSTOM) for key in design.by_key}
    number = 2
    key = words
    while key in taken:
        key, number = f"{words}_{number}", number + 1
    return key


def leave_out(db: Session, key: str) -> None:
    """Take a question off the design in work. What was answered stays. Raises InvalidInput for one
    that figures need, or that decides whether another is shown; NotFound.
    """
    design = _to_work_on(db)
    gone = _item(design, key)
    if key in NEEDED:
        raise InvalidInput(f"“{gone.title}” stays on the form: figures are counted from it.")
    for each in design.items:
        if each.when and each.when.key == key:
            raise InvalidInput(f"“{each.title}” is shown by its answer; change that first.")
    _keep(db, FormDesign(tuple(each for each in design.items if each.key != key)))


def left_out(db: Session) -> dict[str, str]:
    """The questions that could be put back on the design in work, by key with their labels:
    standard ones, and the organisation's own that were published once.
    """
    design = design_in_work(db)
    standard = {key: each.label for key, each in STANDARD_QUESTIONS.items()}
    own = {CUSTOM + each.key: each.label for each in definitions(db, FieldSubject.FORM)}
    return {key: label for key, label in (standard | own).items() if key not in design.by_key}


def put_back(db: Session, key: str) -> None:
    """Put a question that was left out at the end of the design in work, with the options that it
    had last. Raises NotFound.
    """
    design = _to_work_on(db)
    if key not in left_out(db):
        raise NotFound("There is no such question to put back.")
    item = Item(key) if key in STANDARD_QUESTIONS else _defined(db, key)
    _keep(db, FormDesign((*design.items, item)))


def _defined(db: Session, key: str) -> Item:
    known = {CUSTOM + each.key: each for each in definitions(db, FieldSubject.FORM)}[key]
    options = options_by_field(db, [known.id]).get(known.id, [])
    return Item(
        key,
        label=known.label,
        help=known.help or "",
        id=str(known.id),
        kind=known.kind,
        options=tuple(Option(str(each.id), each.name) for each in options if each.active),
    )


def move_item(db: Session, key: str, by: int) -> None:
    """Move a question of the design in work up (-1) or down (1). Raises InvalidInput where its
    place is not free to choose; NotFound.
    """
    design = _to_work_on(db)
    items = list(design.items)
    place = items.index(_item(design, key))
    there = place + by
    if not 0 <= there < len(items):
        raise InvalidInput("It is at the end already.")
    items[place], items[there] = items[there], items[place]
    _keep(db, FormDesign(tuple(items)))


def discard_work(db: Session) -> None:
    """Begin the design in work anew, from that of the forms."""
    lock_books(db)
    _keep(db, current_design(db))


def publish(db: Session, read: FormDesign, by: Viewer) -> int:
    """Make the design in work, as it was ``read``, that of the forms; returns its version. Forms
    that are filed already keep theirs, and all their answers.

    Raises:
        Changed: somebody else has changed the design since it was read.
    """
    design = _to_work_on(db)
    if design.items != read.items:
        raise Changed({"design": ", ".join(each.title for each in design.items)})
    known = db.scalar(select(func.max(FormConfig.version)).where(FormConfig.form_type == POST_CALL))
    version = (known or 0) + 1
    db.add(
        FormConfig(
            organization_id=organization_id_of(db),
            form_type=POST_CALL,
            version=version,
            layout=design.to_json(),
            published_at=now(),
            published_by=by.user_id,
        )
    )
    _define(db, design)
    return version


def _define(db: Session, design: FormDesign) -> None:
    """Make the fields those of the design; what is no longer asked is no longer in use."""
    org, known = organization_id_of(db), {each.id: each for each in definitions(db, "form")}
    options = options_by_field(db, list(known))
    for each in known.values():
        each.active = False
    for place, item in enumerate(design.custom):
        definition = known.get(UUID(item.id)) or CustomFieldDefinition(
            organization_id=org,
            id=UUID(item.id),
            subject=FieldSubject.FORM,
            key=item.key.removeprefix(CUSTOM),
            kind=item.kind,
        )
        definition.label, definition.help = item.label, item.help or None
        definition.position, definition.active = place, True
        db.add(definition)
        db.flush()
        _offer(db, definition.id, item, options.get(definition.id, []))
    db.flush()


def _offer(db: Session, definition_id: UUID, item: Item, known: list[CustomFieldOption]) -> None:
    by_id = {each.id: each for each in known}
    for each in known:
        each.active = False
    for place, option in enumerate(item.options):
        row = by_id.get(UUID(option.id)) or CustomFieldOption(
            organization_id=organization_id_of(db), id=UUID(option.id), definition_id=definition_id
        )
        row.name, row.position, row.active = option.name, place, True
        db.add(row)


def _item(design: FormDesign, key: str) -> Item:
    if key not in design.by_key:
        raise NotFound("The form has no such question by now.")
    return design.by_key[key]


def _replaced(design: FormDesign, item: Item) -> FormDesign:
    return FormDesign(tuple(item if each.key == item.key else each for each in design.items))
