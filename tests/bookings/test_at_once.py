"""People and deliveries that change bookings, the roster and payments at the same moment: one waits
for the other, and both are done.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.bookings.closer_reassignment import change_closer
from core.bookings.form_answers import FormAnswers
from core.bookings.lists import BY_KEY, save_entry
from core.bookings.merging import call_different
from core.bookings.models import Event, Setter
from core.bookings.roster import link_roster_to_user, link_user
from core.bookings.setter_reassignment import change_setter
from core.links.access_links import issue_link, open_link
from core.links.kinds import LinkPurpose
from core.links.portal import file_form_through_link
from core.money.attribution import choose_event
from core.money.form_filing import file_form
from core.money.models import PairVerdict, Payment
from core.money.reconciliation import decide_pair
from core.platform.advisory_locks import lock_books
from core.platform.database import WORKER_ROLE, as_system
from core.platform.errors import Conflict
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.platform_admin import delete_user
from tests import factories as make
from tests import payloads as samples
from tests.books import guarded
from tests.factories import NOON
from tests.money.world import LEAD, World, closed
from tests.ports import pausing, somebody_waits, until
from tests.providers.history import History
from tests.ui.teams import super_admin

MISSED = FormAnswers(call_occurred=False, lead_showed=False)


def paid_booking():
    made = samples.calendly_created(samples.SampleBooking(LEAD, NOON))
    made["payload"]["payment"] = {
        "external_id": "ch_1",
        "provider": "stripe",
        "amount": 100,
        "currency": "USD",
        "successful": True,
    }
    return made


def test_a_form_is_filed_while_a_delivery_about_its_paid_booking_is_processed():
    history = History("calendly")
    made = paid_booking()
    history.deliver(made)
    by = make.viewer(history.org)
    with as_system(history.org) as db:
        event_id = db.scalars(select(Event.id)).one()
    reading, go_on = threading.Event(), threading.Event()

    def file():
        with by.transaction() as db:
            file_form(db, event_id, closed(), by)

    with ThreadPoolExecutor(2) as both:
        with pausing(WORKER_ROLE, "select app.post_call_forms", reading, go_on):
            marked = samples.calendly_no_show(made, at=NOON + timedelta(hours=1))
            delivering = both.submit(history.deliver, marked)
            assert reading.wait(20)
            filing = both.submit(file)
            until(somebody_waits)
            go_on.set()
            delivering.result()
        filing.result()
    assert history.rows("select call_status from app.events") == [{"call_status": "completed"}]


def change(world, rep):
    with as_system(world.org) as db:
        ana = world.closers["Ana"]
        facts = {"name": ana.name, "email": ana.email, "active": True}
        change_closer(db, ana.id, user_id=rep.user_id, **facts)


def change_sam(world, rep):
    with as_system(world.org) as db:
        sam = db.scalars(select(Setter)).one()
        facts = {"name": sam.name, "email": sam.email, "aliases": [], "active": True}
        change_setter(db, sam.id, user_id=rep.user_id, **facts)


def link_in_team(world, rep):
    with world.admin.transaction() as db:
        link_roster_to_user(db, rep.user_id, [world.closers["Ana"].id])


def link_by_address(world, rep):
    with as_system(world.org) as db:
        link_user(db, rep.user_id, world.address)


def join(world, rep):
    with as_system(world.org) as db:
        db.add(
            OrganizationMember(
                organization_id=world.org,
                user_id=world.newcomer,
                role=Role.SALES_REP,
                name="Ana",
                email=world.address,
            )
        )


def leave(rep):
    boss = super_admin(make.viewer(make.organization()))
    with boss.transaction() as db:
        delete_user(db, rep.user_id, email=rep.email, typed=rep.email, by=boss.user_id)


@pytest.fixture
def world():
    """Ana has two bookings by Sam that were paid; neither is a user of the product yet."""
    world = World()
    world.admin = make.viewer(world.org)
    elsewhere = make.viewer(make.organization(), name="Ana")
    world.newcomer, world.address = elsewhere.user_id, elsewhere.email
    with as_system(world.org) as db:
        lock_books(db)
        ana = db.merge(world.closers["Ana"])
        ana.user_id, ana.email, ana.email_normalized = None, world.address, world.address
        sam = make.setter(db, world.org).id
    world.closers["Ana"] = ana
    addresses = ["one@example.com", "two@example.com"]
    for address in addresses:
        world.event("Ana", email=address, setter_id=sam, setter_name="Sam")
    world.cards = [world.card(key=address, email=address) for address in addresses]
    return world


@pytest.fixture(params=[(0, 1), (1, 0)], ids=["forwards", "backwards"])
def decided_meanwhile(request, world):
    """Does something while somebody decides of two payments in a row that they are nobody's."""

    def run(act):
        first, second = (world.cards[number] for number in request.param)
        with ThreadPoolExecutor(1) as other:
            with as_system(world.org) as db:
                choose_event(db, first, None, world.mara, "theirs alone")
                acting = other.submit(act)
                until(somebody_waits)
                choose_event(db, second, None, world.mara, "theirs alone")
            acting.result(30)
        return world.cash()

    return run


@pytest.mark.parametrize("table", guarded())
def test_whoever_writes_without_holding_the_books_is_noticed_in_every_test(world, table):
    event, other = world.event("Ana"), world.event("Bo")
    entered, reported = world.form(event), world.cards[0]
    with world.mara.transaction() as db:
        call_different(db, event, other, world.mara)
        decide_pair(db, entered, reported, PairVerdict.DIFFERENT, world.mara, "two sales")
    with as_system(world.org) as db:
        make.refund(db, db.get_one(Payment, (world.org, reported)), "10.00", at=NOON)
    refused = pytest.raises(DBAPIError, match=f"UPDATE of {table} without the lock on the books")
    with refused, as_system(world.org) as db:
        db.execute(text(f"update app.{table} set updated_at = now()"))


@pytest.mark.parametrize("link", [change, change_sam, link_in_team, link_by_address, join])
def test_a_rep_becomes_a_users_while_somebody_decides_whose_their_payments_are(
    world, link, decided_meanwhile
):
    """Each payment of the closer or setter has their user, so linking one writes them all."""
    rep = make.viewer(world.org, "sales_rep")
    assert decided_meanwhile(lambda: link(world, rep)) == {None: 2 * 4997}


def test_a_closers_account_is_deleted_while_somebody_decides_whose_their_payments_are(
    world, decided_meanwhile
):
    rep = make.viewer(world.org, "sales_rep")
    link_in_team(world, rep)
    assert decided_meanwhile(lambda: leave(rep)) == {None: 2 * 4997}


def test_a_form_comes_through_a_link_while_the_bookings_payments_are_attributed(world):
    event, other = world.event("Ana"), world.cards[0]
    with world.admin.transaction() as db:
        ana = world.closers["Ana"].id
        link = issue_link(db, world.admin, LinkPurpose.PORTAL, "Ana's phone", closer_id=ana)
    visitor = open_link(
        link.address.partition("?token=")[2], LinkPurpose.PORTAL, address="127.0.0.1"
    )
    with ThreadPoolExecutor(1) as through:
        with as_system(world.org) as db:
            choose_event(db, other, None, world.mara, "nobody's")
            filing = through.submit(file_form_through_link, visitor, event, MISSED)
            until(somebody_waits)
            choose_event(db, other, event, world.mara, "theirs after all")
        filing.result(30)
    assert world.payment(other).event_id == event


def test_two_people_add_the_same_entry_to_a_list():
    org = make.organization()
    entry = {"name": "Gold", "price": "", "currency": "USD"}

    def add():
        with as_system(org) as db:
            save_entry(db, BY_KEY["packages"], None, entry)

    with ThreadPoolExecutor(1) as other:
        with as_system(org) as db:
            save_entry(db, BY_KEY["packages"], None, entry)
            adding = other.submit(add)
            until(somebody_waits)
        with pytest.raises(Conflict, match="has “Gold” already"):
            adding.result(30)
