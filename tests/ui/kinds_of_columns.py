"""A table with a column of every kind."""

from datetime import UTC, date, datetime
from decimal import Decimal

from core.bookings.models import CallStatus
from core.ui.parts.columns import (
    Amounts,
    Day,
    Moment,
    Money,
    Number,
    Text,
    Word,
)

AT = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
ROWS = [
    {
        "at": AT,
        "day": date(2026, 3, 1),
        "amount": Decimal("98765"),
        "currency": "JPY",
        "status": "no_show",
        "bookings": 1234,
        "name": "=1+1",
        "sums": {"JPY": Decimal(500)},
    },
    {
        "at": datetime(2025, 12, 1, 8, tzinfo=UTC),
        "day": None,
        "amount": Decimal("5.12"),
        "currency": "KWD",
        "status": "canceled",
        "bookings": 5,
        "name": None,
        "sums": {"EUR": Decimal("1.5"), "JPY": Decimal(7)},
    },
    {
        "at": None,
        "day": None,
        "amount": None,
        "currency": "USD",
        "status": None,
        "bookings": 0,
        "name": "Ana",
        "sums": {},
    },
]
COLUMNS = [
    Moment("at", "When", "Asia/Tokyo"),
    Day("day", "Day"),
    Money("amount", "Amount"),
    Word("status", "Status", CallStatus),
    Number("bookings", "Bookings"),
    Text("name", "Name"),
    Amounts("sums", "Sums"),
]
