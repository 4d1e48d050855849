"""What a payment processor sends is right money in every generation of its API, and never another
amount than it says, however a payload is spoilt.
"""

import json
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.deliveries.reading import read_payload
from tests.examples import whole_histories
from tests.providers.generations import GENERATIONS, spoilt
from tests.providers.history import PAYMENTS, History, shuffled

ALL = [(provider, name) for provider, generations in GENERATIONS.items() for name in generations()]
each_generation = pytest.mark.parametrize(("provider", "name"), ALL)
# Gross, given back, or any of them not yet known.
SAID = {Decimal(997)}
SAID_OF_PAYMENTS = "select summary from app.activities where subject_type = 'payment'"
GIVEN_BACK = {Decimal(0), Decimal(100)}


def received(provider, deliveries, size=1):
    """As the worker reads them: cleaned, then handed over."""
    history = History(provider)
    cleaned = [read_payload(json.dumps(each).encode()) for each in deliveries]
    history.deliver(*cleaned, size=size)
    return history.rows(PAYMENTS)


@each_generation
def test_every_generation_says_the_same_money(provider, name):
    [row] = received(provider, GENERATIONS[provider]()[name])
    assert (row["amount"], row["refund_amount"], row["net_revenue"]) == (997, 100, 897)
    assert (row["currency"], row["status"]) == ("USD", "succeeded")
    if name != "v5":  # which has no address at all
        assert row["customer_email_normalized"] == "lead.one@example.com"


@pytest.mark.parametrize("provider", GENERATIONS)
@whole_histories()
@given(data=st.data())
def test_generations_mix_in_any_order_repetition_and_size_of_batches(provider, data):
    generations = [
        sent for name, sent in GENERATIONS[provider]().items() if name != "a direct charge"
    ]
    story = [each for sent in generations for each in sent]
    order = data.draw(st.permutations(range(len(story))))
    repeated = data.draw(st.lists(st.integers(0, len(story) - 1), max_size=4))
    size = data.draw(st.integers(1, len(story) + 4))
    [row] = received(provider, shuffled(story, order, repeated), size)
    assert (row["amount"], row["refund_amount"], row["counts"]) == (997, 100, True)


@each_generation
@whole_histories()
@given(data=st.data())
def test_a_spoilt_payload_never_says_another_amount_and_never_fails(provider, name, data):
    story = GENERATIONS[provider]()[name]
    number = data.draw(st.integers(0, len(story) - 1))
    ways = list(spoilt(story[number]))
    story[number] = ways[data.draw(st.integers(0, len(ways) - 1))]
    order = data.draw(st.permutations(range(len(story))))
    size = data.draw(st.integers(1, len(story) + 1))

    rows = received(provider, story)

    assert {row["amount"] for row in rows if row["counts"]} <= SAID
    assert sum(row["counts"] for row in rows) <= 1
    assert {row["refund_amount"] for row in rows} <= GIVEN_BACK
    assert received(provider, shuffled(story, order, [number]), size) == rows


@pytest.mark.parametrize("order", [(0,), *permutations(range(3))], ids=str)
def test_a_charge_that_is_listed_in_an_intent_is_its_though_it_does_not_say_so(order):
    story = GENERATIONS["stripe"]()["before 2022-11-15"]
    [charge] = story[0]["data"]["object"]["charges"]["data"]
    del charge["payment_intent"]

    [row] = received("stripe", shuffled(story, order, [0]))

    assert (row["processor_payment_id"], row["amount"], row["counts"]) == ("pi_A", 997, True)


@each_generation
def test_no_timeline_tells_of_a_refund_of_nothing(provider, name):
    history = History(provider)
    paid, *rest = (
        read_payload(json.dumps(each).encode()) for each in GENERATIONS[provider]()[name]
    )
    history.deliver(paid)
    before = [row["summary"] for row in history.rows(SAID_OF_PAYMENTS)]
    history.deliver(*rest, paid)
    after = [row["summary"] for row in history.rows(SAID_OF_PAYMENTS)]
    assert [line for line in (*before, *after) if "$0.00" in line] == []
    assert any("efund" in line for line in after)
