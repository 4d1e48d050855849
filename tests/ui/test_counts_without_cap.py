"""A count is a count of everything, however many rows a list beside it has room for."""

from datetime import timedelta

import pytest

from core.messages.reports import overdue_reminder
from core.metrics.table import totals
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from tests import factories as make
from tests.ui.screens import opened, words

OVERDUE, PAYMENTS = 205, 505


@pytest.fixture(scope="module")
def crew(database_url):
    """One closer with more overdue forms, and more payments of nobody, than any list shows."""
    org = make.organization(timezone="UTC", pcf_grace_hours=1)
    rep, admin = make.viewer(org, "sales_rep"), make.viewer(org)
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana", user_id=rep.user_id)
        for number in range(OVERDUE):
            make.event(db, org, ana, at=now() - timedelta(hours=30, minutes=number))
        for number in range(PAYMENTS):
            make.payment(db, org, "1.00", at=now() - timedelta(minutes=number), email=None)
    return rep, admin


def test_every_screen_and_slack_say_the_same_number_of_overdue_forms(crew):
    rep, admin = crew
    day = today("UTC")
    with admin.transaction() as db:
        figures = totals(db, Period(day - timedelta(days=5), day + timedelta(days=1), "UTC"))
        posted = overdue_reminder(db)[0]["text"]
    cards = {card.label: card.value for card in opened("my-day", rep).metric}
    told = words(opened("dashboard", admin))
    listed = words(opened("events", admin, figure="overdue_pcfs"))

    assert figures["overdue_pcfs"] == OVERDUE
    assert any(line.startswith(f"{OVERDUE} bookings wait") for line in told)
    assert cards["Forms to file"] == str(OVERDUE)
    assert posted.startswith(f"{OVERDUE} post-call forms are overdue")
    assert any(line.startswith(f"{OVERDUE} bookings") for line in listed)


def test_the_sums_above_a_list_that_ends_at_a_number_are_of_all_payments(crew):
    _, admin = crew
    page = opened("payments", admin)
    assert any(
        f"Sum of {PAYMENTS} payments: cash collected **$505.00**" in line.replace("\\", "")
        for line in words(page)
    )
