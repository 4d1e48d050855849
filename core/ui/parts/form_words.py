"""The answers of a post-call form as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from core.bookings.design import currency_key
from core.bookings.form_answers import QUESTIONS
from core.bookings.questions import Kind, Question
from core.platform.labels import NONE
from core.platform.notation import notation
from core.ui.parts.format import money, on

YES_NO = {True: "Yes", False: "No"}


def answers_in_words(
    answers: Mapping[str, Any],
    names: Mapping[UUID, str],
    questions: Sequence[Question] = QUESTIONS,
) -> list[tuple[str, str]]:
    """Each answer that was given after the label of its question, in the order in which they are
    asked; ``names`` are those of the organisation's packages and lists.
    """
    asked = [each for each in questions if each.kind != Kind.CURRENCY]
    given = [
        (each.label, _in_words(each, answers, names))
        for each in asked
        if answers.get(each.key) not in (None, [], "") and _is_asked(each, answers)
    ]
    return [(label, words) for label, words in given if words]


def changes_in_words(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[UUID, str]
) -> list[str]:
    """What changed between two versions of a form, an answer a line: ``Offer made: No → Yes``."""
    changed = [
        (each.label, *(_or_none(each, answers, names) for answers in (before, after)))
        for each in QUESTIONS
        if each.kind != Kind.CURRENCY
    ]
    return [f"{label}: {old} → {new}" for label, old, new in changed if old != new]


def _or_none(question: Question, answers: Mapping[str, Any], names: Mapping[UUID, str]) -> str:
    given = answers.get(question.key) not in (None, [], "")
    return (_in_words(question, answers, names) if given else "") or NONE


def _is_asked(question: Question, answers: Mapping[str, Any]) -> bool:
    """A no that was never asked for says nothing."""
    return question.kind != Kind.YES_NO or question.asked(answers) is not None


def _in_words(question: Question, answers: Mapping[str, Any], names: Mapping[UUID, str]) -> str:
    value = answers[question.key]
    match question.kind:
        case Kind.YES_NO:
            return YES_NO[value]
        case Kind.CHOICE:
            return (question.choices or {}).get(value, str(value))
        case Kind.ENTRY:
            return names.get(value, "")
        case Kind.SEVERAL:
            return ", ".join((question.choices or {}).get(each, str(each)) for each in value)
        case Kind.RATING:
            return f"{value} of 5"
        case Kind.NUMBER:
            return notation().number(value, max(0, -value.as_tuple().exponent))
        case Kind.NAMES:
            return ", ".join(value)
        case Kind.AMOUNT:
            currency = answers.get(currency_key(question.key)) or answers.get("currency")
            return money({currency: value}) if currency else str(value)
        case Kind.DAY:
            return on(value) if isinstance(value, date) else str(value)
        case _:
            return str(value)
