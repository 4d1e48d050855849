"""Raw deliveries into rows: many at a time, tried again with growing pauses, and set aside with a
reason when nothing helps.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import select, text
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from core.deliveries import queue
from core.deliveries.actions import note_error, settle
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.deliveries.reading import read_payload
from core.platform.advisory_locks import share_organization
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import NotFound, RateLimited, SalesOpsError
from core.platform.log import logger
from core.platform.outage import is_exhausted, is_outage
from core.providers import registry
from core.providers.client import Client
from core.providers.credentials import client_of
from core.providers.erased import without_erased_people
from core.providers.integrations import access_to
from core.providers.payloads import TEST_DELIVERY
from core.providers.provider import Delivered, Outcome, Use
from core.providers.values import Unreadable

log = logger("jobs.deliveries")
MAX_FAILURES = 8
# A turn begins nothing new after so long, and waits only briefly for a lock: other organisations
# wait for their turns.
TURN_S, BUSY_PAUSE = 2.0, timedelta(seconds=1)
RETURNS, RETURN_AGAIN_S = 3, 1.0  # a server that crashed is back within seconds
WAIT_BRIEFLY = text("set local lock_timeout = '1s'")
UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    RecursionError,
    ArithmeticError,
)
WAITING = select(
    WebhookDelivery.id,
    WebhookDelivery.connection_id,
    WebhookDelivery.provider,
    WebhookDelivery.body,
    WebhookDelivery.received_at,
).where(WebhookDelivery.status == DeliveryStatus.PENDING)
IN_ORDER = (WebhookDelivery.received_at, WebhookDelivery.id)


@dataclass(frozen=True)
class Result:
    """What became of a delivery; ``reason`` says why it is not processed. Of one that mentions
    somebody who was erased, nothing is stored any more.
    """

    status: DeliveryStatus
    event_type: str | None = None
    reason: str | None = None
    is_about_erased: bool = False


@dataclass
class Turn:
    """A worker at one organisation: until when it begins something new, and which deliveries it has
    taken and has neither worked off nor found to fail.
    """

    organization_id: UUID
    until: float
    in_hand: set[UUID] = field(default_factory=set)


def work_off(organization_id: UUID) -> int:
    """Turn the next deliveries that wait into rows; returns how many were taken.

    They are worked off together, in one transaction. Where that fails, each half is tried by
    itself, so that one which cannot be worked off delays no other. One that failed before is tried
    alone, after them. What the turn has no time for is put back, and so is everything while
    somebody else holds what it needs. Raises only while the database is away or has run out of
    something, of which no delivery is to blame: all that is not done is put back, too.
    """
    turn = Turn(organization_id, time.monotonic() + TURN_S)
    try:
        return _work_off(turn)
    except Exception as error:
        if is_outage(error) or is_exhausted(error):
            _return(turn)
        raise


def _work_off(turn: Turn) -> int:
    with as_system(turn.organization_id) as db:
        taken = queue.take(db)
    turn.in_hand.update(each.id for each in taken)
    asked_for = [each.id for each in taken if _is_asked_for(each)]
    together = [each.id for each in taken if each.id not in set(asked_for)]
    _process(turn, together)
    for delivery_id in asked_for:
        _process_in_time(turn, [delivery_id])
    with as_system(turn.organization_id) as db:
        failed = queue.take_failed(db)
    for each in failed:
        if each.failures > MAX_FAILURES:  # its worker was killed each time
            _set_aside(
                turn.organization_id, each.id, "no attempt came to an end", DeliveryStatus.DEAD
            )
        else:
            turn.in_hand.add(each.id)
            _process(turn, [each.id])
    return len(taken) + len(failed)


def _return(turn: Turn) -> None:
    """Put back what is in hand, if that can be done within seconds. If not, it is taken again after
    its lease, and has failed once.
    """
    for _ in range(RETURNS):
        try:
            _put_back(turn, list(turn.in_hand), timedelta())
            break
        except DBAPIError:
            time.sleep(RETURN_AGAIN_S)


def _is_asked_for(delivery: Any) -> bool:
    """Whether its provider must be asked what the delivery is about."""
    inbound = registry.find_inbound(delivery.provider)
    return inbound is not None and inbound.fetch is not None


def _process_in_time(turn: Turn, delivery_ids: Sequence[UUID]) -> None:
    if time.monotonic() > turn.until:
        _put_back(turn, delivery_ids, timedelta())
    else:
        _process(turn, delivery_ids)


def _process(turn: Turn, delivery_ids: Sequence[UUID]) -> None:
    """Of a batch that fails the first half is tried in any case. Otherwise a turn that has no time
    left after the whole batch would put all of it back, and so would the next one.
    """
    if not delivery_ids:
        return
    try:
        _turn_into_rows(turn.organization_id, delivery_ids)
        turn.in_hand.difference_update(delivery_ids)
    except Exception as error:
        if is_outage(error) or is_exhausted(error):
            raise
        if _is_busy(error):
            _put_back(turn, delivery_ids, BUSY_PAUSE)
            return
        if len(delivery_ids) == 1:
            _fail(turn, delivery_ids[0], error)
            return
        middle = len(delivery_ids) // 2
        _process(turn, delivery_ids[:middle])
        _process_in_time(turn, delivery_ids[middle:])


def _fail(turn: Turn, delivery_id: UUID, error: Exception) -> None:
    """Note the failure, unless somebody else holds what that needs: then it is tried, and fails,
    once more.
    """
    try:
        _note_failure(turn.organization_id, delivery_id, error)
        turn.in_hand.discard(delivery_id)
    except DBAPIError as held:
        if not _is_busy(held):
            raise
        _put_back(turn, [delivery_id], BUSY_PAUSE)


def _put_back(turn: Turn, delivery_ids: Sequence[UUID], pause: timedelta) -> None:
    with as_system(turn.organization_id) as db:
        queue.put_back(db, delivery_ids, pause)
    turn.in_hand.difference_update(delivery_ids)


def _is_busy(error: Exception) -> bool:
    """Whether somebody else holds a lock for longer than a turn may wait."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, LockNotAvailable)


def _turn_into_rows(organization_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """In one transaction, or where the provider must be asked first, in one before and one after
    its answer.
    """
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)  # an erasure comes before or after it
        waiting = _locked(db, delivery_ids)
        asked = [row for row in waiting if _is_asked_for(row)]
        if not asked:
            _handle(db, waiting, {})
            return
        questions = [(row, read_payload(row.body), _client(db, row.provider)) for row in asked]
    fetched = {row.id: _fetched(row.provider, sent, client) for row, sent, client in questions}
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)
        _handle(db, _locked(db, delivery_ids), fetched)


def _client(db: Session, provider: str) -> Client:
    access = access_to(db, provider)
    if access is None:
        raise NotFound(f"No key of {registry.provider(provider).label} is stored to ask it with.")
    return client_of(provider, access.secret, access.settings)


def _fetched(provider: str, sent: Any, client: Client) -> Any:
    fetch = registry.inbound(provider).fetch
    assert fetch is not None
    with client:
        return fetch(client, sent)


def _locked(db: Session, delivery_ids: Sequence[UUID]) -> list[Any]:
    """Those of the deliveries that still wait, in the order in which they arrived."""
    named = WAITING.where(WebhookDelivery.id.in_(delivery_ids)).order_by(*IN_ORDER)
    return list(db.execute(named.with_for_update()))


def _handle(db: Session, waiting: Sequence[Any], fetched: Mapping[UUID, Any]) -> None:
    """Have each provider's module work on its deliveries: those of bookings first, to which
    payments are attributed.
    """
    results, readable = _read(db, waiting)
    connections = _connections(db, {row.connection_id for row in waiting})
    for provider in sorted({row.provider for row in waiting if row.id in readable}, key=_place):
        inbound = registry.inbound(provider)
        rows = [row for row in waiting if row.provider == provider and row.id in readable]
        about = {row.id: fetched.get(row.id, readable[row.id]) for row in rows}
        if fetched:
            about = dict(zip(about, without_erased_people(db, list(about.values())), strict=True))
        batch = [
            Delivered(connections[row.connection_id], about[row.id], row.received_at)
            for row in rows
        ]
        for row, outcome in zip(rows, inbound.handle(db, batch), strict=True):
            is_about_erased = results[row.id].is_about_erased
            results[row.id] = _result(results[row.id].event_type, outcome, is_about_erased)
    _settle(db, waiting, results)


def _place(provider: str) -> tuple[bool, str]:
    return registry.provider(provider).use != Use.BOOKINGS, provider


def _connections(db: Session, ids: set[UUID]) -> dict[UUID, WebhookConnection]:
    known = select(WebhookConnection).where(WebhookConnection.id.in_(ids))
    return {each.id: each for each in db.scalars(known)}


def _read(db: Session, waiting: Sequence[Any]) -> tuple[dict[UUID, Result], dict[UUID, Any]]:
    """What is known of each so far, and the payloads of those that can be read. People who were
    erased are taken out before anything is made of them.
    """
    results: dict[UUID, Result] = {}
    received: dict[UUID, Any] = {}
    for row in waiting:
        try:
            received[row.id] = read_payload(row.body)
            inbound = registry.find_inbound(row.provider)
            if inbound is None:
                raise Unreadable(f"deliveries of {row.provider} are received no more")
            named = inbound.event_type(received[row.id])
            is_test = named == TEST_DELIVERY
            status = DeliveryStatus.TEST if is_test else DeliveryStatus.PENDING
            results[row.id] = Result(status, named)
        except UNREADABLE as error:
            reason, _ = _cleaned(db, _sentence(error), received.get(row.id))
            results[row.id] = Result(DeliveryStatus.DEAD, reason=reason[:500])
    payloads = dict(zip(received, without_erased_people(db, list(received.values())), strict=True))
    for delivery_id, before in received.items():
        if payloads[delivery_id] is not before:
            results[delivery_id] = replace(results[delivery_id], is_about_erased=True)
    waits = DeliveryStatus.PENDING
    readable = {id_: payload for id_, payload in payloads.items() if results[id_].status == waits}
    return results, readable


def _cleaned(db: Session, reason: str, received: Any) -> tuple[str, Any]:
    """Why a delivery failed, and what it says, without people who were erased. Whole, since a part
    of an address is not recognised.
    """
    [(reason, received)] = without_erased_people(db, [[reason, received]])
    return reason, received


def _result(event_type: str | None, outcome: Outcome, is_about_erased: bool) -> Result:
    status = DeliveryStatus.IGNORED if outcome.ignored else DeliveryStatus.PROCESSED
    return Result(status, event_type, outcome.ignored, is_about_erased)


def _settle(db: Session, waiting: Sequence[Any], results: Mapping[UUID, Result]) -> None:
    settle(
        db,
        [
            {
                "id": delivery_id,
                "status": result.status,
                "event_type": result.event_type,
                "reason": result.reason,
                "is_about_erased": result.is_about_erased,
            }
            for delivery_id, result in results.items()
        ],
    )
    failed = {
        row.connection_id: results[row.id].reason or ""
        for row in waiting
        if results[row.id].status == DeliveryStatus.DEAD
    }
    for connection_id in sorted(failed):  # two workers wait for each other in one order
        note_error(db, connection_id, failed[connection_id])


def _sentence(error: Exception) -> str:
    """Why a delivery cannot be read, for whoever looks after the connection."""
    match error:
        case Unreadable():
            why = str(error)
        case json.JSONDecodeError() | UnicodeError():
            why = "it is not JSON"
        case RecursionError():
            why = "it is nested too deeply"
        case KeyError():
            why = f"the field “{error.args[0] if error.args else '?'}” is missing"
        case _:
            why = "it is not built as its provider describes"
    return f"cannot be read: {why}"


def _why(error: Exception) -> str:
    """Why a try failed: what our own errors say is for people, and of a refusal of the database the
    first line, without the statement.
    """
    if isinstance(error, SalesOpsError):
        return error.message
    if isinstance(error, DBAPIError):
        return f"the database refused it: {error.orig}".partition("\n")[0]
    return f"an unexpected error, {type(error).__name__}: {error}".partition("\n")[0]


def _note_failure(organization_id: UUID, delivery_id: UUID, error: Exception) -> None:
    """Set a delivery aside that cannot be read, or has failed often enough; any other waits for
    its next try, as long as its provider asks for.
    """
    log.warning("a try failed", delivery=str(delivery_id), error=type(error).__name__)
    if isinstance(error, UNREADABLE):
        _set_aside(organization_id, delivery_id, _sentence(error), DeliveryStatus.DEAD)
        return
    failures = _set_aside(organization_id, delivery_id, _why(error), DeliveryStatus.PENDING)
    asked_for = error.retry_after_s + random.random() if isinstance(error, RateLimited) else 0.0  # noqa: S311
    pause = max(timedelta(seconds=2.0**failures), timedelta(seconds=asked_for))
    if failures:
        with as_system(organization_id) as db:
            queue.put_off(db, delivery_id, pause)


def _set_aside(
    organization_id: UUID, delivery_id: UUID, reason: str, status: DeliveryStatus
) -> int:
    """Store why the delivery is not processed; returns how often it has failed in a row, or 0 when
    it is not tried again. An erasure comes before or after it, so that neither the reason nor what
    was sent mentions whom it erases.
    """
    with as_system(organization_id) as db:
        db.execute(WAIT_BRIEFLY)
        share_organization(db)
        delivery = _to_change(db, delivery_id)
        if delivery is None or delivery.status != DeliveryStatus.PENDING:
            return 0
        if delivery.failures >= MAX_FAILURES:
            status = DeliveryStatus.DEAD
        log.warning("delivery failed", delivery=str(delivery_id), status=status)
        delivery.status, delivery.last_error = status, _redact(db, delivery, reason)[:500]
        failed = {"at": now().isoformat(), "outcome": "failed", "reason": delivery.last_error}
        delivery.history = [*delivery.history, failed]
        failures = delivery.failures
        db.flush()
        note_error(db, delivery.connection_id, delivery.last_error)
    return failures if status == DeliveryStatus.PENDING else 0


def _redact(db: Session, delivery: WebhookDelivery, reason: str) -> str:
    """Take people who were erased out of what is stored of a delivery that failed; returns the
    reason without them. Reading it may be what cannot be done.
    """
    received = None
    with suppress(*UNREADABLE):
        received = read_payload(delivery.body)
    try:
        with db.begin_nested():
            cleaned, payload = _cleaned(db, reason, received)
            if payload is not received and payload != received:
                delivery.body, delivery.headers = json.dumps(payload).encode(), {}
            return cleaned
    except (*UNREADABLE, DataError):
        return "cannot be read"


def _to_change(db: Session, delivery_id: UUID) -> WebhookDelivery | None:
    named = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    return db.scalars(named.with_for_update()).first()
