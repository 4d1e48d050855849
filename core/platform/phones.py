"""Phone numbers as people type and read them: by the organisation's region."""

from __future__ import annotations

import re
from collections.abc import Iterable

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from core.platform.errors import InvalidInput
from core.platform.normalization import composed, normalize_phone

# With any other sign in it a text says more than a number, which would be lost.
NUMBER = re.compile(r"[\d\s+().\-/\u2010-\u2015]+")  # hyphens and dashes, as people paste them
LONGEST_SHOWN = 60
ANYWHERE = "US"  # for an example where the region has none


def typed_phone(text: str, region: str, *, field: str) -> str:
    """The number in E.164, read by the region's rules unless it begins with a country's code.
    Raises InvalidInput for what is no number, or is more than one.
    """
    number = None
    if NUMBER.fullmatch(composed(text)):
        number = normalize_phone(text, region)
    if number is None:
        national, international = _examples(region)
        raise InvalidInput(
            f"“{text[:LONGEST_SHOWN]}” is not a phone number. Write it like {national}, or with its"
            f" country like {international}.",
            field=field,
        )
    return number


def typed_phones(
    lines: Iterable[str], region: str, known: Iterable[str], *, field: str
) -> tuple[str, ...]:
    """The numbers of a field, in E.164; what is ``known``, which a delivery may have brought, stays
    as it was written there. Raises InvalidInput like ``typed_phone``.
    """
    same = {spelling: each for each in known for spelling in (each, shown_phone(each, region))}
    return tuple(
        same.get(line) or typed_phone(line, region, field=field) for line in lines if line.strip()
    )


def shown_phone(written: str, region: str) -> str:
    """A number as people of the region write it: without the country's code where it is theirs.
    What cannot be read as a number stays as it was written.
    """
    normalized = normalize_phone(written, region)
    if normalized is None or not NUMBER.fullmatch(composed(written)):
        return written
    number = phonenumbers.parse(normalized)
    is_theirs = phonenumbers.region_code_for_number(number) == region
    style = PhoneNumberFormat.NATIONAL if is_theirs else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def _examples(region: str) -> tuple[str, str]:
    """A mobile number of the region, national and international."""
    found = (
        phonenumbers.example_number_for_type(each, PhoneNumberType.MOBILE)
        for each in (region, ANYWHERE)
    )
    number = next(each for each in found if each is not None)
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    )
