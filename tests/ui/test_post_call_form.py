"""The post-call form on the screen: it asks the declared questions, and what could not be saved
stays in its field.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from sqlalchemy import select

from core.bookings.form_answers import QUESTIONS, FormAnswers
from core.bookings.models import ListEntry, Package, PcfDraft, PostCallForm
from core.money.form_filing import file_form, withdraw_form
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.ui.form_window import Window
from tests.ui.screens import browser_of, opened, words

YES = ("call_occurred", "lead_showed", "offer_made", "deal_closed")


@pytest.fixture
def rep(database_url):
    return make.viewer(make.organization(), "sales_rep", name="Ana Alder")


@pytest.fixture
def event(rep):
    org = rep.organization_id
    with as_system(org) as db:
        db.add(Package(organization_id=org, name="Gold"))
        for kind, name in (
            ("no_show_reason", "Forgot"),
            ("no_sale_reason", "Too dear"),
            ("objection", "Price"),
        ):
            db.add(ListEntry(organization_id=org, kind=kind, name=name))
        closer = make.closer(db, org, "Ana", user_id=rep.user_id)
        return make.event(db, org, closer, at=now() - timedelta(hours=2)).id


def form_of(rep):
    with as_system(rep.organization_id) as db:
        return db.scalars(select(PostCallForm)).one_or_none()


def test_a_closed_deal_is_asked_for_what_was_bought_and_how_it_is_paid(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    assert window.asked() >= {
        "What did they buy?",
        "How do they pay?",
        "Cash collected at the meeting (USD)",
        "Notes",
        "Follow up on",
        "Recording link",
    }
    assert not window.asked() & {"Who was missing?", "What held them back?", "Main reason", "Why?"}
    window.answer(package_id="Gold", **{"payment_type How do they pay?": "pif"})
    window.type("Cash collected", "4,997.00").type("Notes", "Ready to start").file()
    form = form_of(rep)
    assert not window.page.exception
    assert (form.deal_closed, form.payment_type, form.cash_collected, form.currency) == (
        True,
        "pif",
        Decimal(4997),
        "USD",
    )
    assert (form.package_id is not None, form.notes) == (True, "Ready to start")


def test_a_missed_call_is_asked_who_was_missing_and_why(rep, event):
    window = Window(rep, event).answer(call_occurred="No")
    assert window.asked() >= {"Who was missing?", "Why?"}
    assert not window.asked() & {"Did the lead show up?", "Main reason", "How do they pay?"}
    window.answer(no_show_party="host", **{"reason_id Why?": "Forgot"}).file()
    form = form_of(rep)
    assert (form.call_occurred, form.no_show_party, form.reason_id is not None) == (
        False,
        "host",
        True,
    )


def test_an_offer_that_was_declined_is_asked_for_objections_and_a_deposit(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES[:3], "Yes"), deal_closed="No")
    assert window.asked() >= {"What held them back?", "Main reason", "They paid a deposit"}
    assert not any(label.startswith("Cash") for label in window.asked())
    window.answer(objections=["Price"])
    with browser_of(rep):
        window.page.checkbox[0].check().run()
    window.type("Cash collected", "100").file()
    form = form_of(rep)
    assert (form.deal_closed, form.payment_type, form.objections, form.cash_collected) == (
        False,
        "deposit",
        ["Price"],
        Decimal(100),
    )


@pytest.mark.parametrize(
    "typed",
    ["NaN", "Infinity", "-5", "1.005", "much", "1e400", "1e99", "1,23.45", "4,99", "4.999,50"],
)
def test_an_amount_that_is_none_stands_beside_its_field_and_nothing_is_filed(rep, event, typed):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    window.type("Cash collected", typed).file()
    assert not window.page.exception
    assert len(window.errors()) == 1
    assert form_of(rep) is None


@pytest.mark.parametrize("typed", ["4,997", "$4,997.00", "4997.0"])
def test_cash_is_what_was_typed_with_its_thousands_and_its_sign(rep, event, typed):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    window.type("Cash collected", typed).file()
    assert (form_of(rep).cash_collected, window.errors()) == (Decimal(4997), [])


def test_what_was_typed_and_not_filed_is_there_in_the_next_window(rep, event):
    Window(rep, event).answer(call_occurred="Yes").type("Notes", "Half way")
    with rep.transaction() as db:
        assert db.scalars(select(PcfDraft.answers)).one()["notes"] == "Half way"
    assert Window(rep, event).page.text_area[0].value == "Half way"


def test_every_question_can_be_stored_and_is_labelled_once():
    assert {each.key for each in QUESTIONS} <= set(PostCallForm.__table__.columns.keys())
    labels = [each.label for each in QUESTIONS]
    assert len(set(labels)) == len(labels)


CASH_OF_THE_MANAGER = Decimal("4997")


def filed_by_the_manager(rep, event):
    manager = make.viewer(rep.organization_id, "manager", name="Mia Maple")
    with manager.transaction() as db:
        closed = FormAnswers(True, True, True, True, notes="Paid on the call", currency="USD")
        closed = replace(closed, cash_collected=CASH_OF_THE_MANAGER, payment_type="pif")
        file_form(db, event, closed, manager)


def test_a_form_that_was_filed_meanwhile_is_shown_and_not_replaced_unasked(rep, event):
    window = Window(rep, event)
    filed_by_the_manager(rep, event)
    window.answer(call_occurred="No").file()

    form = form_of(rep)
    assert (form.version, form.deal_closed, form.cash_collected) == (1, True, CASH_OF_THE_MANAGER)
    shown = " ".join(words(window.page))
    assert "Mia Maple has filed this form while you were filling it in." in shown
    assert "Cash collected: $4,997.00" in shown
    assert "Notes: Paid on the call" in shown


@pytest.mark.parametrize(
    ("button", "left"),
    [("Keep the filed form", (1, True, "4997.000")), ("Replace the filed form", (2, False, None))],
)
def test_the_reader_decides_which_of_two_forms_stands(rep, event, button, left):
    window = Window(rep, event)
    filed_by_the_manager(rep, event)
    window.answer(call_occurred="No").file()
    window.press(button)

    form = form_of(rep)
    cash = None if form.cash_collected is None else str(form.cash_collected)
    assert (form.version, form.deal_closed, cash) == left
    with as_system(rep.organization_id) as db:
        assert db.scalars(select(PcfDraft)).all() == []


def test_a_draft_of_before_the_form_was_filed_is_no_answer_to_it(rep, event):
    Window(rep, event).answer(call_occurred="No")
    filed_by_the_manager(rep, event)
    Window(rep, event).file()
    assert form_of(rep).version == 1


def test_a_form_that_was_taken_back_meanwhile_is_filed_only_when_that_is_known(rep, event):
    filed_by_the_manager(rep, event)
    window = Window(rep, event)
    with rep.transaction() as db:
        withdraw_form(db, event, rep)
    window.file()
    assert form_of(rep) is None
    assert "withdrawn" in " ".join(words(window.page))
    assert "Replace the filed form" not in [button.label for button in window.page.button]
    window.press("File form")
    assert form_of(rep).version == 1


@pytest.mark.parametrize(("role", "sees"), [("manager", True), ("viewer", False)])
def test_what_the_closer_wrote_stands_on_the_page_of_the_booking(rep, event, role, sees):
    filed_by_the_manager(rep, event)
    page = opened("event", make.viewer(rep.organization_id, role), id=str(event))
    shown = " ".join(words(page))
    assert "Deal closed: Yes" in shown
    assert "Cash collected: $4,997.00" in shown
    assert ("Notes: Paid on the call" in shown) is sees


def test_the_amount_that_was_understood_is_echoed_while_it_is_typed(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    window.type("Cash collected", "4,997")
    assert "= $4,997.00" in words(window.page)


def test_an_amount_like_a_slip_of_the_finger_is_filed_when_it_was_confirmed(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    window.type("Cash collected", "99999999").file()
    assert form_of(rep) is None
    assert "$99,999,999.00 is a lot. Tick the box if it is right." in words(window.page)
    with browser_of(rep):
        [box] = [each for each in window.page.checkbox if "99" in unescape(each.label)]
        box.check().run()
    window.file()
    assert form_of(rep).cash_collected == Decimal(99_999_999)


def test_the_message_about_an_answer_is_gone_with_the_answer(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    window.type("Recording link", "ftp://x").file()
    assert window.errors() == ["A recording link starts with https://."]
    window.type("Recording link", "https://x.example")
    assert window.errors() == []


def test_a_recording_link_without_its_beginning_is_refused_by_the_form_not_the_browser(rep, event):
    window = Window(rep, event).answer(**dict.fromkeys(YES, "Yes"))
    [box] = [each for each in window.page.text_input if each.label == "Recording link"]
    assert box.proto.type == box.proto.DEFAULT  # browsers send no invalid address of a URL field
    window.type("Recording link", "drive.google.com/x").file()
    assert window.errors() == ["A recording link starts with https://."]
    assert form_of(rep) is None


@pytest.mark.parametrize(
    ("locale", "typed"), [("de_DE", "4.997,50"), ("sv_SE", "4 997,50"), ("en_US", "4,997.50")]
)
def test_a_filed_amount_is_changed_in_the_locale_and_the_currency_that_it_has(locale, typed):
    rep = make.viewer(make.organization(locale=locale, currency="USD"), "manager")
    with as_system(rep.organization_id) as db:
        event = make.event(db, rep.organization_id, at=now() - timedelta(hours=2)).id
    answers = FormAnswers(True, True, True, True, currency="EUR", payment_type="pif")
    with rep.transaction() as db:
        file_form(db, event, replace(answers, cash_collected=Decimal("4997.50")), rep)
    window = Window(rep, event)
    [cash] = [each for each in window.page.text_input if each.label.startswith("Cash")]
    assert typed in cash.value.replace("\xa0", " ")
    window.type("Notes", "Looked at again").file()
    form = form_of(rep)
    assert (form.version, form.cash_collected, form.currency) == (2, Decimal("4997.50"), "EUR")


def test_an_answer_that_is_chosen_cannot_be_lost_by_a_second_tap(rep, event):
    groups = Window(rep, event).page.get("button_group")
    assert [each.proto.required for each in groups if each.key == "call_occurred"] == [True]
