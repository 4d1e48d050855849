"""Enumerations that know how people read their values."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class LabelledEnum(StrEnum):
    """Stored words, each with its label for people.

    ``CANCELED = "canceled", "Cancelled"`` names the label; without one it is the stored word,
    capitalised. The same stored word may have another label in another enumeration.
    """

    _value_: str
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or capitalized(value)
        return member

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Every stored word and its label."""
        return {str(member): member.label for member in cls}


def capitalized(stored: str) -> str:
    """``requires_action`` as ``Requires action``."""
    return stored.replace("_", " ").capitalize()
