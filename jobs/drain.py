"""Working off deliveries: a few threads take turns at the organisations that have some, a batch a
turn. So a flood of one organisation delays another by no more than the batches in hand.

They look at the table again and again instead of being woken: a connection that listens can be dead
without an error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from core.deliveries.queue import organizations_waiting
from core.platform.database import outage
from core.platform.log import logger
from core.platform.outage import is_exhausted, is_outage
from core.providers.processing import work_off

THREADS = 2
# While deliveries arrive, and when none has for BUSY_FOR_S: a look costs some milliseconds, which
# an idle installation would spend day and night.
LOOK_EVERY_S, IDLE_LOOK_EVERY_S, BUSY_FOR_S = 0.1, 0.3, 5.0
LOOK_AGAIN_S = 1.0
PAUSE_S, EXHAUSTED_PAUSE_S = 0.5, 5.0

log = logger("jobs.deliveries")


class Turns:
    """Whose turn it is: of the organisations that wait and are in nobody's hand the one that was
    served longest ago.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_hand = set[UUID | None]()
        self._waiting: list[UUID] = []
        self._looked_at = self._found_at = 0.0
        self._served: dict[UUID, int] = {}
        self._turn = 0

    @contextmanager
    def next(self) -> Iterator[UUID | None]:
        """The organisation whose turn it is, in hand for the length of the block; None if none
        waits.
        """
        with self._lock:
            chosen = self._next()
            if chosen is not None:
                self._turn += 1
                self._served[chosen] = self._turn
                self._in_hand.add(chosen)
        try:
            yield chosen
        finally:
            with self._lock:
                self._in_hand -= {chosen}

    def _next(self) -> UUID | None:
        """Of thousands who wait each is looked for once, and newcomers every second."""
        if time.monotonic() >= self._looked_at + self._pause():
            found = organizations_waiting()
            self._served = {each: self._served.get(each, 0) for each in found}
            self._waiting = sorted(found, key=self._served.__getitem__, reverse=True)
            self._looked_at = time.monotonic()
            self._found_at = self._looked_at if found else self._found_at
        while self._waiting:
            if (chosen := self._waiting.pop()) not in self._in_hand:
                return chosen
        return None

    def _pause(self) -> float:
        """For how long one look is enough for all threads. What a look has found is in hand or done
        by now, and more may wait.
        """
        if self._waiting:
            return LOOK_AGAIN_S
        if self._found_at == self._looked_at:
            return 0.0
        is_busy = time.monotonic() < self._found_at + BUSY_FOR_S
        return LOOK_EVERY_S if is_busy else IDLE_LOOK_EVERY_S


def run_drain(stopping: threading.Event) -> None:
    """Work off deliveries until ``stopping`` is set, then finish the batches in hand. While the
    database is away, wait for it.
    """
    turns = Turns()
    threads = [
        threading.Thread(target=_take_turns, args=(turns, stopping), name=f"deliveries {number}")
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _take_turns(turns: Turns, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            if not take_turn(turns):
                stopping.wait(LOOK_EVERY_S)
        except Exception as error:
            if is_exhausted(error):
                log.warning("the database has run out of something; trying again", why=str(error))
                stopping.wait(EXHAUSTED_PAUSE_S)
            elif is_outage(error):
                outage.noticed(error)
            else:  # a thread that ended would leave deliveries lying
                log.exception("a batch of deliveries failed")
            stopping.wait(PAUSE_S)


def take_turn(turns: Turns) -> bool:
    """Work off a batch of the organisation whose turn it is; False when none waits."""
    with turns.next() as organization_id:
        if organization_id is None:
            return False
        work_off(organization_id)
        return True
