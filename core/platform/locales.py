"""How a country writes numbers."""

from __future__ import annotations

from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_decimal_symbol

ANYWHERE = "en_US"


@cache
def locale_of_region(region: str) -> str:
    """The locale of a country's main language: ``da_DK`` for DK."""
    try:
        return str(Locale.parse(f"und_{region}"))
    except (UnknownLocaleError, ValueError):
        return ANYWHERE


@cache
def has_decimal_comma(locale: str) -> bool:
    """Whether numbers are written with a comma before their decimals, as in 4.997,00."""
    return get_decimal_symbol(locale) == ","
