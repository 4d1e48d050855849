"""People and jobs that write the same payments at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import text

from core.bookings.models import Event
from core.money.attribution import attribute_event
from core.money.payouts import StaleDraft, approve, create_snapshot, get_snapshot, mark_paid
from core.money.settings import MONEY
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import Conflict
from core.tenancy.organizations.settings import change_settings
from tests import factories as make
from tests.factories import NOON
from tests.money.world import PARTNER, World
from tests.ports import somebody_waits, until


def test_a_form_is_corrected_while_its_payments_are_attributed():
    """The correction takes the event, then its payment; whoever attributes has the payment, and
    refers to the event. Neither may wait for the other.
    """
    world = World()
    event = world.event("Ana")
    world.form(event, by=world.reps["Ana"])
    other = world.card(email=PARTNER)
    with as_system(world.org) as db:
        lock_books(db)
        db.get_one(Event, (world.org, event)).closer_id = world.closers["Bo"].id
    failed = []

    def correct():
        try:
            world.form(event, "5000")
        except Exception as error:
            failed.append(error)

    correction = Thread(target=correct)
    with as_system(world.org) as db:
        attribute_event(db, event)
        correction.start()
        until(somebody_waits)
        db.execute(
            text("update app.payments set event_id = :event where id = :other"),
            {"event": event, "other": other},
        )
    correction.join(30)
    assert failed == []
    assert world.cash()["Bo"] == 5000


def test_a_payout_is_marked_as_paid_by_two_people():
    world = World()
    world.form(world.event("Ana"))
    admin = make.viewer(world.org)
    with admin.transaction() as db:
        days = Period(NOON.date().replace(day=1), NOON.date(), "UTC")
        payout = create_snapshot(db, "November", days, admin).id
        approve(db, payout, admin)

    def mark():
        with admin.transaction() as db:
            get_snapshot(db, payout)
            mark_paid(db, payout, admin)

    with ThreadPoolExecutor(1) as other:
        with admin.transaction() as db:
            mark_paid(db, payout, admin)
            marking = other.submit(mark)
            until(somebody_waits)
        with pytest.raises(Conflict, match="Only an approved payout"):
            marking.result(30)


def test_the_day_that_payouts_start_with_is_set_while_one_is_approved():
    world = World()
    world.form(world.event("Ana"))
    admin = make.viewer(world.org)
    start = NOON.date().replace(day=1)
    with admin.transaction() as db:
        payout = create_snapshot(
            db, "November", Period(start, NOON.date() + timedelta(days=1), "UTC"), admin
        ).id

    def approve_it():
        with admin.transaction() as db:
            approve(db, payout, admin)

    with ThreadPoolExecutor(1) as other:
        with admin.transaction() as db:
            change_settings(db, MONEY, {"payouts_start": NOON.date() + timedelta(days=1)})
            approving = other.submit(approve_it)
            until(somebody_waits)
        with pytest.raises(StaleDraft):
            approving.result(30)
