"""Every currency has the decimals of ISO 4217, whatever people write in daily life."""

from decimal import Decimal

import pytest

from core.platform.errors import InvalidInput
from core.platform.money import (
    decimal_text,
    from_minor,
    parse_amount,
    rounded,
    shown,
    typed_amount,
)


@pytest.mark.parametrize(
    ("currency", "written", "read_by_people"),
    [
        ("USD", "123456.40", "$123,456.40"),
        ("RSD", "123456.40", "RSD123,456.40"),
        ("ALL", "123456.40", "ALL123,456.40"),
        ("LBP", "123456.40", "LBP123,456.40"),
        ("IQD", "123456.400", "IQD123,456.400"),
        ("KWD", "123456.400", "KWD123,456.400"),
        ("JPY", "123456", "¥123,456"),
    ],
)
def test_an_amount_is_written_with_the_decimals_in_which_it_was_paid(
    currency, written, read_by_people
):
    amount = Decimal("123456.4")
    assert decimal_text(amount, currency) == written
    assert shown(amount, currency) == read_by_people
    assert parse_amount(written, currency) == Decimal(written)


def test_a_currency_without_decimals_takes_none():
    with pytest.raises(InvalidInput, match="JPY has 0 decimals"):
        parse_amount("1.5", "JPY")


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        ("4997", "usd", "49.97"),
        ("12345640", "rsd", "123456.40"),
        ("500", "jpy", "500"),
        ("5120", "kwd", "5.120"),
        ("500", "isk", "5.00"),
        ("500", "ugx", "5.00"),
        ("700", "mga", "700"),
    ],
)
def test_what_stripe_counts_in_smallest_units_becomes_each_currencys_own_amount(
    minor, currency, expected
):
    assert from_minor(Decimal(minor), currency, "stripe") == Decimal(expected)


def test_the_noise_of_a_float_is_rounded_away():
    assert rounded(Decimal("1234.5600000000001"), "USD") == Decimal("1234.56")


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("4997", "USD", "4997"),
        ("4,997", "USD", "4997"),
        ("$4,997.00", "USD", "4997"),
        ("4,997.00 usd".upper(), "USD", "4997"),
        ("1,000,000", "USD", "1000000"),
        ("1 000 000.50", "USD", "1000000.50"),
        ("4.999,50", "USD", "4999.50"),
        ("€4.999,50", "EUR", "4999.50"),
        ("98,765", "JPY", "98765"),
        ("1,234.567", "KWD", "1234.567"),
    ],
)
def test_an_amount_is_read_as_it_is_typed_and_as_the_screens_write_it(typed, currency, amount):
    assert typed_amount(typed, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("4,99", "USD"),
        ("1,23.45", "USD"),
        ("12.345", "USD"),
        ("4.997", "USD"),
        ("1,2345", "USD"),
        ("1.234.567", "USD"),
        ("0,500", "USD"),
        ("0.500,00", "USD"),
        ("€5", "USD"),
        ("4,997", "KWD"),  # thousands or thousandths
        ("4.99,5", "KWD"),
        ("1e99", "USD"),
        ("99999999999999", "USD"),
        ("-5", "USD"),
        ("$", "USD"),
    ],
)
def test_what_may_mean_two_amounts_or_none_is_refused(typed, currency):
    with pytest.raises(InvalidInput):
        typed_amount(typed, currency)
