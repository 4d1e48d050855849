"""Calendly's deliveries, in whatever order and however often, become the same events."""

from datetime import timedelta
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platform.database import as_system
from tests import factories as make
from tests import payloads as samples
from tests.examples import whole_histories
from tests.providers.history import EVENTS, History, shuffled
from tests.providers.story import START, call, story, team


def test_a_booking_has_the_host_as_closer_and_the_utm_value_as_setter():
    history = History("calendly")
    team(history)
    history.deliver(samples.calendly_created(call("  Lead.ONE@Example.com ")))
    [event] = history.rows(EVENTS)
    assert (
        event["lead_email_normalized"],
        event["closer_name"],
        event["setter_name"],
        event["call_status"],
    ) == ("lead.one@example.com", "Closer One", "Setter One", "scheduled")


def test_an_unknown_setter_is_kept_as_text():
    history = History("calendly")
    history.deliver(samples.calendly_created(call(setter="somebody-new")))
    assert [event["setter_name"] for event in history.rows(EVENTS)] == ["somebody-new"]


def test_the_setter_can_come_from_an_answer():
    history = History("calendly", setter_question="Who invited you to this booking?")
    team(history)
    booking = samples.calendly_created(call(setter=None))
    booking["payload"]["questions_and_answers"] = [
        {"question": "Who invited you to this booking?", "answer": "setter one", "position": 0}
    ]
    history.deliver(booking)
    assert [event["setter_name"] for event in history.rows(EVENTS)] == ["Setter One"]


def test_of_several_hosts_the_closer_is_credited_and_the_others_are_noted():
    history = History("calendly")
    team(history)
    booking = samples.calendly_created(call())
    booking["payload"]["scheduled_event"]["event_memberships"].insert(
        0, {"user": "u0", "user_email": "guide@example.com"}
    )
    history.deliver(booking)
    assert history.rows(
        "select closer_name, other_hosts -> 0 ->> 'email' as other from app.events"
    ) == [{"closer_name": "Closer One", "other": "guide@example.com"}]


def test_a_group_event_is_one_event_per_invitee():
    history = History("calendly")
    first = call()
    history.deliver(
        *[
            samples.calendly_created(
                call(f"lead.{number}@example.com", event_uuid=first.event_uuid)
            )
            for number in range(3)
        ]
    )
    assert len(history.rows(EVENTS)) == 3


@pytest.mark.parametrize("kind", ["event_type.created", "contact.updated", "something.new"])
def test_what_is_no_booking_is_ignored_with_a_reason(kind):
    [outcome] = History("calendly").deliver(
        {"event": kind, "created_at": "2026-11-02T15:04:05Z", "payload": {}}
    )
    assert outcome.ignored


STORY = story()


def told(deliveries, size=1):
    history = History("calendly")
    team(history)
    history.deliver(*deliveries, size=size)
    return history.rows(EVENTS)


def test_a_reschedule_is_the_same_booking():
    events = [
        event for event in told(STORY) if event["lead_email_normalized"] == "lead.one@example.com"
    ]
    assert [event["call_status"] for event in events] == ["rescheduled", "rescheduled", "scheduled"]
    assert {event["booked_at"] for event in events} == {START - timedelta(days=3)}
    assert {event["setter_name"] for event in events} == {"Setter One"}
    assert [event["closer_name"] for event in events] == ["Closer One", "Closer Two", "Closer One"]
    assert [event["moved_to"] for event in events] == [
        START + timedelta(days=1),
        START + timedelta(days=2),
        None,
    ]


def test_a_late_cancellation_and_a_no_show_are_told_apart():
    by_lead = {event["lead_email_normalized"]: event for event in told(STORY)}
    assert (
        by_lead["lead.three@example.com"]["call_status"],
        by_lead["lead.three@example.com"]["canceled_late"],
    ) == ("canceled", True)
    assert (
        by_lead["lead.two@example.com"]["call_status"],
        by_lead["lead.two@example.com"]["no_show_party"],
    ) == ("no_show", "guest")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_of_two_bookings_either_may_say_that_one_replaces_the_other_in_any_order(order):
    first, second = call(), call(start=START + timedelta(days=1), setter=None)
    one = samples.calendly_created(first, booked_at=START - timedelta(days=3))
    moved = samples.calendly_canceled(one, at=START - timedelta(days=2), new=second.uri)
    two = samples.calendly_created(second, booked_at=START - timedelta(days=2))
    before, after = told([(one, moved, two)[place] for place in order])
    assert (before["call_status"], before["moved_to"]) == ("rescheduled", after["scheduled_at"])
    assert (after["setter_name"], after["booked_at"]) == ("Setter One", START - timedelta(days=3))


@cache
def in_order():
    return told(STORY)


@whole_histories()
@given(
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=5),
    size=st.integers(1, len(STORY) + 5),
)
def test_any_order_repetition_and_size_of_batches_gives_the_same_events(order, repeated, size):
    assert told(shuffled(STORY, order, repeated), size) == in_order()


def test_of_two_closers_who_host_together_the_first_listed_is_credited_whatever_comes_first():
    ana, bo = (
        {"user": f"u/{name}", "user_email": f"{name}@example.com", "user_name": name}
        for name in ("Ana", "Bo")
    )
    made = samples.calendly_created(samples.SampleBooking("lead.one@example.com", START))
    marked = samples.calendly_no_show(made, at=START + timedelta(hours=1))
    for hosts in ([ana, bo], [bo, ana]):
        listed = [
            each | {"payload": with_hosts(each["payload"], order)}
            for each, order in ((made, hosts), (marked, hosts[::-1]))
        ]
        for order in (listed, listed[::-1], [*listed, listed[0]]):
            history = History("calendly")
            with as_system(history.org) as db:
                for name in ("Ana", "Bo"):
                    make.closer(db, history.org, name, email=f"{name}@example.com")
            history.deliver(*order)
            [row] = history.rows("select closer_name, other_hosts from app.events")
            assert row["closer_name"] == hosts[0]["user_name"]
            assert [each["name"] for each in row["other_hosts"]] == [hosts[1]["user_name"]]


def with_hosts(invitee, hosts):
    return invitee | {"scheduled_event": invitee["scheduled_event"] | {"event_memberships": hosts}}
