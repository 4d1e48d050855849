"""What a batch of deliveries says is what they say one by one, each at the time of its arrival."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.deliveries.models import WebhookConnection
from core.platform.database import as_system
from core.providers.connections import create_connection
from core.providers.payloads import example, payload
from core.providers.provider import Delivered
from core.providers.registry import inbound
from tests import factories as make
from tests import payloads as samples
from tests.flow import work

START = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
EARLY = START - 72 * HOUR
QUERIES = (
    """
    select split_part(external_id, ' ', 1) as booking, lead_email, lead_phone, scheduled_at,
      booked_at, call_status, no_show_party, closer_name, closer_id is null as is_nobodys,
      setter_name, (select coalesce(c.email, c.phone) from app.contacts c
        where c.id = e.contact_id) as contact,
      (select t.name from app.call_types t where t.id = e.call_type_id) as call_type
      from app.events e order by 1, 4
    """,
    "select name, email, phone_e164 from app.contacts order by 2, 3",
    """
    select c.email, c.phone, l.received_at, l.original_setter_name, l.current_setter_name
      from app.leads l join app.contacts c on c.id = l.contact_id order by 1, 2, 3
    """,
    """
    select p.customer_email, p.amount, p.attribution_method, (select c.name from app.closers c
        where c.id = p.closer_id) as closer from app.payments p order by 1
    """,
    "select type, summary from app.activities order by 1, 2",
)


def rows_after(history, size):
    """Every row that deliveries make, given with when they arrived, in batches of this size."""
    org = make.organization()
    with as_system(org) as db:
        make.closer(db, org, "Ana", email="closer.one@example.com")
        make.closer(db, org, "Bo", email="closer.two@example.com")
        make.setter(db, org, "Sam", aliases=["setter-one"])
        connections = {
            name: create_connection(db, name, "Test", "secret").id
            for name in ("calendly", "stripe")
        }
    for first in range(0, len(history), size):
        with as_system(org) as db:
            known = {
                name: db.get_one(WebhookConnection, (org, connections[name]))
                for name in connections
            }
            for name, connection in known.items():
                batch = [
                    Delivered(connection, content, at)
                    for provider, content, at in history[first : first + size]
                    if provider == name
                ]
                inbound(name).handle(db, batch)
    work()
    with as_system(org) as db:
        return [db.execute(text(query)).all() for query in QUERIES]


def made(email="lead.one@example.com", start=START, booked_at=EARLY, **changes):
    booking = samples.calendly_created(samples.SampleBooking(email, start), booked_at=booked_at)
    booking["payload"] |= changes
    return booking


def moved(booking, to, at):
    """The same booking under its id, with another time."""
    other = deepcopy(booking)
    times = {"start_time": to.isoformat(), "end_time": (to + HOUR).isoformat()}
    other["payload"]["scheduled_event"] |= times
    other["payload"]["updated_at"] = other["created_at"] = at.isoformat()
    return other


def hosted(booking, **host):
    other = deepcopy(booking)
    other["payload"]["scheduled_event"]["event_memberships"] = [host]
    return other


def paid(email="lead.one@example.com", at=START + HOUR):
    charge = samples.stripe_charge("A", 499700, email, at)
    return "stripe", samples.stripe_event("charge.succeeded", charge, at), at


def histories():
    """By what is at stake: deliveries with when they arrived."""
    one = made()
    missed = samples.calendly_no_show(one, at=START + 0.3 * HOUR)
    later = START + 240 * HOUR
    yield (
        "moved after its time",
        [
            ("calendly", one, EARLY),
            ("calendly", moved(one, later, START + 20 * HOUR), START + 20 * HOUR),
            paid(),
        ],
    )
    yield (
        "missed, then moved",
        [
            ("calendly", one, EARLY),
            ("calendly", missed, START + 0.3 * HOUR),
            ("calendly", moved(one, later, START + 0.5 * HOUR), START + 0.5 * HOUR),
        ],
    )
    yield (
        "moved away and back",
        [
            ("calendly", one, EARLY),
            ("calendly", moved(one, later, START + 20 * HOUR), START + 20 * HOUR),
            ("calendly", moved(one, START, START + 21 * HOUR), START + 21 * HOUR),
        ],
    )
    user = "https://api.calendly.com/users/U1"
    unknown = hosted(made("a@example.com"), user=user, user_name="Whoever")
    known = hosted(
        made("b@example.com", START + HOUR),
        user=user,
        user_name="Whoever",
        user_email="closer.one@example.com",
    )
    yield (
        "a closer who becomes known on the way",
        [
            ("calendly", unknown, EARLY),
            ("calendly", known, EARLY + HOUR),
            ("calendly", samples.calendly_no_show(unknown, at=START + HOUR), START + HOUR),
            paid("a@example.com"),
        ],
    )
    phones = [
        made("a@example.com", text_reminder_number="+4520202020"),
        made("a@example.com", START + HOUR, text_reminder_number="+4530303030"),
        made(None, START + 2 * HOUR, text_reminder_number="+4530303030"),
    ]
    yield "a number that is not the contact's", [("calendly", each, EARLY) for each in phones]
    pair = [
        made(email, START + place * HOUR, text_reminder_number="+4520202020")
        for place, email in enumerate(("a@example.com", "b@example.com", None))
    ]
    yield "two people with one number", [("calendly", each, EARLY) for each in pair]
    form = payload("calendly", "routing_form_submission.created", example(at=START - 21 * HOUR))
    second = made("a@example.com", START + 24 * HOUR, START - 20 * HOUR)
    second["payload"]["routing_form_submission"] = form["payload"]["uri"]
    yield (
        "a routing form at the end",
        [
            ("calendly", made("a@example.com", booked_at=START - 240 * HOUR), START - 240 * HOUR),
            ("calendly", second, START - 20 * HOUR),
            ("calendly", form, START - 19 * HOUR),
        ],
    )
    gone = samples.calendly_canceled(one, at=START - 30 * HOUR, new=None)
    yield "made and cancelled", [("calendly", one, EARLY), ("calendly", gone, START - 30 * HOUR)]


@pytest.mark.parametrize("history", [pytest.param(each, id=name) for name, each in histories()])
def test_a_batch_says_what_its_deliveries_say_one_by_one(history):
    alone = rows_after(history, 1)
    for size in range(2, len(history) + 1):
        assert rows_after(history, size) == alone


def test_a_known_booking_that_gets_another_address_is_brought_to_it():
    first = made()
    other = deepcopy(first)
    other["payload"] |= {"email": "new@example.com", "updated_at": (EARLY + HOUR).isoformat()}
    rows = rows_after([("calendly", first, EARLY), ("calendly", other, EARLY + HOUR)], 1)
    assert [event.lead_email for event in rows[0]] == ["new@example.com"]
