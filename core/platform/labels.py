"""Enumerations whose values have labels for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

NONE = "–"  # what people read where there is no value
YES, NO = "Yes", "No"


class LabelledEnum(StrEnum):
    """Stored values, each with its label for people.

    ``CANCELED = "canceled", "Cancelled"`` gives the label; without one the label is the stored
    value, capitalised. The same stored value may have different labels in different enumerations.
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
        """Every stored value with its label."""
        return {str(member): member.label for member in cls}


def none_of(label: str) -> str:
    """What people call having none of what ``label`` names: ``No closer``, ``No call type``."""
    return f"No {label.lower()}"


def capitalized(stored: str) -> str:
    """``requires_action`` as ``Requires action``."""
    return stored.replace("_", " ").capitalize()


def yes_or_no(value: bool) -> str:
    """A truth value as people read it."""
    return YES if value else NO
