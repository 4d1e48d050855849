"""Payments and leads are sorted over all of them by the database, a page at a time."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from core.money import queries as payments
from core.people import queries as leads
from core.people.models import Contact, Lead
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.paging import Order
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.screens import opened

EVER = "Last 365 days"
BOTH = pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])


@pytest.fixture(scope="module")
def paid(database_url):
    """An admin of an organisation with payments of two currencies, one of which failed."""
    admin = make.viewer(make.organization())
    org = admin.organization_id
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "ana"), make.closer(db, org, "Bo")
        for days, (amount, currency, who, status) in enumerate(
            (
                ("10", "USD", bo, "succeeded"),
                ("200", "USD", ana, "succeeded"),
                ("50", "EUR", None, "succeeded"),
                ("30", "USD", ana, "failed"),
            )
        ):
            make.payment(
                db,
                org,
                amount,
                currency=currency,
                closer_id=who and who.id,
                status=status,
                at=now() - timedelta(days=days + 1),
                customer_name=f"{'zyXw'[days]} lead",
                customer_email=None if days == 2 else f"{'cabd'[days]}@example.com",
            )
    return admin


def sorted_by(rows, key, *, descending):
    """Rows without a value come last, whichever way."""
    present = [row for row in rows if key(row) is not None]
    absent = [row for row in rows if key(row) is None]
    return [*sorted(present, key=key, reverse=descending), *absent]


def key_of(column):
    def key(row):
        value = row[column]
        if column == "net_revenue" and not row["counts"]:
            return None
        if value is None or value != value:
            return None
        return value.lower() if isinstance(value, str) else value

    return key


@BOTH
@pytest.mark.parametrize("column", payments.ORDERED)
def test_payments_are_sorted_by_each_of_their_columns(paid, column, descending):
    def page(order, limit=50, offset=0):
        with paid.transaction() as db:
            chosen = payments.PaymentFilter()
            return payments.payments_table(db, chosen, order=order, limit=limit, offset=offset)

    rows = page(None).to_dict("records")
    currencies = ["EUR", "USD"] if column in payments.AMOUNTS else [None]
    expected = [
        row[column] if key_of(column)(row) is not None else None
        for currency in currencies
        for row in sorted_by(
            [each for each in rows if currency in (None, each["currency"])],
            key_of(column),
            descending=descending,
        )
    ]
    found = page(Order(column, descending)).to_dict("records")
    seen = [row[column] if key_of(column)(row) is not None else None for row in found]
    assert seen == expected
    parts = [page(Order(column, descending), 1, place)["id"].iloc[0] for place in range(4)]
    assert sorted(parts) == sorted(row["id"] for row in rows)


def test_the_screen_of_the_payments_shows_them_in_the_order_of_its_address(paid):
    page = opened("payments", paid, period=EVER, **{"payments.sort": "-amount"})
    assert grid(page, "amount").column("amount") == ["€50.00", "$200.00", "$30.00", "$10.00"]


@pytest.fixture(scope="module")
def asked(database_url):
    """An admin of an organisation with three leads, one without a name."""
    admin = make.viewer(make.organization())
    org = admin.organization_id
    with as_system(org) as db:
        for number, name in enumerate(("bo", "Ana", None)):
            contact = Contact(organization_id=org, id=uuid4(), name=name)
            at = now() - timedelta(days=number + 1)
            lock_books(db)
            db.add(contact)
            db.flush()
            db.add(Lead(organization_id=org, contact_id=contact.id, received_at=at))
    return admin


@BOTH
def test_leads_are_sorted_by_name_and_by_when_they_came(asked, descending):
    day = today(asked.timezone)
    days = Period(day - timedelta(days=9), day + timedelta(days=1), asked.timezone)
    with asked.transaction() as db:
        chosen = leads.LeadFilter(days)
        by_name = leads.leads_table(db, chosen, order=Order("name", descending))
        by_time = leads.leads_table(db, chosen, order=Order("received_at", descending))
    names = ["Ana", "bo", None]
    expected = ["bo", "Ana", None] if descending else names
    assert [None if name != name else name for name in by_name["name"]] == expected
    assert [*by_time["received_at"]] == sorted(by_time["received_at"], reverse=descending)


@pytest.mark.parametrize("column", leads.ORDERED)
def test_leads_can_be_sorted_by_each_of_their_columns(asked, column):
    page = opened("leads", asked, period=EVER, **{"leads.sort": f"-{column}"})
    assert not page.exception
    assert len(grid(page, "received_at").rows) == 3


def test_what_a_failed_payment_would_have_been_is_no_revenue_to_sort_by(paid):
    with paid.transaction() as db:
        order = Order("net_revenue", descending=True)
        rows = payments.payments_table(db, payments.PaymentFilter(), order=order)
    assert list(rows["amount"]) == [Decimal(50), Decimal(200), Decimal(10), Decimal(30)]
