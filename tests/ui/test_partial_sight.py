"""What a screen says to somebody who sees, or asked for, only a part."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from core.bookings.form_answers import FormAnswers
from core.money.form_filing import file_form, withdraw_form
from core.money.models import Payment
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.labels import NONE
from core.tenancy.access.models import OrganizationMember
from tests import factories as make
from tests.ui.grids import all_rows, grid
from tests.ui.screens import opened, words


def said(page):
    assert not page.exception
    return " ".join(words(page))


@pytest.fixture
def team():
    """A manager of a team of one setter, who booked two of eleven calls of Ana, of another team."""
    org = make.organization(managers_see_their_team_only=True, leaderboards_show_money=False)
    admin, mara = make.viewer(org), make.viewer(org, "manager")
    rep, other = make.viewer(org, "sales_rep"), make.viewer(org, "sales_rep")
    with as_system(org) as db:
        of_mara = OrganizationMember.user_id == rep.user_id
        db.execute(update(OrganizationMember).where(of_mara).values(manager_user_id=mara.user_id))
        ana = make.closer(db, org, "Ana", user_id=other.user_id)
        sam = make.setter(db, org, "Sam", user_id=rep.user_id)
        for number in range(11):
            setter = sam if number < 2 else None
            make.event(db, org, ana, set_by=setter, at=now() - timedelta(hours=1))
        make.payment(db, org, "9000", at=now() - timedelta(hours=1), email="nobody@example.com")
    return admin, mara, rep


def test_a_place_on_the_board_leads_to_its_rows_only_for_whoever_sees_all_of_them(team):
    admin, mara, rep = team
    for viewer, opens in ((admin, True), (mara, False), (rep, False)):
        page = opened("leaderboards", viewer, metric="Booked calls", period="Last 7 days")
        board = grid(page, "name", "value")
        assert board.column("value") == ["11"]
        assert [bool(way) for way in board.column("ways")] == [opens]


def test_money_on_the_board_is_hidden_from_all_who_see_their_own_or_their_teams(team):
    admin, mara, rep = team
    for viewer, shows in ((admin, True), (mara, False), (rep, False)):
        page = opened("leaderboards", viewer, period="Last 7 days", metric="Booked calls")
        [figures] = [each.options for each in page.selectbox if each.label == "Figure"]
        assert ("Cash collected" in figures) == shows


def test_that_every_payment_has_its_booking_is_said_only_where_it_is_known(team):
    admin, mara, rep = team
    whole = "Every payment has its booking"
    for viewer, query in ((admin, {"outcome": "Closed"}), (mara, {}), (rep, {})):
        assert whole not in said(opened("payments", viewer, view="Unattributed", **query))
    assert "1 payment" in said(opened("payments", admin, view="Unattributed"))


def test_the_board_says_that_it_is_of_one_currency():
    org = make.organization()
    with as_system(org) as db:
        for name, amount, currency in (("Ana", "50000", "EUR"), ("Bo", "10", "USD")):
            by = make.closer(db, org, name)
            make.payment(
                db, org, amount, currency=currency, closer_id=by.id, at=now() - timedelta(hours=1)
            )
    page = opened("leaderboards", make.viewer(org), metric="Cash collected", period="Last 7 days")
    assert grid(page, "name", "value").column("name") == ["Bo", "Ana"]
    assert "Only USD" in said(page)


def test_on_a_board_of_days_to_come_nobody_is_new():
    org = make.organization()
    with as_system(org) as db:
        make.event(db, org, make.closer(db, org, "Ana"), at=now() + timedelta(days=2))
    page = opened("leaderboards", make.viewer(org), metric="Booked calls", period="Next 7 days")
    assert [(row["name"], row["change"]) for row in all_rows(page)] == [("Ana", NONE)]


def test_a_payment_that_is_in_no_figure_has_no_net_revenue():
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        event = make.event(db, org, make.closer(db, org, "Ana"), at=now() - timedelta(days=2))
        failed = make.payment(db, org, "55", status="failed", at=now() - timedelta(hours=1))
    answers = FormAnswers(
        True, True, True, True, cash_collected=Decimal(4997), currency="USD", payment_type="pif"
    )
    with admin.transaction() as db:
        file_form(db, event.id, answers, admin)
        [entered] = db.query(Payment.id).where(Payment.form_event_id == event.id).one()
    with admin.transaction() as db:
        withdraw_form(db, event.id, admin)
    for payment_id, state in ((failed.id, "Failed"), (entered, "Form withdrawn, not counted")):
        shown = said(opened("payment", admin, id=str(payment_id)))
        assert f"Status: {state}" in shown
        assert "Net revenue: not counted" in shown
    [row] = all_rows(opened("payments", admin))
    assert (row["amount"], row["net_revenue"]) == ("$55.00", NONE)


def test_a_show_rate_of_the_month_stands_beside_what_is_known_of_it():
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        make.event(db, org, make.closer(db, org, "Ana"), at=now() - timedelta(minutes=1))
    assert "0 of 1 bookings due are confirmed." in said(opened("my-day", admin))
