"""Every provider's payload files, in whatever order and however often, become the same rows."""

import re
from datetime import timedelta
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.platform.database import as_system
from core.providers.payloads import TEST_DELIVERY, example, payload, payload_files
from core.providers.registry import inbound, with_inbound
from core.providers.registry import provider as inbound_provider
from tests import factories as make
from tests.examples import whole_histories
from tests.factories import NOON
from tests.flow import sender, work
from tests.providers.history import EVENTS, PAYMENTS, SUPPRESSED, History, shuffled

ROOT = Path(__file__).parents[2]
FILES = [(name, file) for name in with_inbound() for file in payload_files(name)]
ROWS = (EVENTS, PAYMENTS, SUPPRESSED)
DELIVERIES = "select status, event_type, last_error from app.webhook_deliveries"


@pytest.mark.parametrize(("provider", "file"), FILES)
def test_a_payload_file_is_read_as_the_event_that_it_is_named_for(provider, file):
    name = inbound(provider).event_type(payload(provider, file, example()))
    assert file == name or file.startswith(f"{name}.")


@pytest.mark.parametrize("provider", with_inbound())
def test_whatever_a_provider_sends_comes_in_and_is_understood_or_ignored(provider, running):
    org = make.organization()
    to = sender(org, provider)
    values = example()

    async def conversation():
        for file in payload_files(provider):
            sent = payload(provider, file, values | {"id": f"{values['id']}{file}"})
            assert (await to.post(sent)).status_code == 200

    running(conversation)
    work()
    with as_system(org) as db:
        came = {row.event_type: row for row in db.execute(text(DELIVERIES))}
    assert came.pop(TEST_DELIVERY).status == "test"
    assert {row.status for row in came.values()} <= {"processed", "ignored"}
    assert "processed" in {row.status for row in came.values()}


def story(provider):
    """All of the provider's payload files about one lead, a minute apart."""
    return [
        payload(provider, file, example(key="A", start=NOON, at=NOON + timedelta(minutes=minute)))
        for minute, file in enumerate(payload_files(provider))
    ]


def rows_of(provider, deliveries, size=1):
    history = History(provider)
    history.deliver(*deliveries, size=size)
    return [history.rows(query) for query in ROWS]


@cache
def in_order(provider):
    """The story and its rows."""
    sent = story(provider)
    return sent, rows_of(provider, sent)


@pytest.mark.parametrize("provider", with_inbound())
@whole_histories()
@given(data=st.data())
def test_any_order_repetition_and_size_of_batches_gives_the_same_rows(provider, data):
    sent, expected = in_order(provider)
    size = data.draw(st.integers(1, len(sent) + 3))
    order = data.draw(st.permutations(range(len(sent))))
    repeated = data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=3))
    assert rows_of(provider, shuffled(sent, order, repeated), size) == expected


WHO = """
    select lead_name from app.events union
    select customer_name from app.payments where customer_name is not null
"""


@pytest.mark.parametrize("half", ["\x00", "\ud83d"], ids=["zero character", "half character"])
@pytest.mark.parametrize("provider", with_inbound())
def test_what_no_text_can_hold_is_taken_out_of_every_text_and_name(provider, half, running):
    org = make.organization()
    to, values = sender(org, provider), example(name=f"Lead{half} One")
    files = [file for file in payload_files(provider) if file != TEST_DELIVERY]

    async def conversation():
        for file in files:
            sent = payload(provider, file, values | {"id": f"{values['id']}{file}"})
            answer = await to.post(sent | {f"extra{half}": {f"name{half}": half}})
            assert answer.status_code == 200

    running(conversation)
    work()
    with as_system(org) as db:
        statuses = list(db.scalars(text("select status from app.webhook_deliveries")))
        assert len(statuses) == len(files)
        assert set(statuses) <= {"processed", "ignored"}
        assert set(db.scalars(text(WHO))) <= {"Lead One"}


def test_a_placeholder_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="email"):
        payload("stripe", "charge.succeeded", {"id": "1", "key": "A", "at": NOON})


def test_a_placeholder_is_the_value_itself_or_stands_inside_a_text():
    made = payload("calendly", "invitee.created", example(key="K", meeting="M", setter=None))
    assert made["payload"]["uri"].endswith("/scheduled_events/M/invitees/K")
    assert made["payload"]["tracking"]["utm_source"] is None


@pytest.mark.parametrize("provider", with_inbound())
def test_people_are_asked_for_every_delivery_that_becomes_rows(provider):
    lines = (ROOT / "docs/operations.md").read_text().splitlines()
    start = f"| {inbound_provider(provider).label} | "
    [chosen] = [line for line in lines if line.startswith(start) and line.count("|") == 5]
    patterns = re.findall(r"`([^`]+)`", chosen.split("|")[4])
    files = [file for file in payload_files(provider) if file != TEST_DELIVERY]
    sent = [payload(provider, file, example(key="A", start=NOON, at=NOON)) for file in files]
    names = {inbound(provider).event_type(each) for each in read_of(provider, sent)}
    assert names
    assert [name for name in names if not any(fnmatch(name, each) for each in patterns)] == []


def read_of(provider, sent):
    """Those of the deliveries that are not ignored when all others have come before them."""
    history = History(provider)
    history.deliver(*sent)
    outcomes = history.deliver(*sent)
    return [each for each, outcome in zip(sent, outcomes, strict=True) if not outcome.ignored]
