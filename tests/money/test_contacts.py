"""Contacts with their payments: these follow the addresses that a contact has, at once. Of two
contacts that are one person, what belonged to either is one's, now and whatever still arrives, and
nothing is lost.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from core.bookings.models import Event
from core.deliveries.models import OutboxMessage
from core.messages.suppression_list import Suppressed, check_may_be_texted
from core.migrations.tables import metadata
from core.money.attribution import attribute
from core.money.contacts import change_contact, create_contact, merge_contacts
from core.money.models import Payment
from core.operations.person_erasure import erase_person
from core.people.actions import Person, find_or_make_contact
from core.people.contact_queries import ContactFilter, contact_detail, contacts_table
from core.people.contacts import ContactDetails, details_of
from core.people.leads import LeadDetails, create_lead
from core.people.models import Activity, Contact, ContactEmail, Lead
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed, NotFound
from core.tenancy.access.models import Role
from tests import factories as make
from tests.factories import NOON
from tests.money.world import DAY, LEAD, PARTNER, World

KEPT = ContactDetails("Lena Vogt", emails=("lena@example.com",), tags=("VIP",), city="Aarhus")
OTHER = ContactDetails(
    "L. Vogt",
    emails=("l.vogt@example.com",),
    phones=("+4520123456", "+4530303030"),
    tags=("Webinar", "vip"),
    company="Vogt & Co",
    city="Odense",
    external_ids={"hubspot": "12345"},
)


class Pair:
    """Lena has booked under one address, and inquired and paid under another."""

    def __init__(self):
        self.org = make.organization()
        self.manager = make.viewer(self.org, Role.MANAGER)
        self.rep = make.viewer(self.org, Role.SALES_REP)
        with self.manager.transaction() as db:
            self.kept = create_contact(db, KEPT, self.manager).id
            self.other = create_contact(db, OTHER, self.manager).id
            self.lead = create_lead(db, self.other, LeadDetails(), self.manager).id
        with as_system(self.org) as db:
            ana = make.closer(db, self.org, user_id=self.rep.user_id)
            self.event = make.event(
                db, self.org, ana, email="lena@example.com", contact_id=self.kept
            ).id
            self.missed = make.event(
                db,
                self.org,
                ana,
                email="l.vogt@example.com",
                at=NOON - timedelta(days=9),
                contact_id=self.other,
                lead_id=self.lead,
            ).id
            paid = make.payment(db, self.org, email="l.vogt@example.com")
            attribute(db, paid)
            self.payment = paid.id

    def merge(self, viewer=None):
        viewer = viewer or self.manager
        with viewer.transaction() as db:
            return merge_contacts(db, self.kept, self.other, viewer)

    def paid_for(self):
        with as_system(self.org) as db:
            return db.scalars(select(Payment.event_id).where(Payment.id == self.payment)).one()


def contact_of(world, event):
    with as_system(world.org) as db:
        return db.get_one(Event, (world.org, event)).contact_id


def edit(world, contact, *emails):
    by = world.mara
    with by.transaction() as db:
        before = details_of(db, db.get_one(Contact, (world.org, contact)))
        change_contact(db, contact, before, replace(before, emails=emails), by)


def test_what_was_paid_under_an_address_follows_when_it_is_added_and_removed():
    world = World()
    lead = contact_of(world, world.event("Ana"))
    card = world.card(email=PARTNER)
    before = world.payment(card).attribution_reason
    edit(world, lead, LEAD, PARTNER)
    assert (world.closer_of(card), world.approved(1)) == ("Ana", [("Ana", Decimal(4997))])
    edit(world, lead, LEAD)
    payment = world.payment(card)
    assert (payment.event_id, payment.closer_id, payment.attribution_reason) == (None, None, before)


def test_a_removed_address_leaves_what_was_said_of_its_payments_to_those_who_had_it():
    world = World()
    lead = contact_of(world, world.event("Ana", at=NOON + 9 * DAY))
    card = world.card(email=PARTNER)
    alone = world.payment(card).attribution_reason
    edit(world, lead, LEAD, PARTNER)
    assert "the next one is of" in world.payment(card).attribution_reason
    edit(world, lead, LEAD)
    assert world.payment(card).attribution_reason == alone


def test_cash_on_a_form_and_a_card_under_an_added_address_are_the_same_money_at_once():
    world = World()
    event = world.event("Ana")
    entry, card = world.form(event), world.card(email=PARTNER)
    edit(world, contact_of(world, event), LEAD, PARTNER)
    assert world.cash() == {"Ana": Decimal(4997)}
    assert world.payment(entry).superseded_by_id == card
    edit(world, contact_of(world, event), LEAD)
    assert world.cash() == {"Ana": Decimal(4997), None: Decimal(4997)}


def test_a_contact_that_is_created_with_two_addresses_brings_their_payments_together():
    world = World()
    with as_system(world.org) as db:
        ana = world.closers["Ana"]
        event = make.event(db, world.org, ana, email="kim@example.com").id
    card = world.card(email=PARTNER)
    with world.mara.transaction() as db:
        create_contact(db, ContactDetails("Kim", ("kim@example.com", PARTNER)), world.mara)
    assert world.payment(card).event_id == event


@pytest.fixture
def pair():
    return Pair()


def test_everything_of_either_is_ones(pair):
    before = pair.paid_for()

    pair.merge()

    assert (before, pair.paid_for()) == (pair.missed, pair.event)
    with pair.manager.transaction() as db:
        for owned in (Lead.contact_id, Event.contact_id, ContactEmail.contact_id):
            assert set(db.scalars(select(owned))) == {pair.kept}
        assert details_of(db, db.get_one(Contact, (pair.org, pair.kept))) == replace(
            KEPT,
            emails=("lena@example.com", "l.vogt@example.com"),
            phones=("+4520123456", "+4530303030"),
            tags=("VIP", "Webinar"),
            company="Vogt & Co",
            external_ids={"hubspot": "12345"},
        )
        said = set(db.scalars(select(Activity.summary).where(Activity.contact_id == pair.kept)))
    assert f"Another contact merged into this one by {pair.manager.name}" in said
    assert f"Lead created by {pair.manager.name}" in said


def test_nothing_of_the_other_is_lost(pair):
    pair.merge()
    with as_system(pair.org) as db:
        other = db.get_one(Contact, (pair.org, pair.other))
        assert (other.name, other.email, other.city, other.merged_into_id) == (
            "L. Vogt",
            "l.vogt@example.com",
            "Odense",
            pair.kept,
        )
        [detail] = db.scalars(select(Activity.detail).where(Activity.detail.has_key("merged")))
    assert detail["merged"] == str(pair.other)
    assert detail["moved"]["events.contact_id"] == [str(pair.missed)]
    assert detail["moved"]["leads.contact_id"] == [str(pair.lead)]
    with make.viewer(pair.org).transaction() as db:
        moved = text("""select count(*) from app.audit_logs where table_name = 'contacts'
            and row_id = :other and changes -> 'merged_into_id' ->> 1 = :kept""")
        asked = {"other": str(pair.other), "kept": str(pair.kept)}
        assert db.scalar(moved, asked) == 1


@pytest.mark.parametrize(
    "late",
    [
        Person("L.", "L.Vogt@example.com"),
        Person("L.", None, "20 12 34 56"),
        Person("L.", None, "30 30 30 30"),
    ],
    ids=["address", "number", "further number"],
)
def test_what_still_arrives_about_the_other_is_the_ones(pair, late):
    pair.merge()
    with as_system(pair.org) as db:
        assert find_or_make_contact(db, late, "DK").id == pair.kept
        assert db.scalar(select(func.count()).select_from(Contact)) == 2


def test_the_other_is_listed_no_more_and_its_address_leads_to_the_one(pair):
    pair.merge()
    with pair.manager.transaction() as db:
        assert list(contacts_table(db, ContactFilter("vogt"))["id"]) == [pair.kept]
        assert contact_detail(db, pair.other).Contact.id == pair.kept


def test_a_third_contact_follows_to_whoever_is_the_last_one(pair):
    with pair.manager.transaction() as db:
        last = create_contact(db, ContactDetails("Lena V."), pair.manager).id
    pair.merge()
    with pair.manager.transaction() as db:
        merge_contacts(db, last, pair.kept, pair.manager)
        assert set(db.scalars(select(Contact.merged_into_id).where(Contact.id != last))) == {last}
        assert set(db.scalars(select(Event.contact_id))) == {last}


def test_whoever_wanted_no_messages_gets_none_at_any_number(pair):
    with as_system(pair.org) as db:
        db.get_one(Contact, (pair.org, pair.kept)).unsubscribed_at = now()
    pair.merge()
    with as_system(pair.org) as db:
        for number in ("+4520123456", "+4530303030"):
            with pytest.raises(Suppressed):
                check_may_be_texted(db, OutboxMessage(recipient=number))


def test_the_closer_of_either_booking_reads_the_one(pair):
    pair.merge()
    with pair.rep.transaction() as db:
        assert db.scalars(select(Contact.id)).all() == [pair.kept]


def test_only_who_sees_every_contact_merges(pair):
    org = pair.org
    with pytest.raises(NotAllowed):
        pair.merge(pair.rep)
    with pytest.raises(ProgrammingError), pair.rep.transaction() as db:
        db.execute(select(func.app.merge_contacts(pair.other, pair.kept)))
    with make.viewer(org).transaction() as db:
        db.execute(text("update app.access_settings set managers_see_their_team_only = true"))
    with pytest.raises((NotAllowed, NotFound)):
        pair.merge()
    with pytest.raises(ProgrammingError), pair.manager.transaction() as db:
        db.execute(select(func.app.merge_contacts(pair.other, pair.kept)))


def test_a_contact_is_merged_once_and_never_with_itself(pair):
    pair.merge()
    with pytest.raises(NotFound):
        pair.merge()
    with pytest.raises(InvalidInput), pair.manager.transaction() as db:
        merge_contacts(db, pair.kept, pair.kept, pair.manager)


def test_an_erasure_reaches_what_was_merged(pair):
    pair.merge()
    with make.viewer(pair.org).transaction() as db:
        erase_person(db, "l.vogt@example.com", typed="l.vogt@example.com")
    with as_system(pair.org) as db:
        said = [
            (each.name, each.phone, each.company, each.city, each.external_ids)
            for each in db.scalars(select(Contact))
        ]
        assert said == [("Erased person", None, None, None, {})] * 2
        assert "ogt" not in str(db.execute(text("select * from app.contact_phones")).all())


def test_every_table_with_a_contact_is_moved(pair):
    with as_system(pair.org) as db:
        script = db.scalar(text("select prosrc from pg_proc where proname = 'move_to_contact'"))
    having = {table.name for table in metadata.sorted_tables if "contact_id" in table.columns}
    assert {name for name in having if f"update app.{name} t set contact_id" in script} == having
