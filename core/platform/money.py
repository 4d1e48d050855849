"""Exact money: decimals with an ISO currency, and each currency's number of decimals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from decimal import ROUND_HALF_UP, Context, Decimal

from babel import Locale
from babel.numbers import format_compact_currency, get_currency_symbol, list_currencies

from core.platform.errors import InvalidInput

HUNDRED, TEN_THOUSAND = 100, 10_000
LIMIT = Decimal(10) ** 12
USUAL_DECIMALS = 2
# Source: ISO 4217, list one. CLDR, which Babel knows, has the decimals that people write in daily
# life instead, for example none for RSD, in which processors do charge hundredths.
OTHER_DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
# Where a processor's smallest unit is another than the currency's. Source: Stripe, supported
# currencies: ISK and UGX are sent with two decimals that are always 00, MGA without any.
MINOR_UNITS: Mapping[str, Mapping[str, int]] = {"stripe": {"ISK": 2, "UGX": 2, "MGA": 0}}
# Thousands as the screens write them, and as much of the world does.
THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
THOUSANDS_BY_POINTS = re.compile(r"[1-9]\d{0,2}(\.\d{3})+,\d+")


def decimals(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return OTHER_DECIMALS.get(currency.upper(), USUAL_DECIMALS)


def from_minor(units: Decimal, currency: str, processor: str) -> Decimal:
    """What a processor counts in the currency's smallest unit, in whole units: 4997 USD is 49.97,
    500 JPY is 500, 5120 KWD is 5.120.
    """
    exceptions = MINOR_UNITS.get(processor, {})
    return units.scaleb(-exceptions.get(currency.upper(), decimals(currency)))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount to the currency's own decimals. Numbers in JSON carry the noise of floats."""
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)


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
    return f"{rounded(amount, currency):f}"


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
    if not amount.is_finite() or amount < 0 or amount >= LIMIT:
        raise InvalidInput(
            "The amount must be zero or more, and below a million million.", field=field
        )
    if -int(amount.normalize().as_tuple().exponent) > decimals(currency):
        raise InvalidInput(
            f"{currency} has {decimals(currency)} decimals; “{text}” has more.", field=field
        )
    return amount


def typed_amount(text: str, currency: str, *, field: str = "amount") -> Decimal:
    """An amount as a person types it: also with the currency's sign and with groups of thousands,
    where that can mean one amount only. ``4,997`` is one in dollars, which have no thousandths, and
    none in dinars.

    Raises InvalidInput like ``parse_amount``.
    """
    written = "".join(text.split())
    for sign in (get_currency_symbol(currency, locale="en_US"), currency.upper()):
        written = written.removeprefix(sign).removesuffix(sign)
    if THOUSANDS_BY_POINTS.fullmatch(written):
        written = written.replace(".", "").replace(",", ".")
    elif THOUSANDS.fullmatch(written) and ("." in written or decimals(currency) < 3):
        written = written.replace(",", "")
    elif "," in written:
        raise InvalidInput(f"“{text}” is not an amount; write it like 4997.00.", field=field)
    return parse_amount(written, currency, field=field)


def shown(amount: Decimal, currency: str, *, whole: bool = False, locale: str = "en_US") -> str:
    """The amount as people read it: ``$4,997.00``; without decimals when ``whole``."""
    language = Locale.parse(locale)
    pattern = copy(language.currency_formats["standard"])
    digits = 0 if whole else decimals(currency)
    pattern.frac_prec = (digits, digits)
    return pattern.apply(amount, language, currency=currency, currency_digits=False)


def brief(amount: Decimal, currency: str, *, locale: str = "en_US") -> str:
    """The amount in whole units, ``$4,997``; below a hundred with its decimals where it has any, so
    that ``$0.40`` is not nothing.
    """
    is_whole = abs(amount) >= HUNDRED or not rounded(amount, currency) % 1
    return shown(amount, currency, whole=is_whole, locale=locale)


def short(amount: Decimal, currency: str, *, locale: str = "en_US") -> str:
    """The amount rounded to three digits, for a card: ``$57.2K``, ``$1.25M``. Below ten thousand it
    is as ``brief`` has it.
    """
    if abs(amount) < TEN_THOUSAND:
        return brief(amount, currency, locale=locale)
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).plus(amount)
    return format_compact_currency(
        rounded, currency, locale=locale, fraction_digits=2 - rounded.adjusted() % 3
    )
