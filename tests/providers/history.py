"""Deliveries of one provider, passed to its module one by one, and the rows that the organisation
has afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.deliveries.models import WebhookConnection
from core.platform.database import as_system
from core.providers.connections import create_connection
from core.providers.provider import Outcome
from tests import factories as make
from tests.flow import handle

EVENTS = """
    select lead_email_normalized, scheduled_at, booked_at, call_status, event_outcome,
      closer_name, setter_name, no_show_party,
           canceled_late, (select n.scheduled_at from app.events n
             where n.id = e.rescheduled_to_id) as moved_to
      from app.events e order by 1, 2
"""
PAYMENTS = """
    select processor_payment_id, amount, currency, status, refund_amount, net_revenue,
      customer_email_normalized, disputed,
           membership_key, deal_type, counts, attribution_method, attribution_reason,
           (select c.name from app.closers c where c.id = p.closer_id) as closer
      from app.payments p order by 1
"""


class History:
    """One organisation with one connection of a provider."""

    def __init__(self, name: str, *, account: str | None = None, **settings: Any) -> None:
        self.name = name
        self.org = make.organization(**settings)
        with as_system(self.org) as db:
            self.connection_id = create_connection(
                db, name, "Test", "secret", account_id=account
            ).id

    def replace_connection(self) -> None:
        """From here on deliveries come over a new connection of the same account."""
        with as_system(self.org) as db:
            self.connection_id = create_connection(db, self.name, "Replacement", "secret").id

    def deliver(self, *payloads: Mapping[str, Any], size: int = 1) -> list[Outcome]:
        """In batches of this size, each in a transaction of its own, as the worker does."""
        return [
            outcome
            for first in range(0, len(payloads), size)
            for outcome in self._handle(payloads[first : first + size])
        ]

    def _handle(self, payloads: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        with as_system(self.org) as db:
            connection = db.get_one(WebhookConnection, (self.org, self.connection_id))
            return handle(db, connection, *(dict(payload) for payload in payloads))

    def rows(self, query: str) -> list[dict[str, Any]]:
        return rows(self.org, query)


def rows(org: UUID, query: str) -> list[dict[str, Any]]:
    with as_system(org) as db:
        return [dict(row) for row in db.execute(text(query)).mappings()]


def shuffled(
    payloads: Sequence[Mapping[str, Any]], order: Sequence[int], repeated: Sequence[int]
) -> list[Mapping[str, Any]]:
    """The deliveries in another order, some of them twice."""
    again = [payloads[number % len(payloads)] for number in repeated]
    return [payloads[number] for number in order] + again


SUPPRESSED = "select email_normalized, reason, at from app.suppressed_emails order by 1"
