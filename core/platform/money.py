"""Exact money: decimals with an ISO currency, and each currency's number of decimals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from decimal import ROUND_HALF_UP, Context, Decimal

from babel.numbers import get_currency_symbol, list_currencies

from core.platform.errors import InvalidInput
from core.platform.notation import DEFAULT, RECORD, Notation, notation

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
NUMERIC = re.compile(r"-?[0-9][0-9.,'’]*")  # with its spaces taken out
SPACES, SPACED = re.compile(r"\s+"), re.compile("[0-9]+(?: [0-9]+)+")
SPACED_THOUSANDS = re.compile("[1-9][0-9]{0,2}(?: [0-9]{3})+")
BESIDE_AMOUNTS = re.compile(r"[^\w\s.,'’−-]|^\s*[A-Za-z]{2,3}\.?\s+|\s+[A-Za-z]{2,3}\.?\s*$")
OF_PROGRAMS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")
MARKS = "KMBT"  # of thousands, millions, billions and trillions
EXAMPLE = Decimal(4997)
UNUSUAL = Decimal(1_000_000)


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
            f"“{str(text)[:40]}” is not an amount; write it like 4997.00.", field=field
        ) from error
    if not amount.is_finite() or amount < 0 or amount >= LIMIT:
        raise InvalidInput("Enter an amount from 0 up to 999,999,999,999.", field=field)
    if -int(amount.normalize().as_tuple().exponent) > decimals(currency):
        raise InvalidInput(
            f"{currency} has {decimals(currency)} decimals; “{text}” has more.", field=field
        )
    return amount


def typed_amount(text: str, currency: str, *, field: str = "amount") -> Decimal:
    """An amount as a person types it where the notation is the organisation's: with or without the
    currency's sign and groups of thousands. What would be another amount to somebody else, as
    ``4.999,50`` where the decimal sign is a point, is none.

    ``4,997`` is one in dollars, which have no thousandths, and none in dinars. ``5.000`` is none in
    dollars, as they have no third decimal: it may be five thousand of somebody who writes so.

    Raises InvalidInput like ``parse_amount``.
    """
    style = notation()
    spaced = SPACES.sub(" ", text.strip().replace("−", "-"))
    written = _without_sign(spaced.replace(" ", ""), currency, style)
    if style.group_sign == "’":
        written = written.replace("'", "’")  # which is on no keyboard
    plain = _ungrouped(written, style)
    whole, _, fraction = plain.partition(style.decimal_sign)
    is_grouped = plain != written
    if (
        not re.fullmatch("-?[0-9]+", whole)
        or ((fraction or plain != whole) and not re.fullmatch("[0-9]+", fraction))
        or (is_grouped and not fraction and decimals(currency) == 3)
        or len(fraction) > decimals(currency)
        or re.search("[0-9] [0-9]", spaced.partition(style.decimal_sign)[2])
        or not all(map(SPACED_THOUSANDS.fullmatch, SPACED.findall(spaced)))
    ):
        example = shown(EXAMPLE, currency, notation=style)
        wrong = "could be read in two ways" if NUMERIC.fullmatch(written) else "is not an amount"
        raise InvalidInput(f"“{text[:40].strip()}” {wrong}. Write it like {example}.", field=field)
    return parse_amount(f"{whole}.{fraction}" if fraction else whole, currency, field=field)


def amount_in_words(words: str) -> Decimal | None:
    """The amount that somebody looks for: as the notation writes it, with or without a currency, or
    as programs do; None for other words.
    """
    plain = BESIDE_AMOUNTS.sub("", words).strip()
    for currency in ("USD", "KWD"):  # with two decimals, else with three
        try:
            return typed_amount(plain, currency)
        except InvalidInput:
            continue
    return Decimal(plain) if OF_PROGRAMS.fullmatch(plain) else None


def _without_sign(written: str, currency: str, style: Notation) -> str:
    """The amount without the currency's sign or code before or after it; a minus may stand before
    the sign.
    """
    minus = "-" if written.startswith("-") else ""
    rest = written.removeprefix("-")
    names = (get_currency_symbol(currency, locale=name) for name in (style.code, DEFAULT))
    signs = {"".join(name.split()).casefold() for name in (*names, currency)}
    for sign in sorted(signs, key=len, reverse=True):
        if rest.casefold().startswith(sign):
            return minus + rest[len(sign) :]
        if rest.casefold().endswith(sign):
            return minus + rest[: -len(sign)]
    return written


def _ungrouped(written: str, style: Notation) -> str:
    """The amount without the signs between its thousands, where they are the notation's and stand
    where they belong. Spaces are gone already.
    """
    group = re.escape(style.group_sign)
    pairs = f"|[1-9][0-9]?({group}[0-9]{{2}})*{group}[0-9]{{3}}" if style.has_lakhs else ""
    grouped = f"-?([1-9][0-9]{{0,2}}({group}[0-9]{{3}})+{pairs})"
    whole, decimal, fraction = written.partition(style.decimal_sign)
    if not re.fullmatch(grouped, whole):
        return written
    return whole.replace(style.group_sign, "") + decimal + fraction


def is_unusual(amount: Decimal, currency: str) -> bool:
    """Whether an amount that somebody typed is so large that it is rather a slip of the finger."""
    return amount >= UNUSUAL.scaleb(USUAL_DECIMALS - min(decimals(currency), USUAL_DECIMALS))


def shown(
    amount: Decimal, currency: str, *, whole: bool = False, notation: Notation | None = None
) -> str:
    """The amount as people read it: ``$4,997.00``; without decimals when ``whole``."""
    return _applied(amount, currency, 0 if whole else decimals(currency), notation)


def recorded(amount: Decimal, currency: str) -> str:
    """The amount in a sentence that is written once and stays, the same in every organisation."""
    return shown(amount, currency, notation=RECORD)


def _applied(
    amount: Decimal, currency: str, digits: int, style: Notation | None, mark: str = ""
) -> str:
    """The amount with so many decimals, and the mark right after its last digit."""
    style = style or notation()
    pattern = copy(style.language.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    pattern.suffix = (mark + pattern.suffix[0], mark + pattern.suffix[1])
    return pattern.apply(amount, style.language, currency=currency, currency_digits=False)


def brief(amount: Decimal, currency: str) -> str:
    """The amount in whole units, ``$4,997``; below a hundred with its decimals where it has any, so
    that ``$0.40`` is not nothing.
    """
    is_whole = abs(amount) >= HUNDRED or not rounded(amount, currency) % 1
    return shown(amount, currency, whole=is_whole)


def short(amount: Decimal, currency: str) -> str:
    """The amount rounded to three digits, for a card: ``$57.2K``, ``$1.25M``. Below ten thousand it
    is as ``brief`` has it.
    """
    if abs(amount) < TEN_THOUSAND:
        return brief(amount, currency)
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).plus(amount)
    thousands = min(rounded.adjusted() // 3, len(MARKS))
    scaled = rounded.scaleb(-3 * thousands)
    digits = max(0, -int(scaled.normalize().as_tuple().exponent))
    return _applied(scaled, currency, digits, None, MARKS[thousands - 1])
