"""Stripe's own list of the events that it sends to webhooks, so that what was missed is read just
as it would have come.

Facts and traps: Stripe API, “List all events”: the newest first, for 30 days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.platform.clock import now
from core.platform.errors import InvalidInput, UnexpectedAnswer
from core.providers.client import Client
from core.providers.provider import (
    Delivered,
    Known,
    NoConnection,
    Page,
    Payload,
    Sync,
    Values,
    Walk,
)
from core.providers.stripe import webhook
from core.providers.stripe.objects import objects_in, targets_of
from core.providers.values import identifier, mapping, moment

STORED_FOR = timedelta(days=30)
EVENTS_A_PAGE = 100
# What stands in the payments, to tell which have changed.
PAYMENTS = text("""
    select p.id, md5((to_jsonb(p) - 'updated_at')::text) from app.payments p
     where organization_id = app.cur_org() and processor = 'stripe'
       and (processor_payment_id = any(cast(:ids as text[]))
            or processor_charge_id = any(cast(:ids as text[])))
""")


def pages(client: Client, _: Values, walk: Walk, known: Known) -> Iterator[Page]:
    """The events since the walk's beginning, the newest first. Raises InvalidInput when they are
    asked for from a day of which Stripe has none any more.
    """
    oldest = now() - STORED_FOR
    if walk.whole and walk.since < oldest - timedelta(days=1):
        raise InvalidInput(
            "Stripe lists events of the last 30 days only; choose a later day.", field="since"
        )
    asked: dict[str, str | int] = {
        "limit": EVENTS_A_PAGE,
        "created[gte]": int(max(walk.since, oldest).timestamp()),
    }
    last = walk.cursor.get("after")
    while True:
        answer = client.get("/v1/events", **asked, **({"starting_after": last} if last else {}))
        events = mapping(answer).get("data")
        if not isinstance(events, list):
            raise UnexpectedAnswer(f"{client.provider} answered without the list of events.")
        rows = [each for each in events if isinstance(each, dict)]
        if rows:
            if (end := identifier(rows[-1])) == last:
                raise UnexpectedAnswer(f"{client.provider}'s list leads back to the same page.")
            last = end
            yield Page(rows, {"after": last}, _reached(rows[-1]), len(rows))
        if not mapping(answer).get("has_more") or not rows:
            return


def _reached(event: Payload) -> str:
    at = moment(event.get("created"))
    return f"events back to {at.date()}" if at else "events"


def store(
    db: Session, rows: Sequence[Payload], connection: WebhookConnection | NoConnection
) -> int:
    """Bring the payments to what the events say, the oldest first; how many payments changed."""
    ids = {"ids": sorted({key for each in rows for key in _ids_in(each)})}
    before = _payments(db, ids)
    batch = [
        Delivered(connection, each, moment(each.get("created")) or now()) for each in reversed(rows)
    ]
    webhook.handle(db, batch)
    return len(_payments(db, ids) - before)


def _payments(db: Session, ids: dict[str, list[str]]) -> set[tuple[Any, ...]]:
    return set(map(tuple, db.execute(PAYMENTS, ids)))


def _ids_in(event: Payload) -> Iterator[str]:
    for each in objects_in(mapping(event.get("data")).get("object")):
        yield str(identifier(each))
        yield from (key for _, key in targets_of(each["object"], each))


EVENTS = Sync(
    what="events",
    label="Events of payments",
    pages=pages,
    store=store,
    every=timedelta(days=1),
    overlap=timedelta(days=3),
    reach=timedelta(days=29),
    needs_connection=True,
)
