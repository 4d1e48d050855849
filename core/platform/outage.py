"""The database away, as one line in the log of each process and not one for whatever noticed it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg

LASTING_S = 10.0
# Classes and codes of SQLSTATE: the connection failed; the server stops, crashed, or still starts.
CONNECTION_FAILED, GOING_OR_COMING = "08", {"57P01", "57P02", "57P03"}
EXHAUSTED = "53"  # the disk or the memory is full, or there are too many connections


def is_outage(error: BaseException | None) -> bool:
    """Whether the error, or the one that it was made from, says that the database is away."""
    while error is not None:
        if isinstance(error, psycopg.OperationalError):
            state = error.sqlstate
            return state is None or state.startswith(CONNECTION_FAILED) or state in GOING_OR_COMING
        error = error.__cause__
    return False


def is_exhausted(error: BaseException | None) -> bool:
    """Whether the error, or the one that it was made from, says that the database is there and has
    run out of something, whatever it was asked.
    """
    while error is not None:
        if isinstance(error, psycopg.Error):
            return (error.sqlstate or "").startswith(EXHAUSTED)
        error = error.__cause__
    return False


class Outage:
    """Whether the database is away for this process, since when, and whether that is in the log.

    A short outage is one line, with its duration, once it is over. One that lasts has a line of its
    own meanwhile, after ``lasting_s``. ``write`` writes a line: what happened, and its facts by
    name.
    """

    def __init__(self, write: Callable[..., object], lasting_s: float = LASTING_S) -> None:
        self._write, self._lasting_s = write, lasting_s
        self._lock = threading.Lock()
        self._since: float | None = None
        self._is_written = False

    def noticed(self, error: object) -> None:
        """Something found the database away; as often as it likes."""
        with self._lock:
            now = time.monotonic()
            self._since = now if self._since is None else self._since
            if self._is_written or now - self._since < self._lasting_s:
                return
            self._is_written = True
        self._write("the database is away; trying again", why=" ".join(str(error).split()))

    def over(self) -> None:
        """Something reached the database."""
        if self._since is None:
            return
        with self._lock:
            since, self._since, self._is_written = self._since, None, False
        if since is not None:
            self._write("the database was away", seconds=round(time.monotonic() - since, 1))
