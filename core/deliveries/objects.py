"""The newest known state of each provider object, whatever the order in which deliveries arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import ProviderObject, WebhookConnection

# By name what to take over: None for all of it, else the same for what is inside.
Kept = Mapping[str, Any]


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
) -> bool:
    """Store ``data`` (see ``only``) as the state of one object, unless a newer state is known.
    Returns False when it was older.

    ``version`` orders the states of one object as text. Of two states with the same version, the
    one whose text sorts last stays, so that the result does not depend on which came first.
    ``group_key`` names what the object belongs to.
    """
    new = insert(ProviderObject).values(
        organization_id=connection.organization_id,
        connection_id=connection.id,
        kind=kind,
        external_id=external_id,
        version=version,
        data=data,
        group_key=group_key,
    )
    newer = new.on_conflict_do_update(
        index_elements=["organization_id", "connection_id", "kind", "external_id"],
        set_={
            "version": new.excluded.version,
            "data": new.excluded.data,
            "group_key": new.excluded.group_key,
        },
        where=tuple_(new.excluded.version, cast(new.excluded.data, Text))
        > tuple_(ProviderObject.version, cast(ProviderObject.data, Text)),
    )
    return db.execute(newer.returning(ProviderObject.id)).first() is not None


def objects_of(db: Session, connection_id: UUID, group_key: str) -> list[ProviderObject]:
    """Every known object of one group, in a fixed order."""
    known = (
        select(ProviderObject)
        .where(ProviderObject.connection_id == connection_id, ProviderObject.group_key == group_key)
        .order_by(ProviderObject.kind, ProviderObject.external_id)
    )
    return list(db.scalars(known))
