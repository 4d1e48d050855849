"""A payout's screen says in words what it counts, what it adjusts and what is missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from sqlalchemy import select, update

from core.money.models import BridgeStep, LineKind, PayoutSnapshot
from core.money.payout_tables import LineFilter
from core.money.payouts import approve, create_snapshot, get_snapshot
from core.platform.clock import Period
from core.platform.database import as_system
from core.tenancy.access.models import Role
from core.tenancy.organizations.models import Organization
from core.ui.panels.payouts import PAGE, all_lines
from core.ui.parts.columns import Money, Text
from core.ui.parts.downloads import csv_of
from tests import factories as make
from tests.factories import NOON
from tests.ui.grids import grid, grids
from tests.ui.screens import browser_of, opened, words

ZONE = "Europe/Copenhagen"
OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), ZONE)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), ZONE)


@pytest.fixture
def crew():
    """October is approved; November is a draft with a refund and a payment of nobody."""
    admin = make.viewer(make.organization(timezone=ZONE))
    org = admin.organization_id
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana")
        paid = make.payment(db, org, at=NOON - timedelta(days=5), closer_id=ana.id)
        make.payment(db, org, "70.00", at=NOON - timedelta(days=60))
    with admin.transaction() as db:
        october = create_snapshot(db, "October 2026", OCTOBER, admin).id
        approve(db, october, admin)
    with as_system(org) as db:
        make.refund(db, paid, "97.00", at=NOON + timedelta(days=1))
        make.payment(db, org, "30.00", customer_name="Odd One")
    with admin.transaction() as db:
        november = create_snapshot(db, "November 2026", NOVEMBER, admin).id
    return admin, october, november


def steps_of(page) -> dict[str, str]:
    """The amounts of the bridge by the words of its steps."""
    steps = grid(page, "step", "amount")
    return dict(zip(steps.column("step"), steps.column("amount"), strict=True))


def rerun(page, viewer):
    with browser_of(viewer):
        page.run()


def state_of(admin, snapshot) -> PayoutSnapshot:
    with admin.transaction() as db:
        return get_snapshot(db, snapshot)


def test_a_payout_from_before_a_change_of_zone_says_whose_days_it_has_and_a_draft_takes_new_ones(
    crew,
):
    admin, october, november = crew
    with as_system(admin.organization_id) as db:
        # Still November in New York, and in no payout yet.
        make.payment(db, admin.organization_id, "8.00", at=datetime(2026, 12, 1, 2, tzinfo=UTC))
        db.execute(update(Organization).values(timezone="America/New_York"))
    there = replace(admin, timezone="America/New_York")

    def figures(page):
        return steps_of(page)[BridgeStep.FIGURES.label]

    pages = [opened("payout", there, id=str(each)) for each in (october, november)]
    for page in pages:
        assert any(f"This payout uses the time zone {ZONE}" in line for line in words(page))
    _, draft = pages
    labels = [[button.label for button in page.button] for page in pages]
    assert ["Rebuild draft" in each for each in labels] == [False, True]
    assert figures(draft) == "$30.00"
    with browser_of(there):
        next(each for each in draft.button if each.label == "Rebuild draft").click().run()

    assert figures(draft) == "$38.00"
    assert not any("This payout uses the time zone" in line for line in words(draft))
    assert state_of(admin, november).timezone == "America/New_York"
    assert state_of(admin, october).timezone == ZONE


def test_payments_adjustments_the_bridge_and_what_was_left_out_are_said_in_words(crew):
    admin, _, november = crew
    page = opened("payout", admin, id=str(november))

    assert not page.exception
    assert any("1 payment has no closer" in line for line in words(page))
    assert any("payments?view=Unattributed" in each.proto.body for each in page.get("html"))
    assert grid(page, "reason_code", "reason").column("reason") == [
        "Refund of Nov 5 on a payment of Oct 30, counted in October 2026: −$97.00."
    ]
    headings = [each.value for each in page.subheader]
    assert headings[:2] == ["Payments", "Adjustments"]
    assert [each.label for each in page.expander][:2] == [
        "How this payout follows from the figures",
        "Not counted: 1 payment from before payouts started",
    ]
    assert steps_of(page) == {
        "Net revenue of these days in the figures": "$30.00",
        "Refunds and lost disputes of earlier payments": "-$97.00",
        "Net revenue of this payout": "-$67.00",
    }


def test_the_first_payout_says_which_day_its_approval_settles(crew):
    admin, _, november = crew
    other = make.viewer(make.organization(), "admin")
    with other.transaction() as db:
        first = create_snapshot(db, "October 2026", OCTOBER, other).id
    settles = "payouts start on Oct 1, 2026"
    assert any(settles in line for line in words(opened("payout", other, id=str(first))))
    assert not any(settles in line for line in words(opened("payout", admin, id=str(november))))


def test_a_stale_draft_shows_its_differences_and_one_button_rebuilds_it(crew):
    admin, _, november = crew
    with as_system(admin.organization_id) as db:
        make.payment(db, admin.organization_id, "5.00", at=NOON + timedelta(days=2))
    page = opened("payout", admin, id=str(november))
    assert any("1 line would be different" in each.value for each in page.warning)
    approving = next(each for each in page.button if each.label == "Approve payout")
    assert approving.disabled

    next(each for each in page.button if each.label == "Rebuild draft").click()
    rerun(page, admin)
    assert not page.exception
    assert not any("would be different" in each.value for each in page.warning)
    assert state_of(admin, november).payment_count == 2


def test_a_line_is_held_back_and_taken_in_again_on_the_screen(crew):
    admin, _, november = crew
    page = opened("payout", admin, id=str(november))
    next(each for each in page.text_input if each.key == "find line").set_value("odd one")
    rerun(page, admin)
    line = next(each for each in page.selectbox if each.label == "Line")
    assert line.options == ["Odd One · $30.00 · No closer"]
    line.select_index(0)
    next(each for each in page.text_input if each.key == "held back").set_value("Ask first")
    rerun(page, admin)
    next(each for each in page.button if each.label == "Hold back").click()
    rerun(page, admin)
    assert not page.exception
    assert "Held back" in [each.value for each in page.subheader]
    assert Decimal(state_of(admin, november).totals["USD"]["net_revenue"]) == -97

    next(each for each in page.selectbox if each.label == "Held back").select_index(0)
    rerun(page, admin)
    next(each for each in page.button if each.label == "Include again").click()
    rerun(page, admin)
    assert Decimal(state_of(admin, november).totals["USD"]["net_revenue"]) == -67


def test_an_approved_payout_says_what_changed_since(crew):
    admin, october, _ = crew
    with as_system(admin.organization_id) as db:
        payment = make.payment(db, admin.organization_id, "8.00", at=NOON - timedelta(days=10))
    page = opened("payout", admin, id=str(october))
    assert not page.exception
    assert any("1 line changed" in each.value for each in page.info)
    assert payment.id


def test_a_manager_looks_and_decides_nothing(crew):
    admin, _, november = crew
    manager = make.viewer(admin.organization_id, Role.MANAGER)
    page = opened("payout", manager, id=str(november))
    assert not page.exception
    assert "Adjustments" in [each.value for each in page.subheader]
    assert not {"Approve payout", "Rebuild draft", "Hold back"} & {
        each.label for each in page.button
    }


@pytest.mark.parametrize("role", [Role.SALES_REP, Role.VIEWER])
def test_reps_and_viewers_see_no_payout(crew, role):
    admin, _, november = crew
    page = opened("payout", make.viewer(admin.organization_id, role), id=str(november))
    assert not grids(page)
    assert page.warning


def test_a_second_payout_of_approved_days_says_at_once_that_it_cannot_be_approved(crew):
    admin, _, _ = crew
    with admin.transaction() as db:
        again = create_snapshot(db, "October 2026", OCTOBER, admin).id
    page = opened("payout", admin, id=str(again))
    assert any("“October 2026” is approved up to the end" in each.value for each in page.warning)
    next(each for each in page.text_input if "To confirm" in each.label).set_value("October 2026")
    rerun(page, admin)
    buttons = {each.label: each for each in page.button}
    assert (buttons["Approve payout"].disabled, buttons["Discard draft"].disabled) == (True, False)


def test_a_draft_over_approved_days_is_refused_when_it_is_made_and_what_was_typed_stays(crew):
    admin, _, _ = crew
    page = opened("payouts", admin)
    page.text_input[0].set_value("October again")
    page.date_input[0].set_value((date(2026, 10, 1), date(2026, 10, 31)))
    with browser_of(admin):
        next(each for each in page.button if each.label == "Create draft").click().run()
    [error] = [unescape(each.value) for each in page.error]
    assert error.startswith("No draft was created. “October 2026” is approved up to the end")
    assert page.text_input[0].value == "October again"
    with admin.transaction() as db:
        assert len(db.scalars(select(PayoutSnapshot)).all()) == 2


def test_a_payout_is_marked_as_paid_only_after_it_was_said_what_that_does(crew):
    admin, october, _ = crew
    page = opened("payout", admin, id=str(october))
    assert any("“October 2026” with a net revenue of" in line for line in words(page))
    assert "Mark as paid" not in {each.label for each in page.button}
    next(each for each in page.button if each.label == "Yes, mark as paid").click()
    rerun(page, admin)
    assert state_of(admin, october).state == "paid"


def test_a_payout_with_a_mistyped_year_is_refused_on_screen_when_it_is_made(crew):
    admin, _, _ = crew
    page = opened("payouts", admin)
    page.date_input[0].set_value((date(2026, 12, 1), date(2030, 12, 31)))
    with browser_of(admin):
        next(each for each in page.button if each.label == "Create draft").click().run()
    assert [unescape(each.value) for each in page.error] == [
        "This payout ends on Dec 31, 2030, more than two months from today. Check the year: once it"
        " is approved, no other payout can begin before that day."
    ]
    with admin.transaction() as db:
        assert len(db.scalars(select(PayoutSnapshot)).all()) == 2


def test_a_payout_of_many_lines_is_read_in_pages_and_downloaded_whole():
    admin = make.viewer(make.organization(timezone=ZONE))
    org = admin.organization_id
    with as_system(org) as db:
        for number in range(PAGE + 3):
            make.payment(
                db, org, f"{number + 1}.00", at=NOON + timedelta(minutes=number), customer_name="C"
            )
    with admin.transaction() as db:
        payout = create_snapshot(db, "November 2026", NOVEMBER, admin).id

    page = opened("payout", admin, id=str(payout))
    assert not page.exception
    assert any(f"{PAGE} of {PAGE + 3} lines on a page." in each.value for each in page.caption)
    assert amounts_on(page) == [f"${number}.00" for number in range(1, PAGE + 1)]

    page.session_state["payout-payments page"] = 2
    rerun(page, admin)
    assert not page.exception
    assert amounts_on(page) == ["$201.00", "$202.00", "$203.00"]

    chosen = LineFilter(LineKind.PAYMENT, is_held_back=False)
    columns = [Text("customer_name", "Customer"), Money("amount", "Amount")]
    rows = csv_of(all_lines(admin, payout, chosen), columns).decode("utf-8-sig").splitlines()
    assert (len(rows), rows[0]) == (PAGE + 4, "Customer,Amount")
    assert rows[-1] == "C,203.00"


def amounts_on(page) -> list[str]:
    return grid(page, "payment_date", "amount").column("amount")
