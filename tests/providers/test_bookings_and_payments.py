"""Deliveries of a calendar and of a processor about the same people: what is booked under one
spelling is paid under another, and a payment follows its booking through every later delivery.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from core.bookings.lists import BY_KEY, save_entry
from core.bookings.models import BookingSettings
from core.deliveries.models import WebhookConnection
from core.money.models import Payment
from core.people.models import Source
from core.platform.database import as_system
from core.providers.connections import create_connection
from core.tenancy.access.platform_admin import delete_user
from tests import factories as make
from tests import payloads as samples
from tests.flow import handle, work
from tests.money.world import World
from tests.providers.history import PAYMENTS, rows
from tests.ui.teams import super_admin

START = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
PAID = START + timedelta(hours=1)
WHOSE = """
    select c.name as closer, s.name as setter, x.name as source from app.payments p
      left join app.closers c on c.id = p.closer_id left join app.setters s on s.id = p.setter_id
      left join app.sources x on x.id = p.source_id
"""


class Sources:
    """One organisation with a connection of Calendly, of Stripe and of Whop."""

    def __init__(self, **settings):
        self.org = make.organization(**settings)
        with as_system(self.org) as db:
            self.connections = {
                name: create_connection(db, name, "Test", "secret").id
                for name in ("calendly", "stripe", "whop")
            }

    def deliver(self, provider, *payloads):
        for payload in payloads:
            with as_system(self.org) as db:
                connection = db.get_one(WebhookConnection, (self.org, self.connections[provider]))
                handle(db, connection, payload)
        work()

    def book(self, email="lead.one@example.com", start=START, **values):
        made = samples.calendly_created(samples.SampleBooking(email, start, **values))
        self.deliver("calendly", made)
        return made

    def pay(self, email="lead.one@example.com", key="A", at=PAID):
        charge = samples.stripe_charge(key, 499700, email, at)
        self.deliver("stripe", samples.stripe_event("charge.succeeded", charge, at))

    def whose(self):
        [row] = rows(self.org, WHOSE)
        return row


@pytest.fixture
def sources():
    return Sources()


@pytest.mark.parametrize(
    ("booked", "paid", "normal"),
    [
        ("lead.one@example.com", "\u200blead.one@example.com", "lead.one@example.com"),
        ("lead.one@example.com", "lead.one@example.com\u200b", "lead.one@example.com"),
        ("lead.one@example.com", "lead.one@exa\u00admple.com", "lead.one@example.com"),
        ("\ufefflead.one@example.com", "LEAD.one@\u2060example.com", "lead.one@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example", "ana@bücher.example"),
        ("ana@xn--bcher-kva.example", "Ana@Bücher.example", "ana@bücher.example"),
    ],
)
def test_a_customer_who_books_and_pays_in_two_spellings_is_one(sources, booked, paid, normal):
    with as_system(sources.org) as db:
        make.closer(db, sources.org, "Ana", email="closer.one@example.com")
    sources.book(booked)
    sources.pay(paid)
    [row] = rows(sources.org, PAYMENTS)
    assert (row["customer_email_normalized"], row["closer"]) == (normal, "Ana")
    assert rows(sources.org, "select count(*) as contacts from app.contacts") == [{"contacts": 1}]


def test_a_payment_keeps_the_closer_who_claimed_the_booking_when_it_is_missed_or_moved(sources):
    made = sources.book(closer_name="Ana", closer_email="ana@work.example")
    sources.pay()
    assert sources.whose()["closer"] is None
    with as_system(sources.org) as db:
        save_entry(db, BY_KEY["closers"], None, {"name": "Ana", "email": "ana@example.com"})
    work()
    assert sources.whose()["closer"] == "Ana"
    sources.deliver("calendly", samples.calendly_no_show(made, at=PAID))
    assert sources.whose()["closer"] == "Ana"


def test_a_payment_keeps_setter_and_source_when_settings_have_changed_since(sources):
    with as_system(sources.org) as db:
        make.setter(db, sources.org, "Sam", aliases=["setter-one"])
        make.source(db, sources.org, "First").utm_values = ["webinar"]
    made = sources.book()
    sources.pay()
    before = sources.whose()
    assert (before["setter"], before["source"]) == ("Sam", "First")
    with as_system(sources.org) as db:
        db.execute(update(BookingSettings).values(setter_utm_field="utm_campaign"))
        db.execute(update(Source).values(utm_values=[]))
        make.source(db, sources.org, "Second").utm_values = ["webinar"]
    sources.deliver("calendly", samples.calendly_no_show(made, at=PAID))
    assert sources.whose() == before


def test_a_payment_keeps_the_setter_whose_account_was_deleted(sources):
    sam = make.viewer(sources.org, "sales_rep", name="Sam")
    with as_system(sources.org) as db:
        facts = {"email": sam.email, "email_normalized": sam.email}
        make.setter(db, sources.org, "Sam", user_id=sam.user_id, **facts)
    made = sources.book(setter=sam.email)
    sources.pay()
    assert sources.whose()["setter"] == "Sam"
    boss = super_admin(make.viewer(make.organization(), "viewer"))
    with boss.transaction() as db:
        delete_user(db, sam.user_id, email=sam.email, typed=sam.email, by=boss.user_id)
    sources.deliver("calendly", samples.calendly_no_show(made, at=PAID))
    assert sources.whose()["setter"] == "Sam"


def test_an_intent_that_was_opened_before_the_meeting_is_paid_on_the_day_of_its_success(sources):
    with as_system(sources.org) as db:
        make.closer(db, sources.org, "Ana", email="closer.one@example.com")
    sources.book()
    opened = int((START - timedelta(days=9)).timestamp())
    intent = samples.stripe_intent("A", 499700, PAID)
    intent |= {"created": opened, "receipt_email": "lead.one@example.com", "latest_charge": None}
    sources.deliver("stripe", samples.stripe_event("payment_intent.succeeded", intent, PAID))
    [row] = rows(sources.org, "select payment_date from app.payments")
    assert (row["payment_date"], sources.whose()["closer"]) == (PAID, "Ana")


def test_the_noise_of_a_float_does_not_count_a_forms_cash_twice():
    world = World()
    world.form(world.event(), "1234.56")
    with as_system(world.org) as db:
        connection = create_connection(db, "whop", "Test", "secret")
        sent = samples.whop_payment("A", "1234.56", "lead.one@example.com", PAID)
        said = {name: sent["data"][name] for name in sent["data"] if name != "subtotal"}
        handle(db, connection, sent | {"data": said | {"total": 1234.5600000000001}})
        counted = db.scalars(select(Payment.amount).where(Payment.counts)).all()
    assert counted == [Decimal("1234.56")]
