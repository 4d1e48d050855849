"""A manager decides about payments on their screens."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from unittest.mock import patch

import pytest
import streamlit as st
from sqlalchemy import select

from core.money.attribution import attribute_all
from core.money.models import Payment
from core.platform.database import as_system
from core.platform.normalization import JOINER
from tests import factories as make
from tests.factories import NOON
from tests.money.world import PARTNER, World
from tests.ui.screens import addressed, browser_of, words


@pytest.fixture
def world(database_url):
    return World()


def pressed(page, label):
    [button] = [each for each in page.button if each.label == label]
    return button.click().run()


def choose(page, option, why="her partner paid"):
    """An option as it is shown, where each mark is escaped."""
    page.radio[-1].set_value(unescape(option).replace(JOINER, ""))
    page.text_input[-1].set_value(why)


def test_two_bookings_that_look_alike_can_be_numbered_apart(world):
    events = {world.event("Ana"), world.event("Ana")}
    card = world.card(email=PARTNER)
    chosen = set()
    with browser_of(world.mara):
        for number in range(2):
            page = addressed("payment", id=str(card)).run()
            options = page.radio[0].options
            assert len(options) == 3
            assert len(set(options)) == 3
            choose(page, options[number])
            assert not pressed(page, "Choose").exception
            chosen.add(world.payment(card).event_id)
    assert chosen == events


def test_the_payers_address_is_added_to_the_one_who_booked(world):
    event = world.event("Ana")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        choose(page, page.radio[0].options[0])
        page.checkbox[0].check()
        assert not pressed(page, "Choose").exception
    second = world.card("pi_2", email=PARTNER)
    assert world.payment(second).event_id == event


def test_a_booking_that_is_not_suggested_is_found_by_its_leads_name(world):
    for number in range(9):
        world.event("Bo", NOON - timedelta(days=number), email=f"lead.{number}@example.com")
    wanted = world.event("Ana", NOON - timedelta(days=200), lead_name="Wanda Far")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        assert not any("Wanda Far" in option for option in page.radio[0].options)
        next(each for each in page.text_input if each.key == "find booking").set_value("wanda")
        page.run()
        choose(page, page.radio[0].options[0])
        assert not pressed(page, "Choose").exception
    assert world.payment(card).event_id == wanted


def test_a_choice_is_forgotten_again(world):
    event = world.event("Ana")
    card = world.card()
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        choose(page, "It belongs to no booking")
        page = pressed(page, "Choose")
        assert world.payment(card).event_id is None
        assert not pressed(page, "Forget this choice and match again").exception
    assert world.payment(card).event_id == event


@pytest.mark.parametrize(
    ("button", "counted"), [("The same money", [4997]), ("Not the same money", [4997, 5000])]
)
def test_what_is_to_be_reconciled_is_decided_on_the_list(world, button, counted):
    world.form(world.event("Ana"), "5000")
    world.card()
    with browser_of(world.mara):
        page = addressed("payments", view="To reconcile").run()
        choose(page, page.radio[-1].options[0])
        page = pressed(page, button)
        assert not page.exception
        assert "Nothing to reconcile" in " ".join(each.value for each in page.markdown)
    with as_system(world.org) as db:
        amounts = select(Payment.amount).where(Payment.counts).order_by(Payment.amount)
        assert list(db.scalars(amounts)) == counted


def test_an_automatic_match_is_separated_on_the_payments_page(world):
    entry = world.form(world.event("Ana"))
    world.card(at=NOON)
    assert world.payment(entry).superseded_by_id
    with browser_of(world.mara):
        page = addressed("payment", id=str(entry)).run()
        choose(page, page.radio[-1].options[0])
        assert not pressed(page, "Not the same money").exception
    assert world.payment(entry).superseded_by_id is None


def test_what_belongs_to_no_booking_is_listed_however_old_it_is(world):
    world.card(email=PARTNER, at=NOON - timedelta(days=400))
    with browser_of(world.mara):
        page = addressed("payments", view="Unattributed").run()
        assert any(line.startswith("1 payment · cash collected") for line in words(page))
        world.event("Ana", NOON - timedelta(days=401), email=PARTNER)
        with as_system(world.org) as db:
            attribute_all(db)
        page = addressed("payments", view="Unattributed").run()
        assert any("Every payment has its booking" in line for line in words(page))


def test_the_download_of_the_payments_says_which_of_them_count_and_adds_up_to_the_sums(world):
    world.form(world.event("Ana"))
    world.card(at=NOON + timedelta(minutes=90))  # the same money
    world.card("pi_2", cash="10", status="failed", at=NOON + timedelta(hours=2))
    days = {"period": "Custom", "from": "2026-11-01", "to": "2026-11-30"}
    with patch.object(st, "download_button") as button, browser_of(world.mara):
        page = addressed("payments", **days).run()
    file = next(call.args[1] for call in button.call_args_list if call.args[2] == "payments.csv")
    lines = list(csv.DictReader(io.StringIO(file().decode("utf-8-sig"))))
    assert [(line["Amount"], line["Net"], line["Counts"]) for line in lines] == [
        ("10.00", "", "False"),
        ("4997.00", "4997.00", "True"),
        ("4997.00", "", "False"),
    ]
    assert any("1 payment · cash collected **\\$4,997.00**" in line for line in words(page))


def test_what_of_a_refund_counts_is_said_where_more_went_back_than_was_paid(world):
    card = world.card(cash="100")
    with as_system(world.org) as db:
        paid = db.get_one(Payment, (world.org, card))
        make.refund(db, paid, "30", at=NOON + timedelta(days=1))
        make.refund(db, paid, "100", at=NOON + timedelta(days=5), kind="dispute")
        make.refund(db, paid, "5", at=NOON + timedelta(days=6), status="failed")
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
    lines = [line for line in words(page) if line.startswith(("Refund of", "Lost dispute"))]
    assert [re.split(r", \w{3}, ", line)[0] for line in lines] == [
        "Refund of $30.00: Succeeded",
        "Lost dispute of $100.00, of which $70.00 counts, as no more can go back than was paid:"
        " Succeeded",
        "Refund of $5.00: Failed",
    ]
