"""The newest known state of each provider object, whatever the order in which deliveries arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Select, Text, case, cast, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
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


def remember(
    db: Session,
    connection: WebhookConnection,
    kind: str,
    external_id: str,
    version: str,
    data: dict[str, Any],
    *,
    group_key: str | None = None,
) -> None:
    """Store ``data``, see ``only``, as the state of one object unless a newer one is known.

    An object is known by its provider and its id, whatever connection it came over. ``version``
    orders the states of one object as text. Of two states with one version the one whose text sorts
    last stays, so that the outcome does not depend on which came first. ``group_key`` names what
    the object belongs to.
    """
    new = insert(ProviderObject).values(
        organization_id=connection.organization_id,
        provider=connection.provider,
        kind=kind,
        external_id=external_id,
        version=version,
        data=data,
        group_key=group_key,
        arrived_at=arrived_at(db),
    )
    then, before = new.excluded, ProviderObject
    newer = tuple_(then.version.collate("C"), cast(then.data, Text)) > tuple_(
        before.version.collate("C"), cast(before.data, Text)
    )
    known = new.on_conflict_do_update(
        index_elements=["organization_id", "provider", "kind", "external_id"],
        set_={
            "version": case((newer, then.version), else_=before.version),
            "data": case((newer, then.data), else_=before.data),
            "group_key": func.coalesce(then.group_key, before.group_key),
            "arrived_at": func.least(then.arrived_at, before.arrived_at),
        },
        where=or_(newer, then.arrived_at < before.arrived_at, before.group_key.is_(None)),
    )
    db.execute(known)


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
    here = tuple_(ProviderLink.kind, ProviderLink.external_id)
    there = tuple_(ProviderLink.target_kind, ProviderLink.target_id)
    known, mine = sorted(names), ProviderLink.provider == provider
    referring = select(ProviderLink.kind, ProviderLink.external_id).where(
        mine, there.in_(known), ProviderLink.kind.in_(kinds)
    )
    referred = select(ProviderLink.target_kind, ProviderLink.target_id).where(
        mine, here.in_(known), ProviderLink.target_kind.in_(kinds)
    )
    return {(kind, external_id) for kind, external_id in db.execute(referring.union(referred))}
