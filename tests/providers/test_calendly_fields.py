"""Every field of Calendly's payloads is decided; whatever is wrong with one, nothing is lost."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import core.providers.calendly
from core.deliveries.models import WebhookDelivery
from core.money.models import AttributionMethod
from core.platform.database import as_system
from core.providers.payloads import TEST_DELIVERY, example, payload, payload_files
from core.providers.processing import work_off
from tests import factories as make
from tests import payloads as samples
from tests.examples import whole_histories
from tests.providers.history import EVENTS, PAYMENTS, History, rows, shuffled

START = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
DECIDED = Path(core.providers.calendly.__file__).with_name("FIELDS.md")
FORM = "https://api.calendly.com/routing_form_submissions/r1"
NOTHING = dict.fromkeys(
    ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "salesforce_uuid")
)


def call(email="lead.one@example.com", **values):
    return samples.SampleBooking(email, values.pop("start", START), **values)


def booked(history, query, *deliveries):
    history.deliver(*deliveries)
    [row] = history.rows(f"select {query} from app.events")
    return row


def leaves(value, path=""):
    """The paths of a JSON value's fields, without those of its objects."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, f"{path}[]")
    else:
        yield path


def decided():
    """The fields that the page names; ``.b`` after ``a.x`` in one cell is ``a.b``."""
    for line in DECIDED.read_text().splitlines():
        if not line.startswith("| `"):
            continue
        before = ""
        for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
            before = f"{before.rpartition('.')[0]}{name}" if name.startswith(".") else name
            yield before


@pytest.mark.parametrize("file", payload_files("calendly"))
def test_every_field_of_a_payload_file_is_decided(file):
    if file == TEST_DELIVERY:
        return
    known, made = set(decided()), payload("calendly", file, example())
    fields = {path.removeprefix("payload.") for path in leaves(made)}
    objects = {"payment", "no_show", "reconfirmation", "scheduled_event.event_guests"}
    assert fields - known - objects == set()


def test_the_number_of_a_phone_call_that_the_host_makes_is_the_leads():
    delivery = samples.calendly_created(call())
    place = {"type": "outbound_call", "location": "+33612345678"}
    delivery["payload"]["scheduled_event"]["location"] = place
    row = booked(History("calendly"), "lead_phone, meeting_url", delivery)
    assert row == {"lead_phone": "+33612345678", "meeting_url": None}


def test_the_number_of_a_phone_call_that_the_lead_makes_is_the_hosts():
    delivery = samples.calendly_created(call())
    place = {"type": "inbound_call", "location": "+33612345678", "additional_info": ""}
    delivery["payload"]["scheduled_event"]["location"] = place
    assert booked(History("calendly"), "lead_phone", delivery) == {"lead_phone": None}


def test_a_link_in_place_of_a_place_is_where_the_meeting_is_joined():
    delivery = samples.calendly_created(call())
    place = {"type": "custom", "location": "https://meet.example.com/ana"}
    delivery["payload"]["scheduled_event"]["location"] = place
    row = booked(History("calendly"), "meeting_url", delivery)
    assert row == {"meeting_url": "https://meet.example.com/ana"}


@pytest.mark.parametrize(("who", "late"), [("host", False), ("invitee", True)])
def test_a_meeting_that_the_host_cancels_late_is_no_late_cancellation_of_the_lead(who, late):
    made = samples.calendly_created(call())
    gone = samples.calendly_canceled(made, at=START - timedelta(hours=1))
    gone["payload"]["cancellation"] |= {"canceler_type": who, "reason": "I am ill"}
    row = booked(History("calendly"), "call_status, canceled_party, canceled_late", made, gone)
    party = {"host": "host", "invitee": "guest"}[who]
    assert row == {"call_status": "canceled", "canceled_party": party, "canceled_late": late}


def routed(**tracking):
    made = payload("calendly", "routing_form_submission.created", example())
    made["payload"] |= {"uri": FORM, "tracking": NOTHING | tracking}
    return made


@pytest.mark.parametrize("form_first", [True, False])
def test_a_bookings_setter_and_campaign_come_from_its_routing_form(form_first):
    form = routed(utm_source="sam", utm_campaign="q4")
    made = samples.calendly_created(call())
    made["payload"] |= {"routing_form_submission": FORM, "tracking": NOTHING}
    history = History("calendly")
    with as_system(history.org) as db:
        make.setter(db, history.org, "Sam")
    deliveries = [form, made] if form_first else [made, form]
    row = booked(history, "setter_name, setter_id is null as unknown, utm_campaign", *deliveries)
    assert row == {"setter_name": "Sam", "unknown": False, "utm_campaign": "q4"}


def test_a_bookings_own_tracking_counts_before_that_of_its_routing_form():
    made = samples.calendly_created(call(setter="kim"))
    made["payload"]["routing_form_submission"] = FORM
    row = booked(History("calendly"), "setter_name", routed(utm_source="sam"), made)
    assert row == {"setter_name": "kim"}


def test_an_answer_on_the_routing_form_names_the_setter_too_and_no_other_is_stored():
    form = routed()
    form["payload"]["questions_and_answers"] += [{"question": "Who INVITED you?", "answer": "Sam"}]
    made = samples.calendly_created(call(setter=None))
    made["payload"]["routing_form_submission"] = FORM
    history = History("calendly", setter_question="Who invited you?")
    assert booked(history, "setter_name", made, form) == {"setter_name": "Sam"}
    stored = history.rows("select data::text from app.provider_objects where kind='routing_form'")
    assert "IT & Software" not in stored[0]["data"]


def paid(**changes):
    made = samples.calendly_created(call())
    made["payload"]["payment"] = {
        "external_id": "ch_A",
        "provider": "stripe",
        "amount": 1234.56,
        "currency": "USD",
        "terms": "sample terms",
        "successful": True,
    } | changes
    return made


def test_money_that_was_paid_with_a_booking_is_a_payment_to_be_matched():
    history = History("calendly")
    history.deliver(paid(), paid())
    [row] = history.rows(PAYMENTS)
    wanted = {
        "processor_payment_id": "ch_A",
        "currency": "USD",
        "status": "succeeded",
        "customer_email_normalized": "lead.one@example.com",
        "counts": True,
        "attribution_method": AttributionMethod.BOOKING,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert str(row["amount"]) == "1234.560"


@pytest.mark.parametrize(
    "changes",
    [
        {"successful": False},
        {"successful": None},
        {"amount": None},
        {"amount": "free"},
        {"amount": "NaN"},
        {"amount": -5},
        {"amount": 1e30},
        {"currency": "¤"},
        {"external_id": None},
    ],
)
def test_what_is_no_money_is_no_payment_and_the_booking_stays(changes):
    history = History("calendly")
    history.deliver(paid(**changes))
    assert history.rows(PAYMENTS) == []
    assert len(history.rows(EVENTS)) == 1


@pytest.mark.parametrize("calendly_first", [True, False])
def test_the_processors_own_record_takes_the_place_of_what_a_booking_said(calendly_first):
    bookings, processor = History("calendly"), History("stripe")
    processor.org = bookings.org
    with as_system(bookings.org) as db:
        connection = core.providers.connections.create_connection(db, "stripe", "Test", "secret")
        processor.connection_id = connection.id
    charge = samples.stripe_event(
        "charge.succeeded",
        samples.stripe_charge("A", 123456, "lead.one@example.com", START),
        START,
    )
    [external_id] = {charge["data"]["object"]["id"]}
    booking = paid(external_id=external_id)
    for history, delivery in [(bookings, booking), (processor, charge)][
        :: 1 if calendly_first else -1
    ]:
        history.deliver(delivery)
    bookings.deliver(booking)
    found = bookings.rows(
        "select p.amount, c.provider from app.payments p join app.webhook_connections c"
        " on c.id = p.connection_id where p.counts"
    )
    assert [(str(row["amount"]), row["provider"]) for row in found] == [("1234.560", "stripe")]


# Whatever is wrong with one field: it is left out, or is something else than it should be.
WRONG = st.sampled_from(
    [
        None,
        "",
        "zero\u0000 character",
        "half \ud800 of a character",
        "not what was expected",
        "2026-11-04T15:30:00Z",
        7,
        -1.5,
        True,
        [],
        {},
        ["text", 7, None, {"uri": "https://api.calendly.com/users/x"}],
        {"uri": "https://api.calendly.com/users/x", "id": "x"},
        {"zero\u0000": {"half": "\udfff"}},
    ]
)


def story():
    """What each payload file says of one lead, a minute apart."""
    return [
        payload(
            "calendly",
            file,
            example(key="A", meeting="M", start=START, at=START + timedelta(minutes=n)),
        )
        for n, file in enumerate(payload_files("calendly"))
        if file != TEST_DELIVERY
    ]


STORY = story()
PLACES = [
    (number, path)
    for number, delivery in enumerate(STORY)
    for path in sorted(
        {each.replace("[]", ".0") for each in leaves(delivery)}
        | {
            "payload",
            "payload.scheduled_event",
            "payload.tracking",
            "payload.questions_and_answers",
            "payload.cancellation",
            "payload.scheduled_event.location",
            "payload.no_show",
            "payload.scheduled_event.event_memberships",
            "payload.payment",
        }
    )
]


def mutated(deliveries, changes):
    made = copy.deepcopy(deliveries)
    for (number, path), (left_out, value) in changes:
        *way, last = path.split(".")
        here = made[number]
        for step in way:
            here = (
                here.get(step)
                if isinstance(here, dict)
                else (here[0] if isinstance(here, list) and here else None)
            )
        if isinstance(here, dict) and left_out:
            here.pop(last, None)
        elif isinstance(here, dict):
            here[last] = value
        elif isinstance(here, list) and here:
            here[0] = value
    return made


def received(deliveries):
    """Through intake, as the worker does it; what it says of each, and the rows."""
    history = History("calendly", setter_question="Who invited you?")
    for delivery in deliveries:
        with as_system(history.org) as db:
            kept = WebhookDelivery(
                organization_id=history.org,
                id=uuid4(),
                connection_id=history.connection_id,
                provider="calendly",
                delivery_key=str(uuid4()),
                body=json.dumps(delivery).encode(),
                headers={},
            )
            db.add(kept)
        work_off(history.org)
    with as_system(history.org) as db:
        outcomes = db.scalars(select(WebhookDelivery.status)).all()
        errors = db.scalars(select(WebhookDelivery.last_error)).all()
    assert set(outcomes) <= {"processed", "ignored"}, errors
    return [rows(history.org, query) for query in (EVENTS, PAYMENTS)]


CHANGES = st.lists(
    st.tuples(st.sampled_from(PLACES), st.tuples(st.booleans(), WRONG)), min_size=1, max_size=4
)


@whole_histories()
@given(
    changes=CHANGES,
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=3),
)
def test_no_shape_loses_a_delivery_and_any_order_gives_the_same_rows(changes, order, repeated):
    sent = mutated(STORY, changes)
    assert received(shuffled(sent, order, repeated)) == received(sent)


@pytest.mark.parametrize("number", range(len(STORY)))
def test_each_sample_by_itself_is_understood(number):
    received([STORY[number]])
