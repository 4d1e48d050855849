"""The post-call form, drawn from its declaration: each question appears only when the ones before
make it relevant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from core.bookings.design import CUSTOM, STANDARD, FormDesign
from core.bookings.designs import current_design
from core.bookings.form_answers import FormAnswers
from core.bookings.forms import Draft, FormChanged, FormProblems
from core.bookings.models import ListEntry, Package
from core.bookings.questions import Ask, Kind, Question
from core.people.custom_fields import STARS
from core.platform.clock import now
from core.platform.errors import SalesOpsError
from core.platform.money import shown
from core.platform.notation import notation
from core.ui.page import say
from core.ui.parts.form_words import answers_in_words
from core.ui.parts.format import escape_markdown
from core.ui.parts.forms import change_shown
from core.ui.parts.inputs import TypedAmount, amount_field

YES_NO = {"Yes": True, "No": False}
CHOSEN = "chose the filed form"
FEW = 4  # as many options as stand beside each other on a phone
File = Callable[[FormAnswers, int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Choices:
    """The organisation's own lists, by name; ``lists`` are their entries by kind of list. With them
    the ``design`` of its forms.
    """

    packages: dict[str, UUID]
    lists: dict[str, dict[str, UUID]] = field(default_factory=dict)
    design: FormDesign = STANDARD

    def names(self) -> dict[UUID, str]:
        """The names of all of them by id."""
        listed = (self.packages, *self.lists.values())
        return {id_: name for entries in listed for name, id_ in entries.items()}

    def of(self, ask: Ask) -> dict[str, UUID]:
        """What a question offers."""
        return self.lists.get(ask.listed, {}) if ask.listed else self.packages


def choices(db: Session) -> Choices:
    """Packages and entries of lists that are in use, and the design by which forms are filled
    in.
    """
    packages = {
        row.name: row.id
        for row in db.scalars(select(Package).where(Package.active).order_by(Package.name))
    }
    lists: dict[str, dict[str, UUID]] = {}
    for row in db.scalars(
        select(ListEntry).where(ListEntry.active).order_by(ListEntry.position, ListEntry.name)
    ):
        lists.setdefault(row.kind, {})[row.name] = row.id
    return Choices(packages, lists, current_design(db))


def show_form(
    event: Row[Any],
    lists: Choices,
    currency: str,
    *,
    known: Draft,
    file: File,
    keep: Callable[[Draft], None] | None = None,
) -> bool:
    """Ask the questions about ``event`` and ``file`` the answers, with the version of the form that
    they replace and the answers to the organisation's own questions; True in the run that filed
    them. Amounts are in the currency that the form has already, else in ``currency``.

    It begins with the answers that are ``known``. What is typed stays in this window until it is
    filed; ``keep`` is given every change.
    """
    if event.scheduled_at > now():
        st.info(
            "This meeting has not started yet. You can note a no-show or write down notes already."
        )
    here = Window.of(event.id, known)
    currency = here.typed.get("currency") or currency
    _as_typed(here.typed, lists.design, currency)
    if here.changed is not None:
        _show_change(event.id, here, lists)
    before = as_json(here.typed)
    questions = Questions(here.typed, here.problems, lists, currency)
    with st.container(key="answers"):
        questions.ask()
    if keep is not None and as_json(here.typed) != before:
        keep(Draft(as_json(here.typed), here.replaces))
    nothing = here.typed.get("call_occurred") is None
    is_filed = here.changed is not None and bool(here.changed.filed)
    label = "Replace the filed form" if is_filed else "File form"
    with st.container(key="file-form"):  # within reach of the thumb, see style.css
        is_pressed = st.button(label, type="primary", width="stretch", disabled=nothing)
    if not is_pressed:
        return False
    try:
        file(questions.answers(), here.replaces, questions.own_answers())
    except FormProblems as error:
        here.problems = error.problems
        st.rerun()
    except FormChanged as error:
        here.changed, here.replaces = error, error.version
        st.rerun()
    except SalesOpsError as error:
        st.error(f"{escape_markdown(error.message)} What you typed is kept.")
        st.stop()
    forget(event.id)
    say("Form filed.")
    return True


def _as_typed(typed: dict[str, Any], design: FormDesign, currency: str) -> None:
    """Numbers and amounts that come from the database, as they would be typed."""
    kinds = {each.key: each.kind for each in design.questions}
    for name, value in typed.items():
        if not isinstance(value, Decimal):
            continue
        is_number = kinds.get(name) == Kind.NUMBER
        typed[name] = _swapped(f"{value:f}") if is_number else shown(value, currency)


def _swapped(number: str) -> str:
    """A number of programs in the organisation's notation, and the other way round. A point that
    stands between thousands is none of programs, so that nothing is read as another number.
    """
    sign = notation().decimal_sign
    return number.translate(str.maketrans(f".{sign}", f"{sign}."))


@dataclass
class Window:
    """What this window knows of one booking's form: what was typed and over which version, what is
    wrong with it, and what somebody else has filed meanwhile.
    """

    typed: dict[str, Any]
    replaces: int
    problems: dict[str, str] = field(default_factory=dict)
    changed: FormChanged | None = None

    @classmethod
    def of(cls, event_id: UUID, known: Draft) -> Window:
        """That of this window, begun with what is known."""
        begun = cls(dict(known.answers), known.form_version)
        window: Window = st.session_state.setdefault(_place(event_id), begun)
        return window


def _show_change(event_id: UUID, here: Window, lists: Choices) -> None:
    """What was filed meanwhile, beside what was typed here: the reader decides which stands."""
    changed = here.changed
    if changed is None:
        return
    theirs = answers_in_words(changed.filed, lists.names(), lists.design.questions)
    lines = (f"{label}: {words}" for label, words in theirs)
    with change_shown(f"{changed.message} Nothing of yours is lost.", lines):
        if not changed.filed:
            st.caption("Check your answers below and file them, or leave the page.")
            return
        st.caption("Keep that, or check your own answers below and replace it with them.")
        if st.button("Keep the filed form"):
            forget(event_id)
            st.session_state[CHOSEN] = event_id
            st.rerun()


def chose_filed_form(event_id: UUID) -> bool:
    """Whether the reader has just decided for what somebody else has filed; their own draft is to
    be dropped.
    """
    return st.session_state.pop(CHOSEN, None) == event_id


def forget(event_id: UUID) -> None:
    """Forget what was typed in this window about an event."""
    st.session_state.pop(_place(event_id), None)


def _place(event_id: UUID) -> str:
    return f"form {event_id}"


def _label(ask: Ask) -> str:
    """The words of a question; the organisation's own mean nothing but themselves."""
    return ask.text if ask.named in (None, ask.text) else escape_markdown(ask.text)


def _help(ask: Ask) -> str | None:
    return None if ask.help is None else escape_markdown(ask.help)


@dataclass
class Questions:
    """What was typed so far (``typed``, JSON values) and what is wrong with it, field by field."""

    typed: dict[str, Any]
    problems: dict[str, str]
    lists: Choices
    currency: str
    amounts: dict[str, TypedAmount] = field(default_factory=dict)
    prefix: str = ""  # before the keys of its fields, where a page shows another form too

    def ask(self) -> None:
        """Draw every question that is relevant; answers go into ``typed``."""
        aside = []
        for question in self.lists.design.questions:
            ask = question.asked(self.typed)
            if ask is not None and ask.aside:
                aside.append((question, ask))
            elif ask is not None:
                self._ask(question, ask)
                self._show_problem(question)
        if not aside:
            return
        with st.expander("More"):
            for question, ask in aside:
                self._ask(question, ask)
        for question, _ in aside:
            self._show_problem(question)

    def _ask(self, question: Question, ask: Ask) -> None:
        """Draw a question. What was wrong with another answer to it is over."""
        before = self.typed.get(question.key)
        self._draw(question, ask)
        if self.typed.get(question.key) != before:
            self.problems.pop(question.key, None)

    def _draw(self, question: Question, ask: Ask) -> None:
        before = self.typed.get(question.key)
        named = (
            question.key if len(question.asks) == 1 else f"{question.key} {ask.named or ask.text}"
        )
        key = self.prefix + named
        answer: Any
        match question.kind:
            case Kind.YES_NO:
                answer = self._yes_no(ask, before, key)
            case Kind.CHOICE:
                answer = self._choice(question, ask, before, key)
            case Kind.SEVERAL:
                answer = self._several(question, ask, before, key)
            case Kind.RATING:
                answer = self._rating(ask, before, key)
            case Kind.ENTRY:
                answer = self._entry(ask, before, key)
            case Kind.NAMES:
                answer = self._names(ask, before, key)
            case Kind.DAY:
                day = st.date_input(
                    _label(ask),
                    value=before or None,
                    key=key,
                    format=notation().typed_day,
                    help=_help(ask),
                )
                answer = day.isoformat() if day else None
            case Kind.AMOUNT:
                typed = amount_field(
                    _label(ask),
                    self.currency,
                    key=key,
                    value=before or "",
                    help=_help(ask),
                )
                self.amounts[question.key], answer = typed, typed.text
            case Kind.LINES:
                answer = st.text_area(
                    _label(ask), value=before or "", key=key, height=90, help=_help(ask)
                )
            case _:
                answer = st.text_input(_label(ask), value=before or "", key=key, help=_help(ask))
        self.typed[question.key] = answer

    def _yes_no(self, ask: Ask, before: Any, key: str) -> bool | None:
        """A question with two big buttons; unanswered is neither."""
        words = {value: word for word, value in YES_NO.items()}
        answer = st.segmented_control(
            _label(ask),
            list(YES_NO),
            default=words.get(before),
            key=key,
            width="stretch",
            required=True,
            help=_help(ask),
        )
        return YES_NO.get(answer or "")

    def _rating(self, ask: Ask, before: Any, key: str) -> int | None:
        return st.segmented_control(
            _label(ask),
            list(STARS),
            default=before if before in STARS else None,
            key=key,
            width="stretch",
            help=_help(ask),
        )

    def _several(self, question: Question, ask: Ask, before: Any, key: str) -> list[str]:
        words = dict(question.choices or {})
        return st.pills(
            _label(ask),
            list(words),
            selection_mode="multi",
            format_func=lambda id_: escape_markdown(words[id_]),
            default=[each for each in before or [] if each in words],
            key=key,
            help=_help(ask),
        )

    def _choice(self, question: Question, ask: Ask, before: Any, key: str) -> str | None:
        if ask.tick:
            return ask.tick if st.checkbox(ask.text, value=before == ask.tick, key=key) else None
        words = dict(question.choices or {})
        if len(words) > FEW:
            return st.pills(
                _label(ask),
                list(words),
                format_func=lambda id_: escape_markdown(words[id_]),
                default=before if before in words else None,
                key=key,
                help=_help(ask),
            )
        return st.segmented_control(
            _label(ask),
            list(words),
            format_func=lambda id_: escape_markdown(words[id_]),
            default=before if before in words else None,
            key=key,
            width="stretch",
            required=not question.key.startswith(CUSTOM),
            help=_help(ask),
        )

    def _entry(self, ask: Ask, before: Any, key: str) -> str | None:
        options = self.lists.of(ask)
        if not options:
            return before
        names = {str(option): name for name, option in options.items()}
        chosen = st.pills(
            _label(ask),
            list(options),
            default=names.get(str(before)),
            key=key,
            format_func=escape_markdown,
            help=_help(ask),
        )
        return str(options[chosen]) if chosen else None

    def _names(self, ask: Ask, before: Any, key: str) -> list[str]:
        options = list(self.lists.of(ask))
        return st.pills(
            _label(ask),
            options,
            selection_mode="multi",
            key=key,
            format_func=escape_markdown,
            help=_help(ask),
            default=[name for name in before or [] if name in options],
        )

    def _show_problem(self, question: Question) -> None:
        """What is wrong with the answer, and with the currency beside its amount."""
        keys = [question.key] + (["currency"] if question.kind == Kind.AMOUNT else [])
        for problem in (self.problems[key] for key in keys if key in self.problems):
            st.error(escape_markdown(problem))

    def answers(self) -> FormAnswers:
        """What was answered to the questions that are asked. Raises FormProblems for an amount that
        cannot be read.
        """
        asked = [each for each in self._asked() if not each.key.startswith(CUSTOM)]
        given = {question.key: self._answer(question) for question in asked}
        given = {key: value for key, value in given.items() if value is not None}
        amounts = [each for each in self._asked() if each.kind == Kind.AMOUNT]
        if any(self._amount(each) for each in amounts):
            given["currency"] = self.currency
        return FormAnswers(**given)

    def own_answers(self) -> dict[str, Any]:
        """What was answered to those of the organisation's own questions that are asked. Raises
        FormProblems like ``answers``.
        """
        own = [each for each in self._asked() if each.key.startswith(CUSTOM)]
        return {each.key: self._own_answer(each) for each in own}

    def _own_answer(self, question: Question) -> Any:
        value = self.typed.get(question.key)
        if question.kind == Kind.AMOUNT:
            return self._amount(question)
        if question.kind == Kind.NUMBER and isinstance(value, str):
            return _swapped(value)
        return value

    def _asked(self) -> list[Question]:
        questions = self.lists.design.questions
        return [each for each in questions if each.asked(self.typed) is not None]

    def _answer(self, question: Question) -> Any:
        value = self.typed.get(question.key)
        match question.kind:
            case Kind.YES_NO:
                return value is True
            case Kind.AMOUNT:
                return self._amount(question)
            case Kind.ENTRY:
                return UUID(str(value)) if value else None
            case Kind.DAY:
                return date.fromisoformat(value) if isinstance(value, str) and value else value
            case _:
                return value or None

    def _amount(self, question: Question) -> Decimal | None:
        """Raises FormProblems for an amount that cannot be read; its field says why."""
        typed = self.amounts[question.key]
        if typed.problem is not None:
            raise FormProblems({f"{question.key}, as it was typed": typed.problem})
        return typed.amount


def as_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as a draft can keep it: days, ids and amounts as text."""
    return {
        name: str(value) if isinstance(value, UUID | date | Decimal) else value
        for name, value in typed.items()
    }
