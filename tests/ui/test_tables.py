"""Tables: sorted over all rows by value, read a page at a time, in the columns that the reader
chose; each currency has its own decimals, and a download is exact.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pandas as pd
import pytest
import streamlit as st
from sqlalchemy import select

from core.bookings.models import CallStatus, CallType, Closer, Event, EventOutcome, Setter
from core.bookings.queries import ORDERED, EventFilter, events_table
from core.links.access_links import issue_link
from core.links.kinds import LinkPurpose
from core.metrics.units import COUNT, MONEY
from core.money.payouts import approve, create_snapshot
from core.people.models import Source, TrafficType
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.platform.errors import NotAllowed
from core.platform.models import AuditLog
from core.platform.paging import Order
from core.platform.spreadsheets import DECIMAL_COMMA
from core.tenancy.access.models import Role
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.sign_in import close_session
from core.ui.parts.columns import Amounts, Bar, Money, Number, Percent, Text, with_currencies
from core.ui.parts.downloads import csv_of
from core.ui.parts.rows import BATCH, FrameRows, QueriedRows
from tests import factories as make
from tests.factories import NOON
from tests.sheets import sheet_of
from tests.ui.grids import grid, grids
from tests.ui.kinds_of_columns import COLUMNS, ROWS
from tests.ui.screens import browser_of, opened, token_of, window, words

AMOUNTS = {"JPY": "98765", "KWD": "5.120", "USD": "7654.25"}
WRITTEN = {"JPY": "¥98,765", "KWD": "KWD5.120", "USD": "$7,654.25"}
ZERO = {"JPY": "¥0", "KWD": "KWD0.000", "USD": "$0.00"}
SCRIPT = """
import pandas as pd
from tests.ui.kinds_of_columns import COLUMNS, ROWS
from core.ui.parts.tables import table
table(pd.DataFrame(ROWS), "all-kinds", columns=COLUMNS, card=("amount", "at", "status"))
"""
LONG, EVER = 51, "Last 365 days"


@pytest.fixture(
    scope="module",
    params=[("JPY",), ("KWD",), ("JPY", "KWD", "USD")],
    ids=lambda each: "+".join(each),
)
def payout(request, database_url):
    """An approved payout of one closer's payments, one for each currency, and a link to the
    closer's statement.
    """
    org = make.organization()
    admin = make.viewer(org, "owner")
    with as_system(org) as db:
        ana = make.closer(db, org)
        for currency in request.param:
            make.payment(
                db,
                org,
                AMOUNTS[currency],
                currency=currency,
                at=now() - timedelta(hours=20),
                closer_id=ana.id,
            )
    day = today(admin.timezone)
    days = Period(day - timedelta(days=3), day + timedelta(days=1), admin.timezone)
    with admin.transaction() as db:
        made = approve(db, create_snapshot(db, "All", days, admin).id, admin)
    with admin.transaction() as db:
        link = issue_link(
            db, admin, LinkPurpose.COMMISSION, "Ana's", closer_id=ana.id, snapshot_id=made.id
        )
    return admin, made.id, link.address.partition("token=")[2], request.param


@pytest.mark.parametrize("column", ["cash_collected", "refunds", "net_revenue"])
def test_the_sums_of_a_payout_have_their_currencys_decimals(payout, column):
    admin, payout_id, _, currencies = payout
    sums = grid(opened("payout", admin, id=str(payout_id)), "payment_count", column)

    expected = ZERO if column == "refunds" else WRITTEN
    assert sorted(sums.column(column)) == sorted(expected[currency] for currency in currencies)


@pytest.mark.parametrize("screen", ["payout", "statement"])
def test_payments_of_payouts_and_statements_have_their_currencys_decimals(payout, screen):
    admin, payout_id, token, currencies = payout
    page = (
        opened("statement", None, token=token)
        if screen == "statement"
        else opened("payout", admin, id=str(payout_id))
    )
    lines = grid(page, "payment_date", "amount", "net_revenue")

    assert not page.exception
    expected = sorted((WRITTEN[currency],) * 2 for currency in currencies)
    assert sorted((row["amount"], row["net_revenue"]) for row in lines.rows) == expected


def table_at(tmp_path, **query):
    """The table with a column of every kind at this address."""
    script = tmp_path / "table.py"
    script.write_text(SCRIPT)
    page = window(str(script))
    page.query_params.update({f"all-kinds.{name}": value for name, value in query.items()})
    page.run()
    assert not page.exception
    [shown] = grids(page)
    return shown


def test_every_kind_of_value_is_read_in_words(tmp_path):
    shown = table_at(tmp_path)

    assert shown.names == ["at", "day", "amount", "status", "bookings", "name", "sums"]
    assert shown.rows[1] == {
        "at": "Mon 1 Dec 2025 17:00",
        "day": "–",
        "amount": "KWD5.120",
        "status": "Cancelled",
        "bookings": "5",
        "name": "–",
        "sums": "€1.50 + ¥7",
    }
    assert shown.column("amount") == ["¥98,765", "KWD5.120", "–"]
    assert shown.column("day") == ["1 Mar 2026", "–", "–"]
    assert shown.column("bookings") == ["1,234", "5", "0"]
    assert shown.column("name") == ["=1+1", "–", "Ana"]


def test_a_phone_shows_the_columns_that_the_screen_names_and_the_first_ones_otherwise(tmp_path):
    assert table_at(tmp_path).card == ["amount", "at", "status"]
    assert table_at(tmp_path, columns="name,day,sums,at").card == ["at"]
    assert table_at(tmp_path, columns="name,day,sums,bookings").card == ["name", "day", "sums"]


FRAME = pd.DataFrame(
    {
        "at": pd.to_datetime(
            ["2026-03-01 10:00", None, "2026-03-01 09:59", "2025-12-31 00:00", "2027-01-01 00:00"],
            utc=True,
        ),
        "day": [date(2026, 3, 5), None, date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 10)],
        "amount": [Decimal(9), Decimal(1000), Decimal(100), None, Decimal("20.50")],
        "currency": ["USD", "EUR", "USD", "USD", "EUR"],
        "status": ["rescheduled", "no_show", None, "canceled", "scheduled"],
        "bookings": [10, 9, None, 100, 1],
        "name": ["bo", "Ana", "", "ANA 2", "zed"],
    }
)


@pytest.mark.parametrize(
    ("column", "ascending", "descending"),
    [
        ("at", [3, 2, 0, 4, 1], [4, 0, 2, 3, 1]),
        ("day", [2, 3, 0, 4, 1], [4, 0, 3, 2, 1]),
        # within each currency
        ("amount", [4, 1, 0, 2, 3], [2, 0, 1, 4, 3]),
        # Cancelled, Moved, No-show, Scheduled
        ("status", [3, 0, 1, 4, 2], [4, 1, 0, 3, 2]),
        ("bookings", [4, 1, 0, 3, 2], [3, 0, 1, 4, 2]),
        ("name", [1, 3, 0, 4, 2], [4, 0, 3, 1, 2]),
    ],
)
def test_rows_are_sorted_by_value_and_those_without_one_come_last(column, ascending, descending):
    rows = FrameRows(FRAME, COLUMNS)
    for order, expected in (
        (Order(column), ascending),
        (Order(column, descending=True), descending),
    ):
        frame, count = rows.page(order, 50, 0)
        assert (list(frame.index), count) == (expected, len(FRAME))
        pages = [rows.page(order, 2, offset)[0] for offset in (0, 2, 4)]
        assert [number for page in pages for number in page.index] == expected
        [whole] = rows.everything(order)
        assert list(whole.index) == expected


def test_rows_of_the_same_value_stay_as_they_come():
    rows = FrameRows(pd.DataFrame({"name": ["b", "A", "B", "a"]}), [Text("name", "Name")])
    assert list(rows.page(Order("name"), 50, 0)[0].index) == [1, 3, 0, 2]
    assert list(rows.page(Order("name", descending=True), 50, 0)[0].index) == [0, 2, 1, 3]


def test_a_heading_says_how_its_column_is_sorted_and_sums_cannot_be(tmp_path):
    shown = table_at(tmp_path, sort="-bookings")

    assert shown.column("bookings") == ["1,234", "5", "0"]
    assert {each["name"]: each["order"] for each in shown.data["columns"] if each["order"]} == {
        "bookings": "descending"
    }
    assert [each["name"] for each in shown.data["columns"] if not each["sortable"]] == ["sums"]
    assert table_at(tmp_path, sort="bookings").column("bookings") == ["0", "5", "1,234"]
    for nonsense in NO_ORDERS:
        assert table_at(tmp_path, sort=nonsense).rows == table_at(tmp_path).rows


NO_ORDERS = ["-", "--name", "sums", "nowhere", "name;drop table app.events", "NAME", "\0", "٣"]
COLUMN_CHOICES = {
    "name,at": ["name", "at"],
    "at,name,at": ["at", "name"],
    "nowhere,name, at,": ["name"],
    "nowhere": [column.name for column in COLUMNS],
    ",": [column.name for column in COLUMNS],
    "<script>": [column.name for column in COLUMNS],
}


@pytest.mark.parametrize("asked", COLUMN_CHOICES)
def test_the_columns_of_the_address_are_shown_in_its_order(tmp_path, asked):
    shown = table_at(tmp_path, columns=asked)

    assert shown.names == COLUMN_CHOICES[asked]
    offered = [each["name"] for each in shown.data["offered"]]
    assert offered[: len(shown.names)] == shown.names
    assert sorted(offered) == sorted(column.name for column in COLUMNS)


STATUSES = ["scheduled", "canceled", "completed", "rescheduled", "no_show", "scheduled"]
NAMES = ["ana", "Bo", None, "ANA 2", "zed", "Östen", "bo", "Čarls", ""]


@dataclass(frozen=True)
class Booked:
    """Bookings of one organisation: who looks, and what each one's columns say."""

    admin: Viewer
    facts: list[dict[str, Any]]


@pytest.fixture(scope="module")
def booked(database_url):
    """Twenty bookings whose columns are in orders of their own."""
    admin = make.viewer(make.organization())
    org = admin.organization_id
    with as_system(org) as db:
        closers = [make.closer(db, org, name) for name in ("ida", "Bea", "Ove")]
        setters = [make.setter(db, org, name) for name in ("uli", "Sam")]
        sources = [make.source(db, org, name) for name in ("webinar", "Ads", "ask")]
        kinds = [CallType(organization_id=org, name=name) for name in ("demo", "Audit")]
        traffic = [TrafficType(organization_id=org, name=name) for name in ("paid", "Organic")]
        db.add_all([*kinds, *traffic])
        db.flush()

        def of(things: list[Any], number: int) -> Any:
            return things[number % len(things)] if number % 7 else None

        for number in range(20):
            at = NOON + timedelta(hours=number * 7 % 20)
            closer, setter = of(closers, number), of(setters, number)
            others = {
                "source_id": of(sources, number),
                "traffic_type_id": of(traffic, number + 1),
                "call_type_id": of(kinds, number + 2),
            }
            make.event(
                db,
                org,
                closer,
                set_by=setter,
                at=at,
                lead_name=NAMES[number % len(NAMES)],
                lead_email=None
                if number == 3
                else f"{'xY'[number % 2]}{number * 3 % 20}@Example.com",
                booked_at=at - timedelta(hours=number * 11 % 20),
                call_status=STATUSES[number % len(STATUSES)],
                event_outcome=[None, *EventOutcome][number % 5],
                **{name: thing and thing.id for name, thing in others.items()},
            )
    return Booked(admin, facts_of(admin))


def facts_of(admin: Viewer) -> list[dict[str, Any]]:
    """Every booking as it is stored, with the names and labels of what it points to."""
    with as_system(admin.organization_id) as db:
        named = {
            row.id: row.name
            for kind in (Closer, Setter, Source, TrafficType, CallType)
            for row in db.scalars(select(kind))
        }
        return [
            {
                "id": event.id,
                "lead_name": event.lead_name,
                "lead_email": event.lead_email,
                "scheduled_at": event.scheduled_at,
                "booked_at": event.booked_at,
                "closer": named.get(event.closer_id),
                "setter": named.get(event.setter_id),
                "source": named.get(event.source_id),
                "traffic_type": named.get(event.traffic_type_id),
                "call_type": named.get(event.call_type_id),
                "call_status": CallStatus(event.call_status).label,
                "event_outcome": event.event_outcome and EventOutcome(event.event_outcome).label,
            }
            for event in db.scalars(select(Event))
        ]


def in_order(facts: list[dict[str, Any]], column: str, *, descending: bool) -> list[UUID]:
    """The bookings as somebody with pen and paper would sort them."""

    def key(fact: dict[str, Any]) -> Any:
        return fact[column].lower() if isinstance(fact[column], str) else fact[column]

    latest = sorted(facts, key=lambda fact: fact["id"], reverse=True)
    known = sorted((fact for fact in latest if fact[column]), key=key, reverse=descending)
    return [fact["id"] for fact in [*known, *(fact for fact in latest if not fact[column])]]


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("column", ORDERED)
def test_the_database_sorts_bookings_by_what_people_read(booked, column, descending):
    assert len({fact[column] for fact in booked.facts}) > 2
    expected = in_order(booked.facts, column, descending=descending)

    def page(limit: int, offset: int) -> list[UUID]:
        order = Order(column, descending)
        with booked.admin.transaction() as db:
            return list(
                events_table(db, EventFilter(), order=order, limit=limit, offset=offset)["id"]
            )

    assert page(50, 0) == expected
    assert [each for offset in range(0, 20, 6) for each in page(6, offset)] == expected


def test_every_order_of_the_bookings_is_that_of_one_of_their_columns(booked):
    offered = grid(opened("events", booked.admin, period=EVER), "lead_name").data["offered"]
    assert {each["name"] for each in offered} - set(ORDERED) == {"form"}


def test_the_order_of_names_that_are_hidden_says_nothing_of_them(booked):
    viewer = make.viewer(booked.admin.organization_id, Role.VIEWER)
    for column in ("lead_name", "lead_email"):
        for descending in (False, True):
            with viewer.transaction() as db:
                rows = events_table(db, EventFilter(), order=Order(column, descending))
            assert list(rows["id"]) == sorted(rows["id"], reverse=True)
            assert rows[column].isna().all()


@pytest.fixture(scope="module")
def long(database_url):
    """Who looks at one booking more than a page has: "lead 00" is the latest of them."""
    admin = make.viewer(make.organization())
    with as_system(admin.organization_id) as db:
        for number in range(LONG):
            at = now() - timedelta(hours=number + 1)
            make.event(db, admin.organization_id, at=at, lead_name=f"lead {number:02}")
    return admin


def bookings_at(viewer, **query):
    """The table of the bookings at this address."""
    page = opened(
        "events", viewer, period=EVER, **{f"bookings.{name}": each for name, each in query.items()}
    )
    assert not page.exception
    return grid(page, "lead_name")


def test_a_page_holds_fifty_rows_and_says_which_of_how_many(long):
    first, second = bookings_at(long), bookings_at(long, page="2")

    assert first.column("lead_name") == [f"lead {number:02}" for number in range(LONG - 1)]
    assert second.column("lead_name") == [f"lead {LONG - 1}"]
    for shown, extent, page in ((first, "1–50 of 51", 1), (second, "51–51 of 51", 2)):
        assert (shown.data["extent"], shown.data["page"], shown.data["pages"]) == (extent, page, 2)
    assert [f"id={row['id']}" in row["href"] for row in first.data["rows"]] == [True] * 50


def test_all_rows_are_sorted_and_not_only_those_of_the_page(long):
    assert bookings_at(long, sort="scheduled_at").column("lead_name")[0] == f"lead {LONG - 1}"
    assert bookings_at(long, sort="-lead_name").column("lead_name")[0] == f"lead {LONG - 1}"
    assert bookings_at(long, sort="-lead_name", page="2").column("lead_name") == ["lead 00"]


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        *((nonsense, 1) for nonsense in ("0", "-1", "x", "1.5", "²", "1e3", " 2", "9" * 30, "\0")),
        *(("3", 2), ("999999999", 2), ("٢", 2), ("002", 2)),
    ],
)
def test_a_page_that_is_not_there_is_the_last_one_and_nonsense_the_first(long, asked, page):
    shown = bookings_at(long, page=asked)
    assert (shown.data["page"], len(shown.rows)) == (page, 50 if page == 1 else 1)


def test_nonsense_in_the_address_of_the_bookings_leaves_them_as_they_come(long):
    usual = bookings_at(long).rows
    for nonsense in [*NO_ORDERS, "id", "form", "pcf_submitted", "lead_name desc"]:
        assert bookings_at(long, sort=nonsense).rows == usual, nonsense
    for nonsense in ("", "id", "pcf_submitted", ",,,", "'", "closer_id"):
        assert bookings_at(long, columns=nonsense).rows == usual, nonsense
    assert bookings_at(long, columns="lead_name,lead_email").names == ["lead_name", "lead_email"]


def test_a_search_that_finds_less_than_a_page_shows_it_whatever_page_was_open(long):
    page = opened("events", long, period=EVER, search="lead 0", **{"bookings.page": "2"})
    assert len(grid(page, "lead_name").rows) == 10
    assert "10 bookings" in words(page)
    nobody = opened("events", long, period=EVER, search="nobody", **{"bookings.page": "2"})
    assert not nobody.exception
    assert grids(nobody) == []


def test_another_filter_than_a_moment_ago_begins_at_the_first_page(long):
    page = opened("events", long, period=EVER, **{"bookings.page": "2"})
    assert len(grid(page, "lead_name").rows) == LONG - 50
    page.query_params["of"] = "anything"
    with browser_of(long):
        page.run()
    assert len(grid(page, "lead_name").rows) == 50
    assert "bookings.page" not in page.query_params


def test_a_bar_is_as_long_on_every_page():
    values = pd.DataFrame({"value": [8.0, 4.0, 2.0]})
    bar = Bar("value", "Booked", COUNT, "USD").over(values)
    assert [cell["bar"] for cell in bar.cells(values[1:])] == [0.5, 0.25]


def test_a_file_for_excel_where_the_comma_is_the_decimal_sign():
    rows = pd.DataFrame({"amount": [Decimal("1234.5"), None], "currency": ["EUR", "EUR"]})
    columns = [Money("amount", "Amount"), Text("currency", "Currency")]
    assert csv_of([rows], columns, DECIMAL_COMMA).decode("utf-8-sig").splitlines() == [
        "Amount;Currency",
        "1234,50;EUR",
        ";EUR",
    ]


@pytest.mark.parametrize(
    ("locale", "formats"),
    [
        ("en_US", ["CSV", "Excel (XLSX)"]),
        ("da_DK", ["CSV", "CSV for Excel (;)", "Excel (XLSX)"]),
    ],
)
def test_which_files_are_offered_depends_on_the_organisations_country(
    database_url, locale, formats
):
    admin = make.viewer(make.organization(locale=locale))
    with as_system(admin.organization_id) as db:
        make.event(db, admin.organization_id, lead_name="Cleo")
    with patch.object(st, "download_button") as button:
        opened("events", admin)
    assert [call.args[0] for call in button.call_args_list] == formats


def test_a_download_has_what_is_filtered_and_stands_in_the_audit_log(database_url):
    admin = make.viewer(make.organization())
    with as_system(admin.organization_id) as db:
        for name in ("Cleo", "Dora"):
            make.event(db, admin.organization_id, lead_name=name)
    with patch.object(st, "download_button") as button:
        opened("events", admin, search="Cleo", period="Last 365 days")
    csv_file, xlsx_file = (call.args[1]() for call in button.call_args_list)
    assert "Cleo" in csv_file.decode()
    assert "Dora" not in csv_file.decode()
    [line] = sheet_of(xlsx_file)
    assert line["Lead"] == "Cleo"
    assert isinstance(line["Time (Europe/Copenhagen)"], datetime)
    with admin.transaction() as db:
        noted = db.execute(
            select(AuditLog.table_name, AuditLog.changes, AuditLog.actor_user_id)
            .where(AuditLog.operation == "export")
            .order_by(AuditLog.at)
        ).all()
    facts = {"rows": 1, "period": "Last 365 days", "searched": True}
    assert [(name, changes["format"], who) for name, changes, who in noted] == [
        ("events", "csv", admin.user_id),
        ("events", "xlsx", admin.user_id),
    ]
    assert all({**facts, "format": changes["format"]} == changes for _, changes, _ in noted)
    every = opened("audit", admin, view="Every change", operation="Exported", table="Bookings")
    log = grid(every, "who", "what", "changes")
    said = "Period: Last 365 days; Rows: 1; Searched: yes"
    assert {(row["what"], row["changes"]) for row in log.rows} == {
        ("Bookings · exported", f"Format: {name}; {said}") for name in ("csv", "xlsx")
    }


def test_after_the_sign_out_a_page_that_is_still_open_gives_no_file(database_url):
    admin = make.viewer(make.organization())
    with as_system(admin.organization_id) as db:
        make.event(db, admin.organization_id, lead_name="Cleo")
    token = token_of(admin)
    with patch.object(st, "download_button") as button:
        opened("events", token, period="Last 365 days")
    contents = [call.args[1] for call in button.call_args_list]
    assert all(content() for content in contents)
    close_session(token)
    for content in contents:
        with pytest.raises(NotAllowed, match="Reload the page to download"):
            content()


PEOPLE = pd.DataFrame(
    {"name": [f"Person {number:02}" for number in range(60)], "status": ["scheduled"] * 60}
)
SEARCHED = """
from tests.ui.test_tables import PEOPLE
from core.bookings.models import CallStatus
from core.ui.parts.columns import Text, Word
from core.ui.parts.tables import table
columns = [Text("name", "Name"), Word("status", "Status", CallStatus)]
table(PEOPLE, "people", columns=columns)
table(PEOPLE[:10], "few", columns=columns)
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [("person 1", 10), ("PERSON 59", 1), ("sched", 50), ("nobody", 0), ("", 50), ("%", 0)],
)
def test_a_table_that_is_there_as_a_whole_is_searched_by_what_people_read(tmp_path, words, found):
    script = tmp_path / "searched.py"
    script.write_text(SEARCHED)
    page = window(str(script))
    page.query_params["people.search"] = words
    with patch.object(st, "download_button") as button:
        page.run()
    assert not page.exception
    people, few = grids(page)
    assert (len(people.rows), people.data["search"], few.data["search"]) == (found, words, None)
    if not found:
        assert people.data["extent"] == "No row mentions what you search for."
    lines = button.call_args_list[0].args[1]().decode("utf-8-sig").splitlines()
    assert len(lines) - 1 == (60 if words in ("sched", "") else found)


def test_a_download_has_values_and_no_formulas():
    lines = list(
        csv.DictReader(
            io.StringIO(csv_of([pd.DataFrame(ROWS)], with_currencies(COLUMNS)).decode("utf-8-sig"))
        )
    )

    assert lines[0] == {
        "When": "2026-11-28T08:30:00+09:00",
        "Day": "2026-03-01",
        "Amount": "98765",
        "Currency": "JPY",
        "Status": "No-show",
        "Bookings": "1234",
        "Name": "'=1+1",
        "Sums (EUR)": "",
        "Sums (JPY)": "500",
    }
    assert (lines[1]["Amount"], lines[1]["Sums (EUR)"]) == ("5.120", "1.50")
    assert (lines[2]["When"], lines[2]["Amount"], lines[2]["Status"]) == ("", "", "")


def test_a_download_has_every_row_of_a_query_in_its_order():
    rows = pd.DataFrame({"bookings": range(2 * BATCH + 1)})

    def query(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        backwards = order is not None and order.descending
        return (rows[::-1] if backwards else rows).iloc[offset : offset + limit], len(rows)

    source = QueriedRows(["bookings"], query)
    for order, expected in (
        (None, [*rows["bookings"]]),
        (Order("bookings", descending=True), [*rows["bookings"]][::-1]),
    ):
        made = csv_of(source.everything(order), [Number("bookings", "Bookings")]).decode(
            "utf-8-sig"
        )
        assert made.splitlines() == ["Bookings", *map(str, expected)]


def test_a_rate_is_read_in_per_cent_sorted_by_its_value_and_downloaded_as_it_is():
    rates = pd.DataFrame({"show_rate": [0.712, None, 1.0, 0.08]})
    column = Percent("show_rate", "Show rate")

    assert column.texts(rates) == ["71%", "–", "100%", "8%"]
    sorted_rates = FrameRows(rates, [column]).page(Order("show_rate"), 50, 0)[0]
    assert list(sorted_rates.index) == [3, 0, 2, 1]
    assert column.exported(rates) == {"Show rate": [0.712, None, 1.0, 0.08]}


def test_a_count_beside_a_missing_one_is_a_whole_number():
    counts = pd.DataFrame({"tries": [1234, None]})
    column = Number("tries", "Tries")

    assert column.texts(counts) == ["1,234", "–"]
    assert csv_of([counts], [column]).decode("utf-8-sig").splitlines() == ["Tries", "1234", '""']


def test_money_of_several_currencies_is_downloaded_also_beside_a_line_without_any():
    sums = pd.DataFrame({"net": [{"USD": Decimal("12.5")}, None, {"EUR": Decimal(3)}]})
    column = Amounts("net", "Net")

    assert column.texts(sums)[1] == "–"
    assert column.exported(sums) == {
        "Net (EUR)": [None, None, Decimal("3.00")],
        "Net (USD)": [Decimal("12.50"), None, None],
    }


@pytest.mark.parametrize(
    ("currency", "texts"),
    [
        ("USD", ["$12,345.60", "$0.40", "$0.00"]),
        ("KWD", ["KWD12,345.600", "KWD0.400", "KWD0.000"]),
    ],
)
def test_a_bar_is_written_exactly_and_as_long_as_its_share_of_the_largest(currency, texts):
    values = pd.DataFrame({"value": [12345.6, 0.4, 0.0]})
    cells = Bar("value", "Cash", MONEY, currency).cells(values)

    assert [cell["text"] for cell in cells] == texts
    assert [cell["bar"] for cell in cells] == pytest.approx([1, 0.4 / 12345.6, 0])
    assert Bar("value", "Booked", COUNT, "USD").cells(pd.DataFrame({"value": [3.0, -1.0]})) == [
        {"text": "3", "bar": 1.0},
        {"text": "-1", "bar": 0.0},
    ]


def test_the_dashboards_people_are_sorted_by_their_cash(database_url):
    admin = make.viewer(make.organization())
    org, at = admin.organization_id, now() - timedelta(hours=1)
    with as_system(org) as db:
        for name, amount in (("Ana", "900.00"), ("Bo", "1000.00"), ("Cy", "80.50")):
            closer = make.closer(db, org, name)
            make.event(db, org, closer, at=at)
            make.payment(db, org, amount, at=at, closer_id=closer.id)
    for order, expected in (
        ("cash", ["$80.50", "$900.00", "$1,000.00"]),
        ("-cash", ["$1,000.00", "$900.00", "$80.50"]),
    ):
        page = opened("dashboard", admin, period="Last 7 days", **{"closers.sort": order})
        [closers] = [each for each in grids(page) if each.data["label"] == "Closers"]
        assert closers.column("cash") == expected
