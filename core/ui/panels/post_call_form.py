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

from core.bookings.form_answers import QUESTIONS, FormAnswers
from core.bookings.forms import FormProblems
from core.bookings.models import ListEntry, Package
from core.bookings.questions import Ask, Kind, Question
from core.platform.clock import now
from core.platform.errors import InvalidInput, SalesOpsError
from core.platform.money import typed_amount
from core.ui.page import say
from core.ui.parts.format import escape_markdown

YES_NO = {"Yes": True, "No": False}


@dataclass(frozen=True)
class Choices:
    """The organisation's own lists, by name; ``lists`` are their entries by kind of list."""

    packages: dict[str, UUID]
    lists: dict[str, dict[str, UUID]] = field(default_factory=dict)

    def of(self, ask: Ask) -> dict[str, UUID]:
        """What a question offers."""
        return self.lists.get(ask.listed, {}) if ask.listed else self.packages


def choices(db: Session) -> Choices:
    """Packages and entries of lists that are in use."""
    packages = {
        row.name: row.id
        for row in db.scalars(select(Package).where(Package.active).order_by(Package.name))
    }
    lists: dict[str, dict[str, UUID]] = {}
    for row in db.scalars(
        select(ListEntry).where(ListEntry.active).order_by(ListEntry.position, ListEntry.name)
    ):
        lists.setdefault(row.kind, {})[row.name] = row.id
    return Choices(packages, lists)


def show_form(
    event: Row[Any],
    lists: Choices,
    currency: str,
    *,
    known: Mapping[str, Any],
    file: Callable[[FormAnswers], None],
    keep: Callable[[dict[str, Any]], None] | None = None,
) -> bool:
    """Ask the questions about ``event`` and ``file`` the answers; True in the run that filed them.

    It begins with the answers that are ``known``. What is typed stays in this window until it is
    filed; ``keep`` is given every change, as JSON values.
    """
    if event.scheduled_at > now():
        st.info(
            "This meeting has not started yet. You can note a no-show or write down notes already."
        )
    here, wrong = _places(event.id)
    typed = st.session_state.setdefault(here, dict(known))
    before = as_json(typed)
    questions = Questions(typed, st.session_state.get(wrong, {}), lists, currency)
    questions.ask()
    if keep is not None and as_json(typed) != before:
        keep(as_json(typed))
    nothing = typed.get("call_occurred") is None
    if not st.button("File form", type="primary", width="stretch", disabled=nothing):
        return False
    try:
        file(questions.answers())
    except FormProblems as error:
        st.session_state[wrong] = error.problems
        st.rerun()
    except SalesOpsError as error:
        st.error(f"{escape_markdown(error.message)} What you typed is kept.")
        st.stop()
    forget(event.id)
    say("Form filed.")
    return True


def forget(event_id: UUID) -> None:
    """Forget what was typed in this window about an event."""
    for place in _places(event_id):
        st.session_state.pop(place, None)


def _places(event_id: UUID) -> tuple[str, str]:
    return f"form {event_id}", f"form {event_id} problems"


@dataclass
class Questions:
    """What was typed so far (``typed``, JSON values) and what is wrong with it, field by field."""

    typed: dict[str, Any]
    problems: dict[str, str]
    lists: Choices
    currency: str

    def ask(self) -> None:
        """Draw every question that is relevant; answers go into ``typed``."""
        aside = []
        for question in QUESTIONS:
            ask = question.asked(self.typed)
            if ask is not None and ask.aside:
                aside.append((question, ask))
            elif ask is not None:
                self._draw(question, ask)
                self._show_problem(question)
        if not aside:
            return
        with st.expander("More"):
            for question, ask in aside:
                self._draw(question, ask)
        for question, _ in aside:
            self._show_problem(question)

    def _draw(self, question: Question, ask: Ask) -> None:
        before = self.typed.get(question.key)
        key = question.key if len(question.asks) == 1 else f"{question.key} {ask.text}"
        answer: Any
        match question.kind:
            case Kind.YES_NO:
                answer = self._yes_no(ask, before, key)
            case Kind.CHOICE:
                answer = self._choice(question, ask, before, key)
            case Kind.ENTRY:
                answer = self._entry(ask, before, key)
            case Kind.NAMES:
                answer = self._names(ask, before, key)
            case Kind.DAY:
                day = st.date_input(ask.text, value=before or None, key=key)
                answer = day.isoformat() if day else None
            case Kind.AMOUNT:
                answer = st.text_input(
                    f"{ask.text} ({self.currency})",
                    value=str(before or ""),
                    key=key,
                    placeholder="0",
                    help=ask.help,
                )
            case Kind.LINES:
                answer = st.text_area(ask.text, value=before or "", key=key, height=90)
            case _:
                kind: Any = "url" if question.kind == Kind.LINK else "default"
                answer = st.text_input(ask.text, value=before or "", key=key, type=kind)
        self.typed[question.key] = answer

    def _yes_no(self, ask: Ask, before: Any, key: str) -> bool | None:
        """A question with two big buttons; unanswered is neither."""
        words = {value: word for word, value in YES_NO.items()}
        answer = st.segmented_control(
            ask.text, list(YES_NO), default=words.get(before), key=key, width="stretch"
        )
        return YES_NO.get(answer or "")

    def _choice(self, question: Question, ask: Ask, before: Any, key: str) -> str | None:
        if ask.tick:
            return ask.tick if st.checkbox(ask.text, value=before == ask.tick, key=key) else None
        words = dict(question.choices or {})
        return st.segmented_control(
            ask.text,
            list(words),
            format_func=words.__getitem__,
            default=before if before in words else None,
            key=key,
            width="stretch",
        )

    def _entry(self, ask: Ask, before: Any, key: str) -> str | None:
        options = self.lists.of(ask)
        if not options:
            return before
        names = {str(option): name for name, option in options.items()}
        chosen = st.pills(
            ask.text,
            list(options),
            default=names.get(str(before)),
            key=key,
            format_func=escape_markdown,
        )
        return str(options[chosen]) if chosen else None

    def _names(self, ask: Ask, before: Any, key: str) -> list[str]:
        options = list(self.lists.of(ask))
        return st.pills(
            ask.text,
            options,
            selection_mode="multi",
            key=key,
            format_func=escape_markdown,
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
        asked = [question for question in QUESTIONS if question.asked(self.typed)]
        given = {question.key: self._answer(question) for question in asked}
        given = {key: value for key, value in given.items() if value is not None}
        if any(given.get(each.key) for each in asked if each.kind == Kind.AMOUNT):
            given["currency"] = self.currency
        return FormAnswers(**given)

    def _answer(self, question: Question) -> Any:
        value = self.typed.get(question.key)
        match question.kind:
            case Kind.YES_NO:
                return value is True
            case Kind.AMOUNT:
                return self._amount(question, str(value or "").strip())
            case Kind.ENTRY:
                return UUID(str(value)) if value else None
            case Kind.DAY:
                return date.fromisoformat(value) if isinstance(value, str) and value else value
            case _:
                return value or None

    def _amount(self, question: Question, text: str) -> Decimal | None:
        try:
            return typed_amount(text, self.currency, field=question.key) if text else None
        except InvalidInput as error:
            raise FormProblems({question.key: error.message}) from error


def as_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as a draft can keep it: days, ids and amounts as text."""
    return {
        name: str(value) if isinstance(value, UUID | date | Decimal) else value
        for name, value in typed.items()
    }
