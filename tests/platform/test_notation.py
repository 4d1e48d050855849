"""Numbers and dates are written by the organisation's locale, in English words."""

from datetime import date, datetime

import pytest

from core.platform.errors import InvalidInput
from core.platform.notation import (
    LOCALES,
    check_locale,
    notation,
    of_locale,
    of_region,
    written_in,
)

AT = datetime(2026, 11, 4, 15, 5)  # noqa: DTZ001 - local already


@pytest.mark.parametrize(
    ("locale", "number", "day", "weekday", "clock"),
    [
        ("en_US", "12,480", "Nov 4, 2026", "Wed, Nov 4", "3:05 PM"),
        ("en_GB", "12,480", "4 Nov 2026", "Wed 4 Nov", "15:05"),
        ("da_DK", "12.480", "4 Nov 2026", "Wed 4 Nov", "15:05"),
        ("de_CH", "12’480", "4 Nov 2026", "Wed 4 Nov", "15:05"),
        ("fr_FR", "12\u202f480", "4 Nov 2026", "Wed 4 Nov", "15:05"),
    ],
)
def test_a_locale_decides_signs_and_order_and_the_words_are_english(
    locale, number, day, weekday, clock
):
    with written_in(locale):
        style = notation()
    assert style.number(12480) == number
    assert style.day(AT.date()) == day
    assert style.day(AT.date(), weekday=True, year=False) == weekday
    assert style.clock(AT) == clock


def test_midnight_and_noon_are_twelve_where_a_day_has_half_days():
    clock = of_locale("en_US").clock
    assert [clock(AT.replace(hour=hour)) for hour in (0, 11, 12, 23)] == [
        "12:05 AM",
        "11:05 AM",
        "12:05 PM",
        "11:05 PM",
    ]


def test_outside_of_an_organisation_everything_is_written_for_good():
    with written_in("de_DE"):
        pass
    assert notation().number(1234.5, 1) == "1,234.5"
    assert notation().day(date(2026, 11, 4)) == "4 Nov 2026"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_that_is_offered_begins_its_dates_with_the_day_or_the_month(locale):
    order = of_locale(locale).language.datetime_skeletons["yMMMd"].pattern
    assert order.index("y") > order.index("d")
    assert check_locale(locale) == locale


@pytest.mark.parametrize(
    ("region", "locale"),
    [("US", "en_US"), ("GB", "en_GB"), ("DK", "da_DK"), ("de", "de_DE"), ("JP", "en_US")],
)
def test_an_organisation_begins_with_the_locale_of_its_region(region, locale):
    assert of_region(region) == locale


@pytest.mark.parametrize("code", ["", "en", "xx_XX", "da_dk", "\0"])
def test_a_locale_that_is_not_offered_is_refused(code):
    with pytest.raises(InvalidInput):
        check_locale(code)
