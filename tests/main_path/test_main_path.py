"""A booking, a form and a payment, from the wire to the rows."""

from datetime import timedelta
from decimal import Decimal

import anyio
from sqlalchemy import select

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.money.form_filing import file_form
from core.money.models import Payment
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests import payloads as samples
from tests.flow import sender, work
from webhooks.pool import pool


def deliver(*posts):
    async def all_of_them():
        await pool().open()
        answers = [await to.post(payload) for to, payload in posts]
        await pool().close()
        pool.cache_clear()
        return answers

    return anyio.run(all_of_them)


def test_a_booking_a_form_and_a_payment_become_one_attributed_sale():
    org = make.organization()
    rep = make.viewer(org, "sales_rep")
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana", user_id=rep.user_id, email="closer.one@example.com")
        sam = make.setter(db, org, "Sam", aliases=["setter-one"])
    calendly, stripe = sender(org, "calendly"), sender(org, "stripe")
    call = samples.SampleBooking("lead.one@example.com", now() - timedelta(hours=3))
    paid_at = now() - timedelta(hours=1)

    answers = deliver((calendly, samples.calendly_created(call)))
    work()
    with rep.transaction() as db:
        event = db.scalars(select(Event)).one()
        file_form(
            db,
            event.id,
            FormAnswers(True, True, True, True, cash_collected=Decimal("4997"), currency="USD"),
            rep,
        )
    charge = samples.stripe_charge("A", 499700, "LEAD.one@example.com ", paid_at)
    answers += deliver(
        (
            stripe,
            samples.stripe_event(
                "payment_intent.succeeded", samples.stripe_intent("A", 499700, paid_at), paid_at
            ),
        ),
        (stripe, samples.stripe_event("charge.succeeded", charge, paid_at)),
    )
    work()

    assert [answer.json() for answer in answers] == [{"status": "accepted"}] * 3
    with as_system(org) as db:
        event = db.scalars(select(Event)).one()
        assert (event.call_status, event.event_outcome) == ("completed", "closed")
        assert (event.closer_id, event.setter_id) == (ana.id, sam.id)
        counted = db.scalars(select(Payment).where(Payment.counts)).one()
        assert (counted.processor, counted.event_id, counted.closer_id, counted.setter_id) == (
            "stripe",
            event.id,
            ana.id,
            sam.id,
        )
        assert counted.attribution_reason.startswith(
            "the same money was entered on the form of the booking of "
        )
