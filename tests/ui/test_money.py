"""No amount without its currency, and no two currencies in one sum."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from core.money.payouts import create_snapshot
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from tests import factories as make
from tests.ui.grids import all_rows
from tests.ui.screens import opened, words

AMOUNTS = {"EUR": Decimal("4321.50"), "USD": Decimal("7654.25"), "JPY": Decimal(98765)}
SIGNS = {"EUR": "€", "USD": "$", "JPY": "¥"}


@pytest.fixture(scope="module")
def crew(database_url):
    """One closer's three payments in three currencies; the organisation's own currency is the
    euro.
    """
    org = make.organization(currency="EUR")
    admin, rep = make.viewer(org, "owner"), make.viewer(org, "sales_rep")
    at = now() - timedelta(hours=20)
    with as_system(org) as db:
        ana = make.closer(db, org, user_id=rep.user_id)
        event = make.event(db, org, ana, at=at)
        paid = {
            currency: (
                make.payment(
                    db,
                    org,
                    str(amount),
                    currency=currency,
                    at=at,
                    event_id=event.id,
                    closer_id=ana.id,
                ).id
            )
            for currency, amount in AMOUNTS.items()
        }
        day = today(admin.timezone)
        payout = create_snapshot(
            db,
            "All",
            Period(day - timedelta(days=3), day + timedelta(days=1), admin.timezone),
            None,
        )
    return admin, {"event": event.id, "payout": payout.id} | paid


@pytest.mark.parametrize("screen", ["dashboard", "payments", "payment", "payout", "my-day"])
def test_every_amount_in_words_and_cards_has_its_currency(crew, screen):
    admin, ids = crew
    row = ids.get("EUR" if screen == "payment" else screen)
    page = opened(screen, admin, period="Last 30 days", **({"id": str(row)} if row else {}))

    assert not page.exception
    said = [*words(page), *(str(card.value) for card in page.metric)]
    told = [
        (line, currency)
        for line in said
        for currency, amount in AMOUNTS.items()
        if shown(amount, line)
    ]
    assert told
    assert [
        line for line, currency in told if SIGNS[currency] not in line and currency not in line
    ] == []
    assert not any(
        shown(together, line) for line in said for together in sums_of_different_currencies()
    )


@pytest.mark.parametrize("screen", ["event", "payments", "payout", "payouts"])
def test_every_row_of_a_table_of_amounts_says_their_currency(crew, screen):
    admin, ids = crew
    page = opened(
        screen, admin, period="Last 30 days", **({"id": str(ids[screen])} if screen in ids else {})
    )

    rows = [list(row.values()) for row in all_rows(page)]
    found = set()
    for currency, amount in AMOUNTS.items():
        for row in rows:
            if any(shown(amount, cell) for cell in row):
                found.add(currency)
                assert any(currency in cell or SIGNS[currency] in cell for cell in row), row
    assert found == set(AMOUNTS)


@pytest.mark.parametrize("currency", AMOUNTS)
def test_a_payment_is_titled_with_its_amount_as_its_currency_is_written(crew, currency):
    admin, ids = crew
    title = words(opened("payment", admin, id=str(ids[currency])))[0]

    assert title == {"EUR": "€4,321.50", "USD": "$7,654.25", "JPY": "¥98,765"}[currency]


def shown(amount, text):
    """Whether ``text`` contains this amount: exactly, in whole units or as programs write it."""
    ways = {f"{amount:,.2f}", f"{amount:,.0f}", f"{float(amount)}", f"{amount:f}"}
    return any(re.search(rf"(?<![\d,.]){re.escape(way)}(?![\d])", text) for way in ways)


def sums_of_different_currencies():
    euros, dollars, yen = AMOUNTS.values()
    return euros + dollars, euros + yen, dollars + yen, euros + dollars + yen
