"""A small organisation in which money is earned: what tests of attribution and of the same money
begin with.
"""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.money.attribution import attribute, attribute_event
from core.money.form_filing import file_form, withdraw_form
from core.money.models import Payment
from core.money.payout_tables import details_table
from core.money.payouts import approve, create_snapshot
from core.people.actions import Person, find_or_make_contact
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.dataframes import records
from core.providers.connections import create_connection
from tests import factories as make
from tests.factories import NOON

LEAD, PARTNER = "lead.one@example.com", "partner@example.com"
DAY = timedelta(days=1)


def closed(cash="4997", **values):
    return FormAnswers(
        True,
        True,
        True,
        True,
        cash_collected=Decimal(cash),
        currency="USD",
        payment_type="pif",
        **values,
    )


class World:
    """Ana and Bo close, Mara manages; money comes by card over one connection."""

    def __init__(self, **settings):
        self.org = make.organization(**settings)
        self.mara = make.viewer(self.org, "manager", name="Mara")
        self.reps = {name: make.viewer(self.org, "sales_rep", name=name) for name in ("Ana", "Bo")}
        with as_system(self.org) as db:
            self.closers = {
                name: make.closer(db, self.org, name, user_id=rep.user_id)
                for name, rep in self.reps.items()
            }
            self.connection = create_connection(db, "stripe", "Main", "secret").id

    def event(self, closer="Ana", at=NOON, email=LEAD, **values):
        """A booking of a contact with this address."""
        with as_system(self.org) as db:
            contact = find_or_make_contact(db, Person("Lead One", email), "US")
            by = self.closers[closer] if closer else None
            values = {"contact_id": contact.id} | values
            return make.event(db, self.org, by, at=at, email=email, **values).id

    def form(self, event_id, cash="4997", at=NOON + timedelta(hours=1), by=None, **values):
        """The form of an event, filed or corrected."""
        by = by or self.mara
        with by.transaction() as db:
            file_form(db, event_id, closed(cash, **values), by, at=at)
        with as_system(self.org) as db:
            return db.scalars(
                select(Payment.id)
                .where(Payment.pcf_id.is_not(None), Payment.event_id.is_not(None))
                .order_by(Payment.created_at.desc())
            ).first()

    def withdraw(self, event_id, by=None):
        by = by or self.mara
        with by.transaction() as db:
            withdraw_form(db, event_id, by)

    def move(self, event_id, to):
        """The booking was moved, and this is the new one."""
        with as_system(self.org) as db:
            lock_books(db)
            event = db.get_one(Event, (self.org, event_id))
            event.call_status, event.rescheduled_to_id = "rescheduled", to
            db.flush()
            attribute_event(db, event_id)

    def approved(self, first_day, days=7):
        """An approved payout of these days of November: the closer and net of each line."""
        start = NOON.date().replace(day=first_day)
        period = Period(start, start + timedelta(days=days), "Europe/Copenhagen")
        admin = make.viewer(self.org, "admin")
        with admin.transaction() as db:
            made = create_snapshot(db, f"Payout of {first_day} November", period, admin)
            approve(db, made.id, admin)
            lines = records(details_table(db, made.id))
        return sorted((line["closer_name"], line["net_revenue"]) for line in lines)

    def card(self, key="pi_1", cash="4997", at=NOON + timedelta(hours=1), email=LEAD, **values):
        """What the processor reports of a payment, attributed like the webhook does it."""
        values = {"processor": "stripe", "connection_id": self.connection} | values
        with as_system(self.org) as db:
            payment = make.payment(
                db, self.org, cash, at=at, email=email, processor_payment_id=key, **values
            )
            attribute(db, payment)
            return payment.id

    def payment(self, payment_id):
        with as_system(self.org) as db:
            return db.get_one(Payment, (self.org, payment_id))

    def closer_of(self, payment_id):
        names = {closer.id: name for name, closer in self.closers.items()}
        return names.get(self.payment(payment_id).closer_id)

    def cash(self):
        """What counts, by closer."""
        names = {closer.id: name for name, closer in self.closers.items()}
        found = {}
        with as_system(self.org) as db:
            for payment in db.scalars(select(Payment).where(Payment.counts)):
                name = names.get(payment.closer_id)
                found[name] = found.get(name, Decimal(0)) + payment.net_revenue
        return found
