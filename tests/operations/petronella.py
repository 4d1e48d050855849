"""Petronella Quist, whose data is searched for and erased, and the deliveries about her."""

import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from core.deliveries.models import WebhookDelivery
from core.operations.person_erasure import erase_person
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.providers.processing import work_off
from core.tenancy.access.viewers import Viewer
from tests import payloads as samples
from tests.figures import figures
from tests.traces import traces

EMAIL, NAME, PHONE = "petronella.quist@example.com", "Petronella Quist", "+4531415926"
WORDS = (EMAIL, "petronella", NAME, "31415926", "her secret answer", "a word about her")


@dataclass(frozen=True)
class Case:
    """One organisation where Petronella booked twice and paid twice, and somebody else once."""

    admin: Viewer
    calendly: UUID
    stripe: UUID
    whop: UUID
    call: samples.SampleBooking

    @property
    def org(self) -> UUID:
        return self.admin.organization_id

    @property
    def period(self) -> Period:
        day = today("Europe/Copenhagen")
        return Period(day - timedelta(days=40), day + timedelta(days=10), "Europe/Copenhagen")

    def receive(self, provider, payload, **values):
        """Store the delivery as the receiver does; returns its id."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        with as_system(self.org) as db:
            delivery = WebhookDelivery(
                organization_id=self.org,
                id=uuid4(),
                connection_id=getattr(self, provider),
                provider=provider,
                delivery_key=str(uuid4()),
                body=body,
                **({"headers": {"from": EMAIL}} | values),
            )
            db.add(delivery)
        return delivery.id

    def deliver(self, provider, payload, **values):
        """Store it, and process it as the worker does."""
        delivery_id = self.receive(provider, payload, **values)
        work_off(self.org)
        return delivery_id

    def bodies(self):
        with as_system(self.org) as db:
            return {row.id: row.body.decode() for row in db.scalars(select(WebhookDelivery))}

    def erase(self):
        with self.admin.transaction() as db:
            erase_person(db, EMAIL, typed=EMAIL)

    def figures(self):
        return figures(self.org, self.period, at=now().replace(minute=0, second=0, microsecond=0))

    def mentions(self):
        """The tables that still contain anything about her."""
        return {place.partition(".")[0] for place in traces(self.org, WORDS)}


def booking(call, **changes):
    payload = samples.calendly_created(call)
    payload["payload"] |= {"text_reminder_number": PHONE} | changes
    payload["payload"]["questions_and_answers"] += [
        {"question": "Who invited you?", "answer": "setter-one", "position": 1},
        {
            "question": "Anything else?",
            "answer": f"Her secret answer: write to {EMAIL}",
            "position": 2,
        },
    ]
    return payload
