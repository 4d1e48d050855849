"""What a value of each unit reads like, and how far it lies from an earlier one."""

from decimal import Decimal

import pytest

from core.metrics.units import COUNT, HOURS, MONEY, RATE

NOTHING, NO_FIGURE = {}, None


def usd(amount):
    return {"USD": Decimal(amount)}


@pytest.mark.parametrize(
    ("unit", "value", "before", "change"),
    [
        (MONEY, usd(50), usd(-100), 150),
        (MONEY, usd(-150), usd(-100), -50),
        (MONEY, usd(-100), usd(50), -300),
        (COUNT, 3, 4, -25),
        (HOURS, 3.0, 2.0, 50),
        (RATE, 0.5, 0.75, -25),
    ],
)
def test_a_change_is_above_nought_where_it_is_more_and_below_where_it_is_less(
    unit, value, before, change
):
    assert unit.moved(value, before, "USD") == pytest.approx(change)


@pytest.mark.parametrize(
    ("value", "before", "change"),
    [
        (NOTHING, usd(10_000), -100),
        (usd(0), usd(10_000), -100),
        (usd(1), usd(10_000), -99.99),
        (usd(10_000), NOTHING, None),
        (NOTHING, NOTHING, None),
        (NO_FIGURE, usd(10), None),
        (usd(10), NO_FIGURE, None),
        # What came is not less, it is of another currency.
        ({"EUR": Decimal(50_000)}, usd(10_000), None),
    ],
)
def test_money_that_falls_to_nothing_has_fallen_by_all_of_it(value, before, change):
    assert MONEY.moved(value, before, "USD") == (change and pytest.approx(change))


def test_a_sum_of_no_rows_is_nought_and_only_a_quotient_is_no_figure():
    assert (MONEY.text(NOTHING, "DKK"), MONEY.text(NO_FIGURE, "DKK")) == ("DKK0", "–")
    assert (MONEY.message(NOTHING, "USD"), MONEY.message(NO_FIGURE, "USD")) == ("$0", "n/a")
    assert (MONEY.daily(NOTHING, 7, "USD"), MONEY.daily(NO_FIGURE, 7, "USD")) == ("$0", "n/a")
    assert (MONEY.plain(NOTHING, "USD"), MONEY.plain(NO_FIGURE, "USD")) == (0, None)
    assert (MONEY.as_json(NOTHING), MONEY.as_json(NO_FIGURE)) == ({}, {})
    assert (MONEY.per(NOTHING, 2), MONEY.per(usd(3), 0)) == (NOTHING, NO_FIGURE)


@pytest.mark.parametrize(
    ("amounts", "written"),
    [
        ({"USD": Decimal("0.40")}, "$0.40"),
        ({"KWD": Decimal("0.400")}, "KWD0.400"),
        ({"USD": Decimal("99.50")}, "$99.50"),
        ({"USD": Decimal("-0.40")}, "-$0.40"),
        ({"USD": Decimal("10.00")}, "$10"),
        ({"USD": Decimal("4997.40")}, "$4,997"),
        ({"JPY": Decimal("20")}, "¥20"),
        ({"USD": Decimal("0.40"), "KWD": Decimal("1.025")}, "$0.40 + KWD1.025"),
    ],
)
def test_a_small_amount_has_its_decimals_in_a_message_and_on_a_card(amounts, written):
    assert MONEY.message(amounts, "USD") == MONEY.text(amounts, "USD") == written
