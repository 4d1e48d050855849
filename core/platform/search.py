"""What people type to find rows, as conditions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, false

from core.platform.money import amount_in_words
from core.platform.normalization import normalize_email

Column = SQLColumnExpression[Any]


def equals(column: Column, value: object) -> ColumnElement[bool]:
    """That the column has the value. None is no value: rows without one are not meant."""
    return false() if value is None else column == value


def is_address(column: Column, words: str) -> ColumnElement[bool]:
    """That the words are the e-mail address in a normalised column."""
    return equals(column, normalize_email(words))


def is_amount(column: Column, words: str) -> ColumnElement[bool]:
    """That the words are the amount in the column, as the screens write it or as programs do."""
    amount: Decimal | None = amount_in_words(words)
    return equals(column, amount)
