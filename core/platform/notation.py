"""How numbers, dates and times are written: by an organisation's locale, in English words.

The locale decides the signs of numbers, where a currency stands, whether the month or the day comes
first, and whether a day has 24 hours or twice twelve. The interface is English, so the names of
months and weekdays are English everywhere.

Whoever shows something chooses the notation once, by ``written_in``; what writes a number or a date
inside asks ``notation``. Outside, and in what is recorded for good, it is ``RECORD``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from babel import Locale
from babel.numbers import NumberPattern

from core.platform.errors import InvalidInput

DEFAULT = "en_US"
# Locales with Latin digits and letters from left to right, whose dates begin with the day or the
# month; the first of a region is the region's default.
LOCALES = (
    *("en_US", "en_GB", "en_AU", "en_CA", "fr_CA", "en_IE", "en_IN", "en_NZ", "en_PH", "en_SG"),
    *("en_ZA", "en_AE", "en_KE", "en_MY", "en_NG", "da_DK", "de_DE", "de_AT", "de_CH", "fr_CH"),
    *("nl_NL", "nl_BE", "fr_BE", "fr_FR", "sv_SE", "nb_NO", "fi_FI", "is_IS", "it_IT", "es_ES"),
    *("es_MX", "es_AR", "es_CL", "es_CO", "pt_PT", "pt_BR", "pl_PL", "cs_CZ", "sk_SK", "ro_RO"),
    *("bg_BG", "el_GR", "hr_HR", "sl_SI", "et_EE", "tr_TR", "uk_UA", "id_ID", "th_TH", "vi_VN"),
)


@dataclass(frozen=True)
class Notation:
    """One way of writing. ``code`` is the locale's; with ``month_first`` a date is ``Nov 4, 2026``;
    with ``half_days`` a time is ``3:30 PM``.
    """

    code: str
    month_first: bool
    half_days: bool

    @property
    def language(self) -> Locale:
        return _language(self.code)

    @property
    def decimal_sign(self) -> str:
        return self._sign("decimal")

    @property
    def group_sign(self) -> str:
        return self._sign("group")

    @property
    def has_lakhs(self) -> bool:
        """Whether groups above the thousands have two digits: ``12,34,567``."""
        return bool(_pattern(self.code, 0).grouping[1] == 2)

    def _sign(self, name: str) -> str:
        return str(self.language.number_symbols["latn"][name])

    def number(self, value: float, digits: int = 0) -> str:
        """``12,480`` or ``12.480``; with so many decimals."""
        return str(_pattern(self.code, digits).apply(value, self.language))

    def day(self, day: date, *, weekday: bool = False, year: bool = True) -> str:
        """``4 Nov 2026`` or ``Nov 4, 2026``; ``Wed 4 Nov`` or ``Wed, Nov 4``."""
        if self.month_first:
            name = f"{day:%a}, " if weekday else ""
            return f"{name}{day:%b} {day.day}" + (f", {day.year}" if year else "")
        name = f"{day:%a} " if weekday else ""
        return f"{name}{day.day} {day:%b}" + (f" {day.year}" if year else "")

    def clock(self, at: datetime) -> str:
        """The time of day: ``15:30`` or ``3:30 PM``."""
        return f"{at.hour % 12 or 12}:{at:%M %p}" if self.half_days else f"{at:%H:%M}"

    @property
    def typed_day(self) -> str:
        """How a day is typed, as Streamlit's fields have it."""
        return "MM/DD/YYYY" if self.month_first else "DD/MM/YYYY"


# For programs, and for sentences that are recorded once and read for years: the same whoever caused
# them. No number or date in it can be read in two ways.
RECORD = Notation(DEFAULT, month_first=False, half_days=False)
_chosen: ContextVar[Notation] = ContextVar("the notation of what is shown", default=RECORD)


def notation() -> Notation:
    """The notation that was chosen for what is shown now."""
    return _chosen.get()


@contextmanager
def written_in(locale: str) -> Iterator[None]:
    """In the block, numbers and dates are written by this locale."""
    before = _chosen.set(of_locale(locale))
    try:
        yield
    finally:
        _chosen.reset(before)


def choose(locale: str) -> None:
    """Write by this locale from here on, to the end of the block of ``written_in`` around it."""
    _chosen.set(of_locale(locale))


@lru_cache
def of_locale(code: str) -> Notation:
    """The notation of a locale that is offered."""
    language = _language(code)
    order = language.datetime_skeletons["yMMMd"].pattern
    return Notation(
        code,
        month_first=order.index("M") < order.index("d"),
        half_days="a" in language.time_formats["short"].pattern,
    )


@lru_cache
def _pattern(code: str, digits: int) -> NumberPattern:
    pattern = copy(_language(code).decimal_formats[None])
    pattern.frac_prec = (digits, digits)
    return pattern


@lru_cache
def _language(code: str) -> Locale:
    return Locale.parse(code)


def of_region(region: str) -> str:
    """The locale of a country, or the usual one where none is offered for it."""
    return next((code for code in LOCALES if code.endswith(f"_{region.upper()}")), DEFAULT)


def check_locale(code: str) -> str:
    """``code`` if it is offered. Raises InvalidInput."""
    if code not in LOCALES:
        raise InvalidInput(f"“{code}” is not offered; use a locale like {DEFAULT}.", field="locale")
    return code


def locale_in_words(code: str) -> str:
    """What choosing a locale means: ``Danish (Denmark): 4.997,00 · 31 Dec 2026 · 15:30``."""
    style, example = of_locale(code), datetime(2026, 12, 31, 15, 30)  # noqa: DTZ001 - an example
    parts = (style.number(4997, 2), style.day(example), style.clock(example))
    return f"{style.language.english_name}: {' · '.join(parts)}"
