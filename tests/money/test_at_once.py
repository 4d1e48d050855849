"""People and jobs that write the same payments at the same moment."""

from threading import Thread

from sqlalchemy import text

from core.bookings.models import Event
from core.money.attribution import attribute_event
from core.platform.database import as_system
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
