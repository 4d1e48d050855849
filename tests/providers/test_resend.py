"""Resend reports addresses that cannot or must not be written to: each organisation learns of its
own, in any order.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

import core.providers.resend
from core.deliveries.reading import read_payload
from core.messages.suppression_list import suppress
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.normalization import normalize_email
from core.providers.payloads import TEST_DELIVERY, example, payload, payload_files
from tests import factories as make
from tests import payloads as samples
from tests.examples import whole_histories
from tests.flow import sender, work
from tests.providers.generations import spoilt
from tests.providers.history import SUPPRESSED, History, rows, shuffled

AT = datetime(2026, 11, 2, 15, tzinfo=UTC)


def event(kind="email.bounced", email="Lead.One@Example.com", *, minutes=0, **values):
    return samples.resend_event(kind, email, AT + timedelta(minutes=minutes), **values)


def suppressed(history):
    return [(row["email_normalized"], row["reason"]) for row in history.rows(SUPPRESSED)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (event(bounce="Permanent"), "bounced"),
        (event("email.complained"), "complained"),
        (event("email.suppressed"), "bounced"),
    ],
)
def test_an_address_that_bounced_for_good_or_complained_is_noted(told, reason):
    history = History("resend")
    [outcome] = history.deliver(told)
    assert (outcome.ignored, suppressed(history)) == (None, [("lead.one@example.com", reason)])


@pytest.mark.parametrize(
    "told",
    [
        event(bounce="Temporary"),
        event(bounce="Transient"),
        event(bounce="Undetermined"),
        event("email.delivered"),
        event("email.opened"),
        event("email.delivery_delayed"),
        {"type": "contact.created", "data": {}},
        {"type": "email.sent"},
        {"type": 7},
    ],
)
def test_everything_else_is_nothing_of_ours(told):
    history = History("resend")
    [outcome] = history.deliver(told)
    assert outcome.ignored
    assert suppressed(history) == []


def test_every_recipient_of_a_bounced_email_is_noted():
    history = History("resend")
    told = event(bounce="Permanent")
    told["data"]["to"] = ["a@example.com", "B@example.com", "no address"]
    history.deliver(told)
    assert suppressed(history) == [("a@example.com", "bounced"), ("b@example.com", "bounced")]


@pytest.mark.parametrize("as_object", [False, True])
def test_an_email_of_another_organisation_in_the_same_account_is_not_ours_to_judge(as_object):
    history = History("resend")
    mine, other = (
        event(email=f"{whose}@example.com", bounce="Permanent", organization_id=org)
        for whose, org in (("mine", history.org), ("other", uuid4()))
    )
    for told in (mine, other):
        if as_object:
            told["data"]["tags"] = {tag["name"]: tag["value"] for tag in told["data"]["tags"]}
    outcomes = history.deliver(mine, other)
    assert [outcome.ignored for outcome in outcomes] == [
        None,
        "the e-mail was another organisation's",
    ]
    assert suppressed(history) == [("mine@example.com", "bounced")]


def test_a_complaint_outweighs_a_bounce_and_a_bounce_an_unsubscription():
    org = make.organization()
    with as_system(org) as db:
        for reason in ("bounced", "unsubscribed", "complained", "bounced"):
            suppress(db, "a@example.com", reason, AT)
        suppress(db, "b@example.com", "unsubscribed", AT)
        suppress(db, "b@example.com", "bounced", AT)
    assert [row["reason"] for row in rows(org, SUPPRESSED)] == ["complained", "bounced"]


STORY = [
    event(bounce="Permanent"),
    event(bounce="Permanent", minutes=9),
    event("email.complained", minutes=5),
    event("email.complained", minutes=3),
    event(bounce="Temporary"),
    event("email.complained", "b@example.com", minutes=1),
    event("email.suppressed", "b@example.com"),
    event("email.bounced", "c@example.com", minutes=2, bounce="Permanent"),
]


def told(deliveries):
    history = History("resend")
    history.deliver(*deliveries)
    return history.rows(SUPPRESSED)


@cache
def in_order():
    return told(STORY)


@whole_histories()
@given(
    order=st.permutations(range(len(STORY))),
    repeated=st.lists(st.integers(0, len(STORY) - 1), max_size=4),
)
def test_any_order_and_any_repetition_notes_the_same(order, repeated):
    assert told(shuffled(STORY, order, repeated)) == in_order()


def test_a_bounce_comes_in_over_the_receiver_and_stops_the_next_email(running):
    org = make.organization()
    to = sender(org, "resend")
    answer = running(lambda: to.post(event(bounce="Permanent")))
    assert answer.status_code == 200
    work()
    with as_system(org) as db:
        assert db.scalars(text("select status from app.webhook_deliveries")).all() == ["processed"]
        assert db.scalars(text("select reason from app.suppressed_emails")).all() == ["bounced"]


FILES = [file for file in payload_files("resend") if file != TEST_DELIVERY]
FIELDS = Path(core.providers.resend.__file__).with_name("FIELDS.md")


@pytest.mark.parametrize("file", FILES)
def test_every_field_of_a_payload_file_is_decided(file):
    made = payload("resend", file, example())
    names = {name for name in made if name != "data"} | {f"data.{name}" for name in made["data"]}
    names |= {f"data.bounce.{name}" for name in made["data"].get("bounce", ())}
    text_ = FIELDS.read_text()
    assert [name for name in names - {"data.bounce"} if f"`{name}`" not in text_] == []


@pytest.mark.parametrize("file", [*FILES, "email.suppressed"])
def test_no_shape_loses_a_delivery_or_blocks_another_address(file):
    """Each with one thing missing, null, empty, of another type or not to be stored as text."""
    made = payload("resend", "email.bounced" if file == "email.suppressed" else file, example())
    made["type"] = file
    history = History("resend")
    for each in spoilt(made):
        [outcome] = history.deliver(read_payload(json.dumps(each).encode()))
        assert outcome.ignored is None or outcome.ignored
    said = {normalize_email(address) for address in made["data"]["to"]}
    assert {address for address, _ in suppressed(history)} <= said


def test_a_bounce_without_a_moment_is_dated_by_its_arrival():
    history, before = History("resend"), now()
    told = event(bounce="Permanent") | {"created_at": None}
    told["data"].pop("created_at")
    history.deliver(told)
    [row] = history.rows(SUPPRESSED)
    assert before <= row["at"] <= now()
