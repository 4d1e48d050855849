"""Tables hold values: each currency has its own decimals, times sort as times, and a download is
exact.
"""

import csv
import io
import json
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest

from core.links.access_links import issue_link
from core.links.kinds import LinkPurpose
from core.money.payouts import approve, create_snapshot
from core.platform.clock import Period, now, today
from core.platform.database import as_system
from core.ui.parts.columns import (
    MOST_FORMATTED_ROWS,
    Money,
    Percent,
    with_currencies,
)
from core.ui.parts.tables import as_csv
from tests import factories as make
from tests.ui.kinds_of_columns import AT, COLUMNS, ROWS
from tests.ui.screens import opened, window

AMOUNTS = {"JPY": "98765", "KWD": "5.120", "USD": "7654.25"}
WRITTEN = {"JPY": "98,765", "KWD": "5.120", "USD": "7,654.25"}
ZERO = {"JPY": "0", "KWD": "0.000", "USD": "0.00"}
SCRIPT = """
import pandas as pd
from tests.ui.kinds_of_columns import COLUMNS, ROWS
from core.ui.parts.tables import table
table(pd.DataFrame(ROWS), "all-kinds", columns=COLUMNS, card=("amount", "at", "status"))
"""


def written(table, column):
    """The amounts of a column as the browser shows them: formatted one by one, or all in one
    format.
    """
    if one_by_one := table.proto.arrow_data.styler.display_values:
        return list(pa.ipc.open_stream(one_by_one).read_pandas()[column])
    form = json.loads(table.proto.columns)[column]["type_config"]["format"]
    return [format(value, form.removeprefix("%")) for value in table.value[column]]


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
    sums = opened("payout", admin, id=str(payout_id)).dataframe[0]

    expected = ZERO if column == "refunds" else WRITTEN
    assert dict(zip(sums.value["currency"], written(sums, column), strict=True)) == {
        currency: expected[currency] for currency in currencies
    }


@pytest.mark.parametrize("screen", ["payout", "statement"])
def test_payments_of_payouts_and_statements_have_their_currencys_decimals(payout, screen):
    admin, payout_id, token, currencies = payout
    page = (
        opened("statement", None, token=token)
        if screen == "statement"
        else opened("payout", admin, id=str(payout_id))
    )
    lines = page.dataframe[-1]

    assert not page.exception
    for column in ("amount", "net_revenue"):
        assert dict(zip(lines.value["currency"], written(lines, column), strict=True)) == {
            currency: WRITTEN[currency] for currency in currencies
        }
    assert lines.value["amount"].dtype == float


@pytest.fixture
def shown(tmp_path):
    script = tmp_path / "table.py"
    script.write_text(SCRIPT)
    page = window(str(script)).run()
    assert not page.exception
    return page


def test_times_and_amounts_of_a_table_are_values_and_so_sort_by_them(shown):
    cells = shown.dataframe[0].value

    assert str(cells["at"].dtype).endswith("Asia/Tokyo]")
    assert cells["at"][0] == AT
    assert cells["amount"].dtype == float
    assert list(cells["status"][:2]) == ["No-show", "Cancelled"]
    assert (
        json.loads(shown.dataframe[0].proto.columns)["at"]["type_config"]["format"]
        == "ddd D MMM YYYY HH:mm"  # one of them is of another year
    )


def test_the_currency_stands_right_after_its_amounts(shown):
    assert list(shown.dataframe[0].value) == [
        "at",
        "day",
        "amount",
        "currency",
        "status",
        "bookings",
        "name",
        "sums",
    ]


def test_a_card_has_the_same_values_as_words(shown):
    cards = shown.get("html")[-1].proto.body

    assert "<b>¥98,765</b>" in cards
    assert "<span>Mon 1 Dec 2025 17:00</span><span>Cancelled</span>" in cards


def test_a_download_has_values_and_no_formulas():
    lines = list(
        csv.DictReader(io.StringIO(as_csv(pd.DataFrame(ROWS), with_currencies(COLUMNS)).decode()))
    )

    assert lines[0] == {
        "at": "2026-11-28T08:30:00+09:00",
        "day": "2026-03-01",
        "amount": "98765",
        "currency": "JPY",
        "status": "no_show",
        "bookings": "1234",
        "name": "'=1+1",
        "sums_EUR": "",
        "sums_JPY": "500",
    }
    assert (lines[1]["amount"], lines[1]["sums_EUR"]) == ("5.120", "1.50")
    assert (lines[2]["at"], lines[2]["amount"], lines[2]["status"]) == ("", "", "")


def test_a_long_table_of_several_currencies_cuts_no_decimal_off():
    rows = pd.DataFrame(ROWS[:2] * MOST_FORMATTED_ROWS)
    assert Money("amount", "Amount").config(rows)["type_config"]["format"] == "%,.3f"


def test_a_rate_is_read_in_per_cent_sorted_by_its_value_and_downloaded_as_it_is():
    rates = pd.DataFrame({"show_rate": [0.712, None, 1.0]})
    column = Percent("show_rate", "Show rate")

    assert column.texts(rates) == ["71 %", "–", "100 %"]
    assert list(column.cells(rates).dropna()) == pytest.approx([71.2, 100])
    assert column.exported(rates) == {"show_rate": [0.712, None, 1.0]}


def test_the_dashboards_people_have_their_rate_and_cash_as_numbers(ours):
    page = opened("dashboard", ours.admin)
    people = next(table for table in page.dataframe if "closes" in table.value)

    assert not page.exception
    assert people.value["show_rate"].dtype == people.value["cash"].dtype == float
