"""How many deliveries that fail verification are looked at: so many a minute for each address of
ours that is asked for and network address, and more of a network address in all, counted in the
database, so that the limits hold across processes.

They never concern a delivery that is verified: what is refused is counted after its signature was
looked at. They are counted by what was asked for, whether or not there is such a connection, so
that no answer says which there are.
"""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address
from typing import Any
from uuid import UUID

import psycopg

from webhooks.pool import pooled_connection

PER_MINUTE, PER_MINUTE_IN_ALL = 60, 300
MOST_REMEMBERED = 10_000
# Until when, by what is counted, this process need not ask the database again.
limited_until: dict[str, float] = {}


def limited_for(asked: str, address: str) -> int:
    """The seconds for which no more failures of ``address`` at ``asked`` are looked at, as far as
    this process knows; 0 when they are.
    """
    until = max(limited_until.get(key, 0.0) for key in _keys(asked, address))
    return max(0, math.ceil(until - time.monotonic()))


async def count_failure(asked: str, address: str, connection: UUID | None, why: str) -> int:
    """Count one failure, within the limits also at the connection, if there is one, whose people
    are shown it. Returns 0 within the limits, else how many seconds to wait. Raises psycopg.Error
    and PoolTimeout.
    """
    key, in_all = _keys(asked, address)
    async with pooled_connection() as db:
        counted = await db.execute(
            "select app.take_hit(%s, %s, 60)", (f"unverified:{in_all}", PER_MINUTE_IN_ALL)
        )
        if wait_s := await _wait_s(counted):
            _remember(in_all, wait_s)
            return wait_s
        counted = await db.execute(
            "select app.count_refused(%s, %s, %s, %s)", (key, PER_MINUTE, connection, why)
        )
        if wait_s := await _wait_s(counted):
            _remember(key, wait_s)
        return wait_s


async def _wait_s(counted: psycopg.AsyncCursor[Any]) -> int:
    row = await counted.fetchone()
    return row[0] if row else 0


def _remember(key: str, wait_s: int) -> None:
    now = time.monotonic()
    if len(limited_until) >= MOST_REMEMBERED:
        for known in [known for known, until in limited_until.items() if until < now]:
            del limited_until[known]
    if len(limited_until) < MOST_REMEMBERED:
        limited_until[key] = now + wait_s


def _keys(asked: str, address: str) -> tuple[str, str]:
    """Under which failures are counted: those at what is asked for, and all of the address."""
    whose = network(address)
    return f"{asked}:{whose}", f"all:{whose}"


def network(address: str) -> str:
    """The address; of IPv6 the half that a sender cannot choose at will."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address
