"""A booking is known by its platform and the platform's own id, whichever platform that is."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.bookings.booking import Booking, Cancellation
from core.bookings.form_answers import FormAnswers
from core.bookings.intake import record_booking
from core.bookings.models import Event
from core.money.form_filing import file_form, withdraw_form
from core.people.actions import Person
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.factories import NOON


def book(org, external_id, *, at=NOON, platform="acuity", **more):
    """A platform's report of one booking, made two days before its first time."""
    with as_system(org) as db:
        known = {"scheduled_at": at, "booked_at": NOON - timedelta(days=2), "platform": platform}
        person = Person("Lead One", "lead.one@example.com")
        return record_booking(db, Booking(person, external_id=external_id, **known, **more)).id


def events(org):
    with as_system(org) as db:
        return list(db.scalars(select(Event).order_by(Event.scheduled_at)))


@pytest.mark.parametrize("replaces", [None, "1480291537"])
def test_a_booking_that_moves_under_the_same_id_is_one_event_at_its_new_time(replaces):
    org = make.organization()
    later = NOON + timedelta(days=3)
    before = book(org, "1480291537", setter_mentions=["sam"])

    after = book(
        org, "1480291537", at=later, setter_mentions=["sam"], replaces_external_id=replaces
    )

    [event] = events(org)
    assert (before, event.id) == (after, after)
    assert (event.scheduled_at, event.booked_at) == (later, NOON - timedelta(days=2))
    assert (event.call_status, event.setter_name) == ("scheduled", "sam")
    assert (event.acuity_appointment_id, event.calendly_invitee_uuid) == ("1480291537", None)


def test_one_id_on_two_platforms_is_two_bookings():
    org = make.organization()
    assert book(org, "7", platform="acuity") != book(org, "7", platform="calendly")
    assert {
        (event.acuity_appointment_id, event.calendly_invitee_uuid) for event in events(org)
    } == {
        ("7", None),
        (None, "7"),
    }


@pytest.mark.parametrize("platform", ["calendly", "acuity", "another"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_chain_of_bookings_is_followed_on_every_platform_in_any_order(platform, order):
    org = make.organization()
    moved = Cancellation(moved=True)
    chain = [
        ("a", {"setter_mentions": ["sam"], "cancellation": moved}),
        ("b", {"at": NOON + timedelta(days=1), "replaces_external_id": "a", "cancellation": moved}),
        ("c", {"at": NOON + timedelta(days=2), "replaces_external_id": "b"}),
    ]
    stranger = book(org, "a", at=NOON - timedelta(days=9), platform="elsewhere")
    for number in order:
        external_id, facts = chain[number]
        book(org, external_id, platform=platform, **facts)

    known = {event.external_id: event for event in events(org) if event.id != stranger}
    assert [known[key].call_status for key in "abc"] == ["rescheduled", "rescheduled", "scheduled"]
    assert [known[key].setter_name for key in "abc"] == ["sam"] * 3
    assert known["a"].rescheduled_to_id == known["b"].id
    assert known["b"].rescheduled_to_id == known["c"].id


def test_bookings_that_people_entered_have_no_id_and_no_predecessor():
    org = make.organization()
    first, second = book(org, None, platform="manual"), book(org, None, platform="manual")
    assert first != second
    assert [event.rescheduled_to_id for event in events(org)] == [None, None]


LATER = NOON + timedelta(days=16)
HELD = FormAnswers(call_occurred=True, lead_showed=True, offer_made=True, deal_closed=True)
MISSED = FormAnswers(call_occurred=True, lead_showed=False)


def reported(org, answers, *, filed_at=NOON + timedelta(hours=1), **more):
    """A booking under an id that its platform goes on using, and its form."""
    event_id = book(org, "7", setter_mentions=["sam"], **more)
    by = make.viewer(org)
    with by.transaction() as db:
        file_form(db, event_id, answers, by, at=filed_at)
    return event_id, by


def states(org):
    return [(event.scheduled_at, event.call_status, event.event_outcome) for event in events(org)]


@pytest.mark.parametrize(
    ("answers", "state"),
    [(HELD, ("completed", "closed")), (MISSED, ("no_show", "no_show"))],
    ids=["held", "missed"],
)
def test_a_meeting_whose_form_was_filed_stays_when_its_id_is_given_a_later_time(answers, state):
    org = make.organization()
    event_id, by = reported(org, answers)
    for _ in range(2):
        book(org, "7", at=LATER, setter_mentions=["sam"])

    assert states(org) == [(NOON, *state), (LATER, "scheduled", None)]
    first, second = events(org)
    assert (first.id, first.rescheduled_to_id) == (event_id, second.id)
    assert (second.acuity_appointment_id, second.setter_name) == ("7", "sam")
    with by.transaction() as db:
        withdraw_form(db, event_id, by)
    assert states(org) == [(NOON, "scheduled", None), (LATER, "scheduled", None)]


def test_a_reported_meeting_does_not_follow_a_time_that_was_past_when_it_was_reported():
    org = make.organization()
    reported(org, HELD)
    book(org, "7", at=NOON + timedelta(minutes=30))
    assert states(org) == [(NOON, "completed", "closed")]


def test_a_booking_that_is_moved_again_and_back_again_is_held_once():
    org = make.organization()
    reported(org, HELD)
    for at in (LATER, NOON, NOON):
        book(org, "7", at=at)
    assert states(org) == [(NOON, "completed", "closed"), (LATER, "rescheduled", None)]

    book(org, "7", at=LATER + timedelta(days=1))
    assert [state for _, state, _ in states(org)] == ["completed", "scheduled"]


def test_a_booking_that_was_moved_before_its_time_was_missed_by_nobody():
    org = make.organization()
    ahead = now() + timedelta(days=1)
    reported(org, FormAnswers(call_occurred=False), filed_at=now(), at=ahead)
    book(org, "7", at=ahead + timedelta(days=1))
    assert [state for _, state, _ in states(org)] == ["rescheduled", "scheduled"]


def test_a_meeting_that_was_marked_as_missed_stays_when_its_id_is_given_a_later_time():
    org, marked_at = make.organization(), NOON + timedelta(hours=1)
    book(org, "7", setter_mentions=["sam"], no_show_at=marked_at)
    for mark in (marked_at, marked_at, None):  # a platform may go on reporting it, or stop
        book(org, "7", at=LATER, setter_mentions=["sam"], no_show_at=mark)

        assert states(org) == [(NOON, "no_show", "no_show"), (LATER, "scheduled", None)]
    first, second = events(org)
    assert (first.rescheduled_to_id, second.setter_name) == (second.id, "sam")

    book(org, "7", at=LATER, no_show_at=LATER + timedelta(hours=1))
    assert [state for _, state, _ in states(org)] == ["no_show", "no_show"]


def test_a_meeting_that_was_marked_early_and_moved_in_time_was_missed_by_nobody():
    org, ahead = make.organization(), now() + timedelta(days=1)
    book(org, "7", at=ahead, no_show_at=now())
    book(org, "7", at=ahead + timedelta(days=1), no_show_at=None)
    assert [state for _, state, _ in states(org)] == ["rescheduled", "scheduled"]


def test_a_meeting_that_has_passed_is_still_to_be_reported_when_its_id_is_given_a_time_to_come():
    org, ahead = make.organization(), now() + timedelta(days=1)
    event_id = book(org, "7")
    book(org, "7", at=ahead)
    assert states(org) == [(NOON, "scheduled", None), (ahead, "scheduled", None)]

    by = make.viewer(org)
    with by.transaction() as db:
        file_form(db, event_id, HELD, by)
    assert states(org) == [(NOON, "completed", "closed"), (ahead, "scheduled", None)]
