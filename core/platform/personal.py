"""What a column says of a person, declared on the column: hidden from those who only count, handed
out on request, and gone after an erasure, each derived from here in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import mapped_column

from core.platform.schema import BY_PRODUCT

PERSONAL = "personal"  # the key in a column's ``info``


class Personal(StrEnum):
    """What stands there, and with it what an erasure puts in its place."""

    NAME = "name"  # "Erased person"
    EMAIL = "email"  # a pseudonym, the same in all the person's rows
    MARK = "mark"  # an address that stands for the person: a mark of it
    PHONE = "phone"  # nothing
    TEXT = "text"  # free text or a document about the person: nothing
    ANSWERS = "answers"  # a booking's questions with their answers: only the setter's name stays
    MENTION = "mention"  # text that may mention the person: without what is known of them
    DOCUMENT = "document"  # the same, as JSON
    DRAFT = "draft"  # nothing of the row stays


@dataclass(frozen=True)
class PersonalFact:
    """``hidden`` from viewers, leaderboards and shared dashboards; ``anywhere`` when rows about
    somebody else may mention the person too.
    """

    kind: Personal
    hidden: bool
    anywhere: bool


def personal(kind: Personal, *, hidden: bool = True, anywhere: bool = False) -> dict[str, Any]:
    """The column says something of a person; for ``mapped_column(info=…)``."""
    return {PERSONAL: PersonalFact(kind, hidden, anywhere)}


def personal_of(column: ColumnElement[Any]) -> PersonalFact | None:
    """What was declared of the column."""
    fact: PersonalFact | None = column.info.get(PERSONAL)
    return fact


PersonName = Annotated[str, mapped_column(info=personal(Personal.NAME))]
PersonEmail = Annotated[str, mapped_column(info=personal(Personal.EMAIL))]
NormalizedEmail = Annotated[str, mapped_column(info=personal(Personal.EMAIL) | {BY_PRODUCT: True})]
PersonPhone = Annotated[str, mapped_column(info=personal(Personal.PHONE))]
AboutPerson = Annotated[str, mapped_column(info=personal(Personal.TEXT))]
Mention = Annotated[str, mapped_column(info=personal(Personal.MENTION, hidden=False))]
HiddenMention = Annotated[str, mapped_column(info=personal(Personal.MENTION))]
Remark = Annotated[str, mapped_column(info=personal(Personal.MENTION, hidden=False, anywhere=True))]
