"""A worker's turn at the deliveries of one organisation: many at a time, each half of a batch that
fails by itself, and what there is no time for put back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import DBAPIError

from core.deliveries import queue
from core.deliveries.models import DeliveryStatus
from core.platform.database import as_system
from core.platform.outage import is_exhausted, is_outage
from core.providers.delivery_batches import is_asked_for, turn_into_rows
from core.providers.delivery_failures import MAX_FAILURES, note_failure, set_aside

# A turn begins nothing new after so long: other organisations wait for their turns.
TURN_S, BUSY_PAUSE = 2.0, timedelta(seconds=1)
RETURNS, RETURN_AGAIN_S = 3, 1.0  # a server that crashed is back within seconds


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
    asked_for = [each.id for each in taken if is_asked_for(each)]
    together = [each.id for each in taken if each.id not in set(asked_for)]
    _process(turn, together)
    for delivery_id in asked_for:
        _process_in_time(turn, [delivery_id])
    with as_system(turn.organization_id) as db:
        failed = queue.take_failed(db)
    for each in failed:
        if each.failures > MAX_FAILURES:  # its worker was killed each time
            set_aside(
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
        turn_into_rows(turn.organization_id, delivery_ids)
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
        note_failure(turn.organization_id, delivery_id, error)
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
