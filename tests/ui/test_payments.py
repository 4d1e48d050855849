"""A manager decides about payments on their screens."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import streamlit as st
from sqlalchemy import select, text

from core.bookings.models import Event
from core.money.attribution import attribute_all, choose_no_event
from core.money.models import Payment
from core.money.payouts import create_snapshot
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed
from core.ui.parts.format import APART
from tests import factories as make
from tests.factories import NOON
from tests.money.world import PARTNER, World
from tests.ui.grids import all_rows, grid, grids
from tests.ui.screens import addressed, below, browser_of, opened, words


@pytest.fixture
def world(database_url):
    return World()


def pressed(page, label):
    [button] = [each for each in page.button if each.label == label]
    return button.click().run()


def choose(page, option, why="her partner paid"):
    """An option as it is shown, where each mark is escaped."""
    page.radio[-1].set_value(unescape(option).replace(APART, ""))
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
            assert not pressed(page, "Save").exception
            chosen.add(world.payment(card).event_id)
    assert chosen == events


def test_the_payers_address_is_added_to_the_one_who_booked(world):
    event = world.event("Ana")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        choose(page, page.radio[0].options[0])
        page.checkbox[0].check()
        assert not pressed(page, "Save").exception
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
        assert not pressed(page, "Save").exception
    assert world.payment(card).event_id == wanted


def test_a_choice_is_undone_by_one_button(world):
    event = world.event("Ana")
    card = world.card()
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        choose(page, "No booking: leave it unmatched")
        page = pressed(page, "Save")
        assert world.payment(card).event_id is None
        assert not pressed(page, "Undo and match again").exception
    assert world.payment(card).event_id == event


@pytest.mark.parametrize(
    ("button", "counted"), [("Count once", [4997]), ("Count both", [4997, 5000])]
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


def test_each_suggestion_says_why_and_how_sure_it_is(world):
    world.event("Ana", NOON - timedelta(days=2), lead_name="Wanda Far", email="w@example.com")
    world.event("Ana", NOON + timedelta(days=3), email=PARTNER, lead_name="Pat")
    world.event("Ana", NOON, email="far@example.com", lead_name="Al", event_outcome="closed")
    card = world.card(email=PARTNER, customer_name="wanda far")
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
    [radio] = [each for each in page.radio if each.label == "Suggested bookings"]
    assert [unescape(each).replace(APART, "").split(" · ")[:2] for each in radio.options[:3]] == [
        ["Pat", PARTNER],
        ["Wanda Far", "w@example.com"],
        ["Al", "far@example.com"],
    ]
    assert list(radio.proto.captions[:3]) == [
        "Very likely: booked with the same e-mail address, 3 days after the payment",
        "Likely: booked under the same name, 2 days before the payment",
        "Possible: close in time only, within a day of the payment",
    ]
    assert "Closed" in radio.options[2]


def test_any_booking_is_found_by_its_day(world):
    wanted = world.event("Ana", NOON - timedelta(days=200), lead_name="Wanda Far")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        page.date_input[0].set_value((NOON - timedelta(days=200)).date())
        page.run()
        choose(page, page.radio[0].options[0])
        assert not pressed(page, "Save").exception
    assert world.payment(card).event_id == wanted


def test_a_refused_choice_leaves_everything_typed_and_the_whole_page(world):
    world.event("Ana")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        before = [each.value for each in page.subheader]
        choose(page, page.radio[0].options[0], why=" ")
        chosen = page.radio[0].value
        page.checkbox[0].check()
        page = pressed(page, "Save")
    assert "Say in a few words why" in below(page, "Reason (required)")
    assert [each.value for each in page.subheader] == before
    assert (page.radio[0].value, page.checkbox[0].value) == (chosen, True)
    assert world.payment(card).chosen_at is None


ALERT = "Unattributed: 1 payment ($4,997.00) is not matched to a booking; it is"


def leads_to_all_of_it(page):
    """By a link that loads the list afresh: a move within the session drops what a filter of the
    list is bound to, and the list would show everything.
    """
    bodies = [unescape(each.proto.body) for each in page.get("html")]
    ways = [each.split('"')[3] for each in bodies if "Match it to a booking" in each]
    return ["Unattributed"] in [parse_qs(urlsplit(way).query).get("view") for way in ways]


@pytest.mark.parametrize("screen", ["dashboard", "my-day", "payments", "payouts"])
def test_money_without_a_booking_is_one_click_from_where_a_manager_looks(world, screen):
    world.card(email=PARTNER, at=NOON - timedelta(days=400))
    page = opened(screen, world.mara)
    assert any(line.startswith(ALERT) for line in words(page))
    assert leads_to_all_of_it(page)
    assert not any(line.startswith(ALERT) for line in words(opened(screen, world.reps["Ana"])))


def test_an_automatic_match_is_separated_on_the_payments_page(world):
    entry = world.form(world.event("Ana"))
    world.card(at=NOON)
    assert world.payment(entry).superseded_by_id
    with browser_of(world.mara):
        page = addressed("payment", id=str(entry)).run()
        choose(page, page.radio[-1].options[0])
        assert not pressed(page, "Count both").exception
    assert world.payment(entry).superseded_by_id is None


def test_what_belongs_to_no_booking_is_listed_however_old_it_is(world):
    world.card(email=PARTNER, at=NOON - timedelta(days=400))
    with browser_of(world.mara):
        page = addressed("payments", view="Unattributed").run()
        assert any(line.startswith("Sum of 1 payment: cash collected") for line in words(page))
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
        ("10.00", "", "No"),
        ("4997.00", "4997.00", "Yes"),
        ("4997.00", "", "No"),
    ]
    assert any("Sum of 1 payment: cash collected **\\$4,997.00**" in line for line in words(page))


def test_what_of_a_refund_counts_is_said_where_more_went_back_than_was_paid(world):
    card = world.card(cash="100")
    with as_system(world.org) as db:
        paid = db.get_one(Payment, (world.org, card))
        make.refund(db, paid, "30", at=NOON + timedelta(days=1))
        make.refund(db, paid, "100", at=NOON + timedelta(days=5), kind="dispute")
        make.refund(db, paid, "5", at=NOON + timedelta(days=6), status="failed")
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
    said = [unescape(line) for line in words(page)]
    lines = [line for line in said if line.startswith(("Refund of", "Lost dispute"))]
    assert [line.partition("  \n")[0] for line in lines] == [
        "Refund of $5.00: failed",
        "Lost dispute of $100.00, of which $70.00 counts, as no more can go back than was paid:"
        " succeeded",
        "Refund of $30.00: succeeded",
    ]


def test_the_counted_amounts_of_a_download_add_up_to_the_cash_and_the_screen_says_what_is_in_no_sum(
    world,
):
    world.form(world.event("Ana"))
    world.card(at=NOON + timedelta(minutes=90))  # the same money
    days = {"period": "Custom", "from": "2026-11-01", "to": "2026-11-30"}
    with patch.object(st, "download_button") as button, browser_of(world.mara):
        page = addressed("payments", **days).run()
    file = next(call.args[1] for call in button.call_args_list if call.args[2] == "payments.csv")
    lines = list(csv.DictReader(io.StringIO(file().decode("utf-8-sig"))))
    assert [line["Counted amount"] for line in lines] == ["4997.00", ""]
    assert any("2 rows are listed; 1 of them is in no sum" in line for line in words(page))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("wanda", 1),
        ("wanda.far@example.com", 1),
        ("4997", 1),
        ("4997.5", 0),
        ("pi_wanda", 1),
        ("%", 0),
        ("nobody", 0),
    ],
)
def test_payments_are_searched_by_customer_amount_and_id(world, search, found):
    with as_system(world.org) as db:
        make.payment(
            db,
            world.org,
            "4997",
            customer_name="Wanda Far",
            customer_email="wanda.far@example.com",
            customer_email_normalized="wanda.far@example.com",
            processor_payment_id="pi_wanda",
            at=NOON,
        )
        make.payment(db, world.org, "10", customer_name="Bo", at=NOON)
    with browser_of(world.mara):
        days = {"period": "Custom", "from": "2026-11-01", "to": "2026-11-30"}
        page = addressed("payments", search=search, **days).run()
    assert not page.exception
    assert len(all_rows(page)) == found


def test_several_payments_are_marked_as_belonging_to_no_booking_at_once(world):
    cards = [world.card(f"pi_{number}", email=f"p{number}@example.com") for number in range(3)]
    world.event("Ana", email="late@example.com")
    matched = world.card("pi_late", email="late@example.com")
    with world.mara.transaction() as db:
        decided = choose_no_event(db, [*cards[:2], matched, uuid4()], world.mara, "Sold by mail")
    assert set(decided) == set(cards[:2])
    for card in cards[:2]:
        payment = world.payment(card)
        assert (payment.event_id, payment.chosen_reason) == (None, "Sold by mail")
        assert payment.chosen_by == world.mara.user_id
    assert world.payment(cards[2]).chosen_at is None
    assert world.payment(matched).event_id is not None
    with pytest.raises(InvalidInput), world.mara.transaction() as db:
        choose_no_event(db, cards, world.mara, " ")
    with pytest.raises(NotAllowed), world.mara.transaction() as db:
        choose_no_event(db, cards, make.viewer(world.org, "viewer"), "why")


def test_boxes_stand_before_unattributed_payments_for_those_who_decide(world):
    world.card(email=PARTNER)
    for viewer, view, expected in (
        (world.mara, "Unattributed", True),
        (world.mara, "All", False),
        (make.viewer(world.org, "viewer"), "Unattributed", False),
    ):
        with browser_of(viewer):
            page = addressed("payments", view=view, period="Last 365 days").run()
        assert grid(page, "amount").data["ticks"] == expected


def test_a_decision_without_a_booking_is_refused_at_the_choice_and_keeps_the_reason(world):
    world.event("Ana")
    card = world.card(email=PARTNER)
    with browser_of(world.mara):
        page = addressed("payment", id=str(card)).run()
        page.text_input[-1].set_value("Paid by her partner")
        page = pressed(page, "Save")
        assert "Choose a booking" in below(page, "Suggested bookings")
        assert page.text_input[-1].value == "Paid by her partner"


def test_a_decision_on_a_pair_is_refused_at_its_field_and_keeps_the_rest(world):
    world.form(world.event("Ana"), "5000")
    world.card()
    with browser_of(world.mara):
        page = addressed("payments", view="To reconcile").run()
        page.text_input[-1].set_value("Charged a day later")
        page = pressed(page, "Count once")
        assert below(page, "Most likely first") == "Choose the payment first&#46;"
        assert page.text_input[-1].value == "Charged a day later"
        choose(page, page.radio[-1].options[0], why=" ")
        page = pressed(page, "Count once")
        assert "Say in a few words why" in below(page, "Reason (required)")
        assert page.radio[-1].value is not None


@pytest.mark.parametrize(
    ("locale", "read"),
    [
        ("en_US", r"Matched \S+ to the booking of [A-Z][a-z]{2} \d+, \d+:\d\d [AP]M\."),
        ("da_DK", r"Matched \S+ to the booking of \d+ [A-Z][a-z]{2}, \d\d:\d\d\."),
    ],
    ids=["us", "dk"],
)
def test_why_a_payment_is_where_it_is_stands_whole_in_the_readers_notation(world, locale, read):
    with as_system(world.org) as db:
        db.execute(text("update app.organizations set locale = :locale"), {"locale": locale})
    event = world.event("Ana")
    card = world.card()
    viewer = make.viewer(world.org)
    why = grid(opened("event", viewer, id=str(event)), "attribution_reason")
    [reason] = why.column("attribution_reason")
    assert re.fullmatch(read, reason)
    assert [each["name"] for each in why.data["columns"] if each["long"]] == ["attribution_reason"]
    assert reason in words(opened("payment", viewer, id=str(card)))


def test_a_setter_is_called_the_same_wherever_a_booking_or_its_money_stands(world):
    with as_system(world.org) as db:
        unknown = make.event(db, world.org, at=NOON, setter_name="new-setter").id
        alone = make.event(db, world.org, at=NOON - timedelta(hours=1)).id
        for event, amount in ((unknown, "10.00"), (alone, "20.00")):
            make.payment(db, world.org, amount, at=NOON, event_id=event)
    admin = make.viewer(world.org)
    period = {"period": "Custom", "from": f"{NOON:%Y-%m-%d}", "to": f"{NOON:%Y-%m-%d}"}
    listed = {"“new-setter” (not in your list)", "No setter"}
    assert set(grid(opened("events", admin, **period), "setter").column("setter")) == listed
    dashboard = opened("dashboard", admin, **period)
    assert set(grid(dashboard, "lead_name", "setter").column("setter")) == listed
    [setters] = [each for each in grids(dashboard) if "booked_calls" in each.names][1:]
    assert setters.column("name") == ["No setter"]
    payments = grid(opened("payments", admin, **period), "setter")
    assert set(payments.column("setter")) == {"No setter"}
    with admin.transaction() as db:
        days = Period(NOON.date(), NOON.date() + timedelta(days=1), admin.timezone)
        draft = create_snapshot(db, "A payout", days, admin).id
    payout = opened("payout", admin, id=str(draft), by="Setter")
    assert grid(payout, "label").column("label") == ["No setter"]
    assert set(grid(payout, "setter_name").column("setter_name")) == listed


def test_a_payments_page_tells_its_story_and_leads_to_whoever_paid(world):
    event = world.event("Ana")
    card = world.card(customer_name="Lead One")
    with as_system(world.org) as db:
        contact = db.get_one(Event, (world.org, event)).contact_id
        make.refund(
            db, db.get_one(Payment, (world.org, card)), "100.00", at=NOON + timedelta(days=2)
        )
    world.approved(NOON.day)
    page = opened("payment", make.viewer(world.org), id=str(card))
    said = words(page)
    ways = {link.proto.label: link.proto.query_string for link in page.get("page_link")}
    assert str(contact) in ways["View contact"]
    assert any(label.startswith("Open the booking of ") for label in ways)
    assert [each.value for each in page.get("code")] == ["pi_1"]
    story = [each for each in said if "  \n:gray[" in each]
    assert any("Refund of $100.00" in unescape(each) for each in story)
    assert any("Payment of $4,997.00 · Stripe" in unescape(each) for each in story)
    assert any("Counted in the payout" in unescape(each) for each in story)
    order = [each.partition(":")[0] for each in said if ": " in each]
    facts = [name for name in order if name in FACTS]
    assert facts == list(FACTS)


FACTS = ("Amount", "Status", "Refunded", "Net revenue", "Customer", "E-mail", "Closer", "Setter")
