"""Every currency has the decimals of ISO 4217, whatever people write in daily life."""

from decimal import Decimal

import pytest
from babel.numbers import list_currencies

from core.platform.errors import InvalidInput
from core.platform.money import (
    decimal_text,
    from_minor,
    is_unusual,
    parse_amount,
    rounded,
    short,
    shown,
    typed_amount,
)
from core.platform.notation import LOCALES, written_in
from tests.by_day import first

# Each sign of thousands, and each place of a currency.
BY_DAY = {"en_US", "de_DE", "sv_SE", "de_CH", "en_IN", "nl_NL"}


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
    ("locale", "typed", "currency", "amount"),
    [
        ("en_US", "4997", "USD", "4997"),
        ("en_US", "4,997", "USD", "4997"),
        ("en_US", "$4,997.00", "USD", "4997"),
        ("en_US", "4,997.00 USD", "USD", "4997"),
        ("en_US", "usd 4997", "USD", "4997"),
        ("en_US", "1,000,000", "USD", "1000000"),
        ("en_US", "1 000 000.50", "USD", "1000000.50"),
        ("en_US", "98,765", "JPY", "98765"),
        ("en_US", "1,234.567", "KWD", "1234.567"),
        ("en_US", "4 997", "KWD", "4997"),
        ("de_DE", "4.997", "EUR", "4997"),
        ("de_DE", "4.999,50", "EUR", "4999.50"),
        ("de_DE", "€4.999,50", "EUR", "4999.50"),
        ("de_DE", "12.345", "USD", "12345"),
        ("da_DK", "4.997,00 kr.", "DKK", "4997"),
        ("da_DK", "4997,5 DKK", "DKK", "4997.5"),
        ("sv_SE", "4\xa0997,50 kr", "SEK", "4997.50"),
        ("de_CH", "CHF 4'997.00", "CHF", "4997"),
        ("en_IN", "₹12,34,567.50", "INR", "1234567.50"),
        ("en_IN", "1,234,567", "INR", "1234567"),
    ],
)
def test_an_amount_is_read_by_the_locale_of_the_organisation(locale, typed, currency, amount):
    with written_in(locale):
        assert typed_amount(typed, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("locale", "typed", "currency"),
    [
        ("en_US", "4.999,50", "USD"),
        ("en_US", "4,99", "USD"),
        ("en_US", "1,23.45", "USD"),
        ("en_US", "12.345", "USD"),
        ("en_US", "4.997", "USD"),
        ("en_US", "1,2345", "USD"),
        ("en_US", "1.234.567", "USD"),
        ("en_US", "1 23", "USD"),
        ("en_US", "0,500", "USD"),
        ("en_US", "€5", "USD"),
        ("en_US", "4,997", "KWD"),  # thousands or thousandths
        ("en_US", "5.000", "USD"),  # five, or five thousand of somebody who writes so
        ("en_US", "12.500", "USD"),
        ("en_US", "5.000", "JPY"),
        ("da_DK", "5,000", "DKK"),
        ("de_CH", "1.000", "CHF"),
        ("da_DK", "1,5 000", "DKK"),
        ("en_US", "12.5 000", "USD"),
        ("en_US", "4.", "USD"),
        ("en_US", ".5", "USD"),
        ("de_DE", "4,999.50", "EUR"),
        ("de_DE", "12.50", "EUR"),
        ("de_DE", "4.997", "KWD"),
        ("en_US", "1e99", "USD"),
        ("en_US", "NaN", "USD"),
        ("en_US", "Infinity", "USD"),
        ("en_US", "99999999999999", "USD"),
        ("en_US", "-5", "USD"),
        ("en_US", "−5", "USD"),
        ("en_US", "$", "USD"),
        ("en_US", "٤٩٩٧", "USD"),
        ("en_US", "1_000", "USD"),
        ("en_US", "", "USD"),
        ("en_US", "\0" * 10_000, "USD"),
    ],
)
def test_what_may_mean_two_amounts_or_none_is_refused(locale, typed, currency):
    with written_in(locale), pytest.raises(InvalidInput) as refused:
        typed_amount(typed, currency)
    assert len(refused.value.message) < 150


@pytest.mark.parametrize("locale", first(LOCALES, BY_DAY))
def test_what_is_written_in_a_locale_is_read_as_the_same_amount_in_it(locale):
    amounts = [Decimal(units) / 1000 for units in (0, 500, 123_400, 4_997_000, 98_765_432_199)]
    with written_in(locale):
        for currency in list_currencies():
            for amount in (rounded(each, currency) for each in amounts):
                assert typed_amount(shown(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("locale", "exact", "on_a_card"),
    [
        ("en_US", "$57,234.50", "$57.2K"),
        ("en_GB", "US$57,234.50", "US$57.2K"),
        ("de_DE", "57.234,50\xa0$", "57,2K\xa0$"),
        ("nl_NL", "US$\xa057.234,50", "US$\xa057,2K"),
    ],
)
def test_an_amount_is_written_by_the_locale(locale, exact, on_a_card):
    amount = Decimal("57234.50")
    with written_in(locale):
        assert (shown(amount, "USD"), short(amount, "USD")) == (exact, on_a_card)


def test_an_amount_that_is_rather_a_slip_of_the_finger_is_noticed_in_every_currency():
    assert is_unusual(Decimal(1_000_000), "USD")
    assert not is_unusual(Decimal("999999.99"), "USD")
    assert not is_unusual(Decimal(1_000_000), "JPY")
    assert is_unusual(Decimal(100_000_000), "JPY")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("abc", "“abc” is not an amount. Write it like $4,997.00."),
        ("4.999,50", "“4.999,50” could be read in two ways. Write it like $4,997.00."),
        ("$ 5.000", "“$ 5.000” could be read in two ways. Write it like $4,997.00."),
        ("", "“” is not an amount. Write it like $4,997.00."),
        ("-1", "Enter an amount from 0 up to 999,999,999,999."),
    ],
)
def test_a_refused_amount_says_whether_it_is_none_or_may_be_two(text, sentence):
    with pytest.raises(InvalidInput) as refused:
        typed_amount(text, "USD")
    assert refused.value.message == sentence
