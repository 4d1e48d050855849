"""What people type to find rows, as conditions."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, false, func, or_

from core.platform.money import amount_in_words
from core.platform.normalization import comparable, normalize_email

Column = SQLColumnExpression[Any]
FEWEST_DIGITS = 4  # the last ones, as people say them
OF_PHONE = re.compile(r"[+\d\s().\-/]+")
NO_DIGIT = re.compile(r"\D")


def equals(column: Column, value: object) -> ColumnElement[bool]:
    """That the column has the value. None is no value: rows without one are not meant."""
    return false() if value is None else column == value


def is_address(column: Column, words: str) -> ColumnElement[bool]:
    """That the words are the e-mail address in a normalised column."""
    return equals(column, normalize_email(words))


def begins_address(column: Column, words: str) -> ColumnElement[bool]:
    """That the e-mail address in a normalised column begins with the words."""
    return column.startswith(comparable(words), autoescape=True)


def has_digits(column: Column, words: str) -> ColumnElement[bool]:
    """That the words are a part of the phone number in the column, however both are written, also
    without the zero before the area code. Fewer than ``FEWEST_DIGITS`` are no number.
    """
    digits = NO_DIGIT.sub("", words) if OF_PHONE.fullmatch(words) else ""
    number = func.regexp_replace(column, NO_DIGIT.pattern, "", "g")
    parts = {part for part in (digits, digits.lstrip("0")) if len(part) >= FEWEST_DIGITS}
    return or_(false(), *(number.contains(part) for part in sorted(parts)))


def is_amount(column: Column, words: str) -> ColumnElement[bool]:
    """That the words are the amount in the column, as the screens write it or as programs do."""
    amount: Decimal | None = amount_in_words(words)
    return equals(column, amount)
