"""How many deliveries that fail verification are looked at: so many a minute for each connection
and network address, counted in the database, so that the limit holds across processes.

It never concerns a delivery that is verified: what is refused is counted after its signature was
looked at.
"""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from webhooks.pool import pooled_connection

PER_MINUTE = 60
MOST_REMEMBERED = 10_000
# Until when, by connection and address, this process need not ask the database again.
limited_until: dict[str, float] = {}


def limited_for(connection: UUID | None, address: str) -> int:
    """The seconds for which no more failures of it are looked at, as far as this process knows; 0
    when they are. Of an address that tries connections that do not exist, all tries count as one's.
    """
    left = limited_until.get(_key(connection, address), 0.0) - time.monotonic()
    return max(0, math.ceil(left))


async def count_failure(connection: UUID | None, address: str, why: str) -> int:
    """Count one failure, within the limit also at the connection, whose people are shown it.
    Returns 0 within the limit, else how many seconds to wait. Raises psycopg.Error and
    PoolTimeout.
    """
    key = _key(connection, address)
    async with pooled_connection() as db:
        counted = await db.execute(
            "select app.count_refused(%s, %s, %s, %s)", (key, PER_MINUTE, connection, why)
        )
        row = await counted.fetchone()
    wait_s: int = row[0] if row else 0
    if wait_s:
        _remember(key, wait_s)
    return wait_s


def _remember(key: str, wait_s: int) -> None:
    now = time.monotonic()
    if len(limited_until) >= MOST_REMEMBERED:
        for known in [known for known, until in limited_until.items() if until < now]:
            del limited_until[known]
    if len(limited_until) < MOST_REMEMBERED:
        limited_until[key] = now + wait_s


def _key(connection: UUID | None, address: str) -> str:
    return f"{connection or 'none'}:{network(address)}"


def network(address: str) -> str:
    """The address; of IPv6 the half that a sender cannot choose at will."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else address
