"""Whatever the facts and in whatever order they come, whose the money is follows from them alone:
random organisations, compared with an oracle in plain Python.
"""

from __future__ import annotations

import pytest

from core.money.attribution import attribute_all, attribute_payment
from core.platform.database import as_system
from tests.by_day import first
from tests.money.attribution_oracle import attributed
from tests.money.random_facts import History


def check(seed: int) -> None:
    history = History(seed)
    for step in history.in_some_order():
        step()
    wanted = attributed(history.facts)
    assert history.found() == wanted
    history.forget()
    with as_system(history.org) as db:
        attribute_all(db)
    assert history.found() == wanted
    history.forget()
    one_by_one = list(history.facts.money)
    history.dice.shuffle(one_by_one)
    for payment_id in one_by_one:
        with as_system(history.org) as db:
            attribute_payment(db, payment_id)
    assert history.found() == wanted
    check_after_a_payout(history)


def check_after_a_payout(history: History) -> None:
    """What was counted together stays together; and everybody is paid what counts."""
    history.approve()
    history.go_on()
    wanted = attributed(history.facts)
    assert history.found() == wanted
    history.forget()
    with as_system(history.org) as db:
        attribute_all(db)
    assert history.found() == wanted
    history.approve()
    assert history.paid() == history.owed()


@pytest.mark.parametrize("seed", first(range(30), range(12)))
def test_whose_the_money_is_follows_from_the_facts_in_any_order(seed):
    check(seed)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_whose_the_money_is_follows_from_the_facts_in_a_thousand_histories():
    for seed in range(1000, 2000):
        check(seed)
