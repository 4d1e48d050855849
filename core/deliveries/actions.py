"""Changing connections, replaying deliveries, and storing what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import (
    BOTH_VALID_FOR,
    ConnectionActivity,
    WebhookConnection,
    WebhookDelivery,
)
from core.deliveries.secrets import is_stored, retire_secret, store_secret
from core.platform.clock import now
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.models import VaultSecret
from core.platform.names import check_name

SIGNING, PREVIOUS = "signing", "signing before"
SETTLE = text("""
    update app.webhook_deliveries d
       set status = r.status, event_type = coalesce(left(r.event_type, 255), d.event_type),
           last_error = left(r.reason, 500), failures = 0, is_replay = false,
           processed_at = case when r.status = 'dead' then d.processed_at else :at end,
           history = case when r.status = 'dead' then d.history || jsonb_build_object(
               'at', cast(:at as timestamptz), 'outcome', 'failed', 'reason', left(r.reason, 500))
             else d.history end,
           body = case when r.is_about_erased then '' else d.body end,
           headers = case when r.is_about_erased then '{}' else d.headers end
      from jsonb_to_recordset(cast(:results as jsonb)) as r (id uuid, status text,
        event_type text, reason text, is_about_erased boolean)
     where d.organization_id = app.cur_org() and d.id = r.id
""")
NO_NAME = "Give the connection a name."
REPLAY = text("""
    select app.replay_deliveries(cast(:connection as uuid), cast(:since as timestamptz),
                                 cast(:states as text[]), cast(:ids as uuid[]))
""")


def rename_connection(db: Session, connection_id: UUID, name: str) -> None:
    """Give a connection another name. Raises NotFound and InvalidInput."""
    _connection(db, connection_id).name = check_name(name, NO_NAME)
    db.flush()


def rotate_secret(db: Session, connection_id: UUID, secret: str) -> None:
    """Enter another signing secret. For a day deliveries signed with either are accepted, since a
    provider may go over to the new one at a moment of its own; ``end_previous_secret`` ends that.

    Raises NotFound, and InvalidInput for an empty secret and for the one that is stored already,
    which would take the place of the one before.
    """
    connection = _changed(db, connection_id)
    if is_stored(db, connection.id, SIGNING, secret):
        raise InvalidInput(
            "That is the signing secret that is stored already, so nothing was changed.",
            field="secret",
        )
    retire_secret(db, connection.id, SIGNING, PREVIOUS)
    store_secret(db, connection.provider, connection.id, SIGNING, secret)
    connection.previous_secret_until = now() + BOTH_VALID_FOR
    db.flush()


def end_previous_secret(db: Session, connection_id: UUID) -> None:
    """From now on deliveries signed with the secret of before are refused. Raises NotFound."""
    connection = _changed(db, connection_id)
    connection.previous_secret_until = None
    _forget_secrets(db, connection_id, PREVIOUS)
    db.flush()


def _forget_secrets(db: Session, connection_id: UUID, *names: str) -> None:
    db.execute(
        delete(VaultSecret).where(
            VaultSecret.owner_id == connection_id, VaultSecret.name.in_(names)
        )
    )


def set_active(db: Session, connection_id: UUID, active: bool) -> None:
    """Switch a connection on or off; while it is off, the receiver answers as if it did not exist.
    Raises NotFound.
    """
    _changed(db, connection_id).active = active
    db.flush()


def pause(db: Session, connection_id: UUID) -> None:
    """Hold the connection's deliveries: they are accepted and stored, so that its provider neither
    repeats them nor gives the address up, and worked off when the pause ends. Raises NotFound.
    """
    _connection(db, connection_id).paused_at = now()
    db.flush()


def resume(db: Session, connection_id: UUID) -> None:
    """End a pause, and have what was held worked off in the order in which it arrived. Raises
    NotFound.
    """
    connection = _changed(db, connection_id)
    connection.active, connection.paused_at = True, None
    _release_held(db)


def delete_connection(db: Session, connection_id: UUID, typed: str) -> None:
    """Refuse deliveries to this address from now on and forget its secrets. What arrived stays,
    with everything that was made of it.

    Raises NotFound, and InvalidInput unless ``typed`` is the connection's name.
    """
    connection = _changed(db, connection_id)
    if typed.strip() != connection.name:
        raise InvalidInput("That is not the connection's name, so it is not deleted.", field="name")
    connection.active, connection.paused_at = False, None
    connection.deleted_at, connection.previous_secret_until = now(), None
    _forget_secrets(db, connection_id, SIGNING, PREVIOUS)
    _release_held(db)


def _release_held(db: Session) -> None:
    db.flush()
    db.execute(select(func.app.release_held()))


def _changed(db: Session, connection_id: UUID) -> WebhookConnection:
    """The connection, with a new revision, so that receivers that remember the old one verify
    again.
    """
    connection = _connection(db, connection_id)
    connection.revision += 1
    return connection


def _connection(db: Session, connection_id: UUID) -> WebhookConnection:
    connection = db.scalars(
        select(WebhookConnection)
        .where(WebhookConnection.id == connection_id, WebhookConnection.deleted_at.is_(None))
        .with_for_update()
    ).first()
    if connection is None:
        raise NotFound("There is no such connection.")
    return connection


def replay(db: Session, delivery_id: UUID) -> None:
    """Process a stored delivery once more, whatever its status is, after those that are new.

    Raises:
        NotFound: no such delivery.
        Conflict: its body was deleted after the number of days that the organisation chose, or it
        waits for its connection to be resumed.
    """
    asked = {"connection": None, "since": None, "states": None, "ids": [delivery_id]}
    if db.execute(REPLAY, asked).scalar_one():
        return
    known = select(WebhookDelivery.body).where(WebhookDelivery.id == delivery_id)
    body = db.scalars(known).first()
    if body is None:
        raise NotFound("There is no such delivery.")
    if not body:
        raise Conflict(
            "The text of this delivery is no longer kept, so it cannot be processed again."
        )
    raise Conflict("This delivery is on hold; it is processed when its connection is resumed.")


def replay_deliveries(
    db: Session,
    connection_id: UUID | None,
    *,
    since: datetime | None = None,
    states: Sequence[str] | None = None,
) -> int:
    """Process deliveries once more, after those that are new: those of a connection, or of all;
    that arrived ``since`` an instant; in one of ``states``. Returns how many they are. Those on
    hold and those whose text is no longer stored are left out.
    """
    asked = {
        "connection": connection_id,
        "since": since,
        "states": None if states is None else [str(state) for state in states],
        "ids": None,
    }
    count: int = db.execute(REPLAY, asked).scalar_one()
    return count


def record_look(db: Session, delivery_id: UUID) -> None:
    """Write into the audit log that somebody opened a delivery."""
    db.execute(select(func.app.record_look(delivery_id)))


def record_search(db: Session, connection_id: UUID) -> None:
    """Write into the audit log that somebody searched what came over a connection."""
    db.execute(select(func.app.record_search(connection_id)))


def note_test(db: Session, connection_id: UUID, error: str | None) -> None:
    """Store how the latest test delivery of a connection ended; without an error it arrived."""
    ended = {"tested_at": func.clock_timestamp(), "test_error": error}
    known = select(WebhookConnection.organization_id, WebhookConnection.id).where(
        WebhookConnection.id == connection_id
    )
    connection = db.execute(known).one()
    db.execute(
        insert(ConnectionActivity)
        .values(organization_id=connection.organization_id, connection_id=connection.id, **ended)
        .on_conflict_do_update(index_elements=["organization_id", "connection_id"], set_=ended)
    )


def settle(db: Session, results: Sequence[Mapping[str, Any]]) -> None:
    """Store what became of deliveries, by ``id``: ``status``, ``event_type`` and ``reason``. Of one
    that ``is_about_erased`` nothing of what was sent stays.
    """
    asked = {"results": json.dumps(results, default=str), "at": now()}
    db.execute(SETTLE, asked)


def note_error(db: Session, connection_id: UUID, reason: str) -> None:
    """Show on the connection why its latest failed delivery failed."""
    db.execute(
        update(ConnectionActivity)
        .where(ConnectionActivity.connection_id == connection_id)
        .values(last_error=reason, last_error_at=func.now())
    )
