"""Which columns hold personal data, declared on each column. Of people whom the organisation sells
to three things follow from the declaration: what is hidden from roles that see only figures, what
is exported when a person asks for their data, and what an erasure removes. Of users it follows what
the audit log shows no longer when they are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import mapped_column

from core.platform.schema import BY_PRODUCT

PERSONAL, OF_USER = "personal", "of user"  # the keys in a column's ``info``
ERASED_NAME = "Erased person"  # what an erasure puts in the place of a name


class Personal(StrEnum):
    """What kind of personal data a column holds; this decides what an erasure puts in its place."""

    NAME = "name"  # "Erased person"
    EMAIL = "email"  # a pseudonym, the same in all the person's rows
    MARK = "mark"  # an identifier made from the address: replaced by one made from the pseudonym
    PHONE = "phone"  # nothing
    TEXT = "text"  # free text or a document about the person: nothing
    ANSWERS = "answers"  # a booking's questions and answers: only the setter's name stays
    # text, or a list of texts, that may mention the person: what is known of them is removed
    MENTION = "mention"
    DOCUMENT = "document"  # the same, as JSON
    DRAFT = "draft"  # the whole row is emptied


@dataclass(frozen=True)
class PersonalFact:
    """``hidden`` from viewers, leaderboards and shared dashboards. ``anywhere`` when rows about
    somebody else may mention the person too.
    """

    kind: Personal
    hidden: bool
    anywhere: bool


def personal(kind: Personal, *, hidden: bool = True, anywhere: bool = False) -> dict[str, Any]:
    """Declares that the column holds personal data; for ``mapped_column(info=…)``."""
    return {PERSONAL: PersonalFact(kind, hidden, anywhere)}


def personal_of(column: ColumnElement[Any]) -> PersonalFact | None:
    """What ``personal`` declared of the column, or None."""
    fact: PersonalFact | None = column.info.get(PERSONAL)
    return fact


PersonName = Annotated[str, mapped_column(info=personal(Personal.NAME))]
PersonEmail = Annotated[str, mapped_column(info=personal(Personal.EMAIL))]
NormalizedEmail = Annotated[str, mapped_column(info=personal(Personal.EMAIL) | {BY_PRODUCT: True})]
PersonPhone = Annotated[str, mapped_column(info=personal(Personal.PHONE))]
AboutPerson = Annotated[str, mapped_column(info=personal(Personal.TEXT))]
Mention = Annotated[str, mapped_column(info=personal(Personal.MENTION, hidden=False))]
HiddenMention = Annotated[str, mapped_column(info=personal(Personal.MENTION))]
# Who a user is: the audit log shows it no longer when the user is deleted.
UserText = Annotated[str, mapped_column(info={OF_USER: True})]
NormalizedUserEmail = Annotated[str, mapped_column(info={OF_USER: True, BY_PRODUCT: True})]
Remark = Annotated[str, mapped_column(info=personal(Personal.MENTION, hidden=False, anywhere=True))]
