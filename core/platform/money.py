"""Exact money: decimals with an ISO currency, and each currency's number of decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

from babel.numbers import (
    format_compact_currency,
    format_currency,
    get_currency_precision,
    list_currencies,
)

from core.platform.errors import InvalidInput

TEN_THOUSAND = 10_000


def decimals(currency: str) -> int:
    """How many decimals amounts of the currency have: 2 for USD, 0 for JPY, 3 for KWD (source:
    CLDR, through Babel).
    """
    return int(get_currency_precision(currency))


def check_currency(code: str) -> str:
    """``code`` in capitals. Raises InvalidInput unless it is a currency's code."""
    currency = code.strip().upper()
    if currency not in list_currencies():
        raise InvalidInput(f"“{code}” is not a currency; use a code like USD.", field="currency")
    return currency


def decimal_text(amount: Decimal, currency: str) -> str:
    """The amount as a decimal string with the currency's decimals: ``4997.00`` USD, ``500`` JPY,
    ``5.120`` KWD.
    """
    return f"{amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP):f}"


def parse_amount(text: str | int | Decimal, currency: str, *, field: str = "amount") -> Decimal:
    """An amount that a person or program wrote, checked against the currency's decimals.

    Raises:
        InvalidInput: not a number, negative, too large, or finer than the currency allows.
    """
    try:
        amount = Decimal(str(text).strip())
    except ArithmeticError as error:
        raise InvalidInput(
            f"“{text}” is not an amount; write it like 4997.00.", field=field
        ) from error
    if not amount.is_finite() or amount < 0 or amount >= Decimal(10) ** 12:
        raise InvalidInput(
            "The amount must be zero or more, and below a million million.", field=field
        )
    if -int(amount.normalize().as_tuple().exponent) > decimals(currency):
        raise InvalidInput(
            f"{currency} has {decimals(currency)} decimals; “{text}” has more.", field=field
        )
    return amount


def shown(amount: Decimal, currency: str, *, whole: bool = False, locale: str = "en_US") -> str:
    """The amount as people read it: ``$4,997.00``; without decimals when ``whole``."""
    pattern = "¤#,##0" if whole else None
    return format_currency(amount, currency, pattern, locale=locale, currency_digits=not whole)


def short(amount: Decimal, currency: str, *, locale: str = "en_US") -> str:
    """The amount rounded to three digits, for a card: ``$57.2K``, ``$1.25M``. Below ten thousand it
    is rounded to whole units.
    """
    if abs(amount) < TEN_THOUSAND:
        return shown(amount, currency, whole=True, locale=locale)
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).plus(amount)
    return format_compact_currency(
        rounded, currency, locale=locale, fraction_digits=2 - rounded.adjusted() % 3
    )
