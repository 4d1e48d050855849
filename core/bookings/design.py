"""The design of a post-call form: which questions it asks, in which order and with which words.
The standard questions keep their rules, and those that figures are counted from are always asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from core.bookings.form_answers import QUESTIONS, begun
from core.bookings.questions import Ask, Kind, Question, Typed
from core.people.models import FieldKind
from core.platform.declarations import by_key
from core.platform.errors import InvalidInput
from core.platform.names import check_name, check_names, check_sentence
from core.platform.normalization import fold

CUSTOM = "custom."  # before the key of a question of the organisation's own
MOST_ITEMS = 60
STANDARD_QUESTIONS = by_key(each for each in QUESTIONS if each.kind != Kind.CURRENCY)
# Each of them decides whether those after it are asked, and figures are counted from their answers.
CHAIN = ("call_occurred", "lead_showed", "offer_made", "deal_closed")
FOLLOW_THE_CHAIN = ("payment_type", "cash_collected")
NEEDED = (*CHAIN, *FOLLOW_THE_CHAIN, "no_show_party", "package_id")
AT_FIRST_OFF = ("call_outcome_id", "opportunity_status_id", "traffic_type")
KINDS = {
    FieldKind.TEXT: Kind.TEXT,
    FieldKind.LONG_TEXT: Kind.LINES,
    FieldKind.NUMBER: Kind.NUMBER,
    FieldKind.MONEY: Kind.AMOUNT,
    FieldKind.SELECT: Kind.CHOICE,
    FieldKind.MULTI_SELECT: Kind.SEVERAL,
    FieldKind.DATE: Kind.DAY,
    FieldKind.YES_NO: Kind.YES_NO,
    FieldKind.RATING: Kind.RATING,
}
OF_OPTIONS = (FieldKind.SELECT, FieldKind.MULTI_SELECT)
DECIDE = (Kind.YES_NO, Kind.CHOICE, Kind.SEVERAL)  # what a condition can go by


def currency_key(key: str) -> str:
    """Under which the currency of an amount stands among the answers."""
    return f"{key} currency"


@dataclass(frozen=True)
class When:
    """A condition: the question ``key`` has one of the answers ``has``, ``yes`` or ``no``, a word
    of a choice, or the id of an option.
    """

    key: str
    has: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """One of the words from which an answer is chosen."""

    id: str
    name: str


@dataclass(frozen=True)
class Item:
    """One question of the design. ``label`` and ``help`` of a standard one are empty where it is
    asked with the product's own words. With ``id`` and ``kind`` it is the organisation's own.
    """

    key: str
    label: str = ""
    help: str = ""
    required: bool = False
    id: str | None = None
    kind: FieldKind | None = None
    options: tuple[Option, ...] = ()
    when: When | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the organisation has defined it."""
        return self.kind is not None

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return self.label or STANDARD_QUESTIONS[self.key].label

    def to_json(self) -> dict[str, Any]:
        """As a design is stored."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Self:
        """From what is stored."""
        when = stored.get("when")
        kind = stored.get("kind")
        more = {
            "options": tuple(Option(**each) for each in stored.get("options") or ()),
            "when": When(when["key"], tuple(when["has"])) if when else None,
            "kind": FieldKind(kind) if kind else None,
        }
        return cls(**{**stored, **more})


@dataclass(frozen=True)
class FormDesign:
    """The questions of a form; ``version`` is None for the product's own design, and for one that
    is being worked on.
    """

    items: tuple[Item, ...]
    version: int | None = None
    by_key: Mapping[str, Item] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {each.key: each for each in self.items})

    def to_json(self) -> list[dict[str, Any]]:
        """As it is stored."""
        return [each.to_json() for each in self.items]

    @classmethod
    def of_json(cls, layout: Sequence[Mapping[str, Any]], version: int | None = None) -> Self:
        """From what is stored."""
        return cls(tuple(Item.of_json(each) for each in layout), version)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The questions in their order, as a screen asks them."""
        made: dict[str, Question] = {}
        for item in self.items:
            made[item.key] = _own(item, made) if item.is_custom else _standard(item)
        return tuple(made.values())

    @property
    def custom(self) -> tuple[Item, ...]:
        """The organisation's own questions."""
        return tuple(each for each in self.items if each.is_custom)

    def asked(self, typed: Typed) -> dict[str, Question]:
        """The questions that are relevant after these answers."""
        return {each.key: each for each in self.questions if each.asked(typed) is not None}

    def missing(self, typed: Typed) -> dict[str, str]:
        """Sentences for the questions that must be answered and are not, by key."""
        return {
            key: f"“{self.by_key[key].title}” needs an answer."
            for key, each in self.asked(typed).items()
            if self.by_key[key].required and typed.get(key) in (None, "", [])
        }


STANDARD = FormDesign(tuple(Item(key) for key in STANDARD_QUESTIONS if key not in AT_FIRST_OFF))


def _standard(item: Item) -> Question:
    """A standard question in the organisation's words."""
    found = STANDARD_QUESTIONS[item.key]
    asks = tuple(
        replace(
            ask,
            text=item.label or ask.text,
            help=item.help or ask.help,
            named=ask.text,
        )
        if ask.tick is None
        else ask
        for ask in found.asks
    )
    return replace(found, label=item.title, asks=asks)


def _own(item: Item, before: Mapping[str, Question]) -> Question:
    assert item.kind is not None
    ask = Ask(item.label, _condition(item.when, before), help=item.help or None, named=item.key)
    choices = {each.id: each.name for each in item.options} or None
    return Question(item.key, item.label, KINDS[item.kind], False, (ask,), choices)


def _condition(when: When | None, before: Mapping[str, Question]) -> Callable[[Typed], bool]:
    """Whether the question before is asked, and has one of the answers."""
    if when is None or when.key not in before:
        return begun
    decisive = before[when.key]

    def is_met(typed: Typed) -> bool:
        said = _said(typed.get(when.key))
        return decisive.asked(typed) is not None and bool(said & set(when.has))

    return is_met


def _said(answer: Any) -> set[str]:
    if isinstance(answer, bool):
        return {"yes" if answer else "no"}
    if isinstance(answer, list | tuple):
        return set(map(str, answer))
    return set() if answer in (None, "") else {str(answer)}


def answers_to_choose(question: Question) -> dict[str, str]:
    """What a condition can ask of a question: each answer with how people read it; nothing where a
    condition cannot go by it.
    """
    if question.kind == Kind.YES_NO:
        return {"yes": "Yes", "no": "No"}
    return dict(question.choices or {}) if question.kind in DECIDE else {}


def checked_item(item: Item) -> Item:
    """The question as it is stored. Raises InvalidInput with the field at fault."""
    help_ = check_sentence(item.help, field="help")
    if not item.is_custom:
        label = check_name(item.label, "", field="label") if item.label.strip() else ""
        return replace(item, label=label, help=help_)
    label = check_name(item.label, "Write the question.", field="label")
    if not fold(label):
        raise InvalidInput("Write the question in letters.", field="label")
    names = check_names([each.name for each in item.options], field="options")
    if item.kind in OF_OPTIONS and not names:
        raise InvalidInput("Write what can be chosen, one per line.", field="options")
    if len({fold(name) for name in names}) < len(names):
        raise InvalidInput("Two of these are the same; each can stand once.", field="options")
    options = tuple(Option(each.id, name) for each, name in zip(item.options, names, strict=True))
    return replace(item, label=label, help=help_, options=options)


def check_design(design: FormDesign) -> None:
    """Raises InvalidInput for a design by which a form cannot be filled in."""
    keys = [each.key for each in design.items]
    if lacking := [key for key in NEEDED if key not in keys]:
        raise InvalidInput(
            f"“{STANDARD_QUESTIONS[lacking[0]].label}” stays on the form: figures are counted from"
            " it.",
            field="items",
        )
    if len(keys) > MOST_ITEMS:
        raise InvalidInput(f"A form has at most {MOST_ITEMS} questions.", field="items")
    _check_order(keys)
    _check_titles(design)
    for place, item in enumerate(design.items):
        if item.when and item.when.key not in keys[:place]:
            raise InvalidInput(
                f"“{item.title}” is shown by the answer to a question that must stand before it.",
                field="when",
            )


def _check_order(keys: Sequence[str]) -> None:
    places = [keys.index(key) for key in CHAIN]
    after = [keys.index(key) for key in FOLLOW_THE_CHAIN]
    if places[0] != 0:
        raise InvalidInput("Whether the meeting took place is asked first.", field="items")
    if places != sorted(places) or after != sorted(after) or after[0] < places[-1]:
        raise InvalidInput(
            "The steps of a sale stay in their order: took place, showed up, offer, close, payment,"
            " cash.",
            field="items",
        )


def _check_titles(design: FormDesign) -> None:
    seen: dict[str, str] = {}
    for item in design.items:
        if fold(item.title) in seen:
            raise InvalidInput(f"Two questions are called “{item.title}”.", field="label")
        seen[fold(item.title)] = item.key
