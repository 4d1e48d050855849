"""The questions of a form as data: each is declared once, and the answers' type, the API, the
screen and the tables follow from the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from enum import StrEnum
from typing import Any

Typed = Mapping[str, Any]  # what was answered so far, by key


class Kind(StrEnum):
    """The type of an answer."""

    YES_NO = "yes_no"
    CHOICE = "choice"  # one of the question's own words
    ENTRY = "entry"  # the id of one entry of the organisation's lists
    NAMES = "names"  # names of any entries of a list
    AMOUNT = "amount"
    CURRENCY = "currency"
    TEXT = "text"
    LINES = "lines"
    DAY = "day"
    NUMBER = "number"
    SEVERAL = "several"  # any of the question's own words
    RATING = "rating"  # from 1 to 5


@dataclass(frozen=True)
class Ask:
    """One way in which a screen asks a question: with which words, and when they are relevant.

    ``listed`` names the organisation's list whose entries are offered; ``tick`` turns a choice into
    a box that stands for this one word; ``aside`` puts the question where few people look.
    ``named`` is the text that it was declared with, where an organisation asks with other words.
    """

    text: str
    when: Callable[[Typed], bool]
    listed: str | None = None
    tick: str | None = None
    aside: bool = False
    help: str | None = None
    named: str | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """One field of a form. ``label`` is its heading in tables; ``choices`` are a choice's words and
    how people read them; ``wrong`` is the sentence for a value that it cannot have.

    ``lists`` are the lists whose entries an id may point at; none is for packages. ``rule`` tells
    what is wrong with the answer beside the others, or None. A question without ``asks`` is not
    asked on screens: programs may send it.
    """

    key: str
    label: str
    kind: Kind
    required: bool
    asks: tuple[Ask, ...] = ()
    choices: Mapping[str, str] | None = None
    lists: tuple[str, ...] = ()
    wrong: str | None = None
    missing: str | None = None
    rule: Callable[[Any], str | None] | None = None

    def asked(self, typed: Typed) -> Ask | None:
        """How the question is asked after what was ``typed``; None while it is not relevant."""
        return next((ask for ask in self.asks if ask.when(typed)), None)


def question(label: str, kind: Kind, *asks: Ask, default: Any = MISSING, **more: Any) -> Any:
    """A field of a dataclass of answers, with the question that it answers."""
    declared = {"label": label, "kind": kind, "asks": asks} | more
    if callable(default):
        return field(default_factory=default, metadata=declared)
    return field(default=default, metadata=declared)
