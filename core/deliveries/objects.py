"""The newest known state of each provider object, whatever the order in which deliveries arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, Text, case, cast, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from core.deliveries.models import ProviderLink, ProviderObject, WebhookConnection
from core.deliveries.reading import arrived_at

# By name what to take over: None for all of it, else the same for what is inside.
Kept = Mapping[str, Any]
Name = tuple[str, str]  # an object's kind and its id


def only(data: Any, kept: Kept) -> Any:
    """Only those parts of ``data`` from which our rows are computed, so that no more is stored
    about a person than the rows show.

    In a list it applies to each element. A reference may be an id or the whole object; an id is
    taken over as it is.
    """
    if isinstance(data, list):
        return [only(each, kept) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        name: value if kept[name] is None else only(value, kept[name])
        for name, value in data.items()
        if name in kept
    }


@dataclass(frozen=True)
class State:
    """One state of one object. ``version`` orders the states of one object as text. ``data`` is
    what is known of it, see ``only``. ``group_key`` names what the object belongs to.
    """

    kind: str
    external_id: str
    version: str
    data: Mapping[str, Any]
    group_key: str | None = None


def _remembering(table: Table) -> Insert:
    new = insert(table)
    then, before = new.excluded, table.c
    newer = tuple_(then.version.collate("C"), cast(then.data, Text)) > tuple_(
        before.version.collate("C"), cast(before.data, Text)
    )
    return new.on_conflict_do_update(
        index_elements=["organization_id", "provider", "kind", "external_id"],
        set_={
            "version": case((newer, then.version), else_=before.version),
            "data": case((newer, then.data), else_=before.data),
            "group_key": func.coalesce(then.group_key, before.group_key),
            "arrived_at": func.least(then.arrived_at, before.arrived_at),
        },
        where=or_(newer, then.arrived_at < before.arrived_at, before.group_key.is_(None)),
    )


# Every delivery needs these several times, and to build them takes longer than to run them.
REMEMBER = _remembering(ProviderObject.metadata.tables["app.provider_objects"])
LINKED = text("""
    with named as (select * from unnest(cast(:kinds as text[]), cast(:ids as text[])) n (kind, id))
    select l.kind, l.external_id from app.provider_links l
      join named n on l.target_kind = n.kind and l.target_id = n.id
     where l.provider = :provider and l.kind = any(cast(:wanted as text[]))
    union
    select l.target_kind, l.target_id from app.provider_links l
      join named n on l.kind = n.kind and l.external_id = n.id
     where l.provider = :provider and l.target_kind = any(cast(:wanted as text[]))
""")


def remember(db: Session, connection: WebhookConnection, *states: State) -> None:
    """Store each as the state of its object unless a newer one is known.

    An object is known by its provider and its id, whatever connection it came over. Of two states
    with one version the one whose text sorts last stays, so that the outcome does not depend on
    which came first.
    """
    arrived = {
        "organization_id": connection.organization_id,
        "provider": connection.provider,
        "arrived_at": arrived_at(db),
    }
    if states:
        db.execute(REMEMBER, [arrived | vars(state) for state in states])


def objects_of(
    db: Session, provider: str, *group_keys: str, kinds: Collection[str] | None = None
) -> list[ProviderObject]:
    """Every known object of these groups, or those of ``kinds``, in a fixed order."""
    known = select(ProviderObject).where(
        ProviderObject.provider == provider, ProviderObject.group_key.in_(group_keys)
    )
    return _in_order(db, known if kinds is None else known.where(ProviderObject.kind.in_(kinds)))


def objects_named(db: Session, provider: str, names: Collection[Name]) -> list[ProviderObject]:
    """The known ones of these objects, in a fixed order."""
    known = select(ProviderObject).where(
        ProviderObject.provider == provider,
        tuple_(ProviderObject.kind, ProviderObject.external_id).in_(sorted(names)),
    )
    return _in_order(db, known)


def _in_order(db: Session, known: Select[ProviderObject]) -> list[ProviderObject]:
    ordered = known.order_by(ProviderObject.kind, ProviderObject.external_id)
    return list(db.scalars(ordered, execution_options={"populate_existing": True}))


def link(db: Session, connection: WebhookConnection, name: Name, targets: Iterable[Name]) -> None:
    """Note which other objects an object refers to. What was once linked stays so, since newer
    generations of an API leave out references that older ones had.
    """
    rows = [
        {
            "organization_id": connection.organization_id,
            "provider": connection.provider,
            "kind": name[0],
            "external_id": name[1],
            "target_kind": target[0],
            "target_id": target[1],
        }
        for target in sorted(set(targets))
    ]
    if rows:
        db.execute(insert(ProviderLink).values(rows).on_conflict_do_nothing())


def linked(
    db: Session, provider: str, names: Collection[Name], kinds: Collection[str]
) -> set[Name]:
    """The objects of ``kinds`` that refer to one of ``names``, or that one of them refers to."""
    known = sorted(names)
    asked = {
        "provider": provider,
        "kinds": [kind for kind, _ in known],
        "ids": [external_id for _, external_id in known],
        "wanted": sorted(kinds),
    }
    return {(kind, external_id) for kind, external_id in db.execute(LINKED, asked)}
