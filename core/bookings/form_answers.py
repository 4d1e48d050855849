"""The post-call form's standard questions: what is asked, when it is asked, and which answers are
valid.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.bookings.models import Party, PaymentType
from core.bookings.questions import Ask, Kind, Question, Typed, question
from core.platform.names import LONGEST_TEXT

NO_SHOW_REASON, NO_SALE_REASON = "no_show_reason", "no_sale_reason"
LONGEST_LINK, YEARS = 2_000, range(2000, 2100)
CASH_HELP = "Leave empty when a card payment will arrive from Stripe or Whop."


def _always(_: Typed) -> bool:
    return True


def begun(typed: Typed) -> bool:
    """Whether the first question is answered."""
    return typed.get("call_occurred") is not None


def _held(typed: Typed) -> bool:
    return typed.get("call_occurred") is True


def _showed(typed: Typed) -> bool:
    return _held(typed) and typed.get("lead_showed") is True


def _missed(typed: Typed) -> bool:
    not_held = typed.get("call_occurred") is False
    return not_held or (_held(typed) and typed.get("lead_showed") is False)


def _offered(typed: Typed) -> bool:
    return _showed(typed) and typed.get("offer_made") is True


def _closed(typed: Typed) -> bool:
    return _offered(typed) and typed.get("deal_closed") is True


def _not_closed(typed: Typed) -> bool:
    return _offered(typed) and typed.get("deal_closed") is False


def _paid(typed: Typed) -> bool:
    return _closed(typed) or (
        _not_closed(typed) and typed.get("payment_type") == PaymentType.DEPOSIT
    )


def _cash_problem(answers: FormAnswers) -> str | None:
    cash = answers.cash_collected or Decimal(0)
    deposit = answers.payment_type == PaymentType.DEPOSIT and answers.lead_showed
    if cash < 0:
        return "Cash cannot be negative."
    if cash and not (answers.deal_closed or deposit):
        return "Cash needs a closed deal, or a deposit."
    return None


def _link_problem(answers: FormAnswers) -> str | None:
    link = answers.recording_url
    if link and not link.startswith(("https://", "http://")):
        return "A recording link starts with https://."
    return "This link is too long." if link and len(link) > LONGEST_LINK else None


def _notes_problem(answers: FormAnswers) -> str | None:
    is_long = len(answers.notes or "") > LONGEST_TEXT
    return f"Notes have at most {LONGEST_TEXT:,} letters. Shorten them." if is_long else None


def _day_problem(answers: FormAnswers) -> str | None:
    day = answers.follow_up_on
    return None if day is None or day.year in YEARS else "Choose a day of this century."


def _showed_problem(answers: FormAnswers) -> str | None:
    lost = answers.lead_showed and not answers.call_occurred
    return "The lead can only have shown up if the meeting took place." if lost else None


def _offer_problem(answers: FormAnswers) -> str | None:
    lost = answers.offer_made and not answers.lead_showed
    return "An offer needs a lead who showed up." if lost else None


def _close_problem(answers: FormAnswers) -> str | None:
    lost = answers.deal_closed and not answers.offer_made
    return "A closed deal needs an offer." if lost else None


def _currency_problem(answers: FormAnswers) -> str | None:
    cash = answers.cash_collected or Decimal(0)
    lost = cash > 0 and not answers.currency and _cash_problem(answers) is None
    return "Say in which currency the cash was collected." if lost else None


@dataclass(frozen=True)
class FormAnswers:
    """The standard fields in the order in which they are asked.

    Money is in ``currency``; ids point at the organisation's own lists.
    """

    call_occurred: bool = question(
        "Meeting took place",
        Kind.YES_NO,
        Ask("Did the meeting take place?", _always),
        missing="Say whether the meeting took place.",
        wrong="Say whether the meeting took place: true or false.",
    )
    lead_showed: bool = question(
        "Lead showed up",
        Kind.YES_NO,
        Ask("Did the lead show up?", _held),
        default=False,
        rule=_showed_problem,
    )
    offer_made: bool = question(
        "Offer made",
        Kind.YES_NO,
        Ask("Did you make an offer?", _showed),
        default=False,
        rule=_offer_problem,
    )
    deal_closed: bool = question(
        "Deal closed",
        Kind.YES_NO,
        Ask("Did it close?", _offered),
        default=False,
        rule=_close_problem,
    )
    no_show_party: str | None = question(
        "Missing",
        Kind.CHOICE,
        Ask("Who was missing?", _missed),
        default=None,
        choices=Party.labels(),
        wrong="Say whether the guest or the host was missing.",
    )
    package_id: UUID | None = question(
        "Package", Kind.ENTRY, Ask("What did they buy?", _closed), default=None
    )
    objections: list[str] = question(
        "Objections",
        Kind.NAMES,
        Ask("What held them back?", _not_closed, listed="objection"),
        default=list,
    )
    reason_id: UUID | None = question(
        "Reason",
        Kind.ENTRY,
        Ask("Why?", _missed, listed=NO_SHOW_REASON),
        Ask("Main reason", _not_closed, listed=NO_SALE_REASON),
        default=None,
        lists=(NO_SHOW_REASON, NO_SALE_REASON),
    )
    payment_type: str | None = question(
        "Payment type",
        Kind.CHOICE,
        Ask("How do they pay?", _closed),
        Ask("They paid a deposit", _not_closed, tick=PaymentType.DEPOSIT),
        default=None,
        choices=PaymentType.labels(),
        wrong="Choose paid in full, payment plan or deposit.",
    )
    cash_collected: Decimal | None = question(
        "Cash collected",
        Kind.AMOUNT,
        Ask("Cash collected at the meeting", _paid, help=CASH_HELP),
        default=None,
        rule=_cash_problem,
    )
    currency: str | None = question("Currency", Kind.CURRENCY, default=None, rule=_currency_problem)
    call_outcome_id: UUID | None = question(
        "Call outcome",
        Kind.ENTRY,
        Ask("Call outcome", begun, listed="call_outcome"),
        default=None,
        lists=("call_outcome",),
    )
    opportunity_status_id: UUID | None = question(
        "Opportunity status",
        Kind.ENTRY,
        Ask("Opportunity status", begun, listed="opportunity_status"),
        default=None,
        lists=("opportunity_status",),
    )
    traffic_type: str | None = question(
        "Traffic type", Kind.TEXT, Ask("Traffic type", begun), default=None
    )
    notes: str | None = question(
        "Notes", Kind.LINES, Ask("Notes", begun), default=None, rule=_notes_problem
    )
    follow_up_on: date | None = question(
        "Follow up on",
        Kind.DAY,
        Ask("Follow up on", begun, aside=True),
        default=None,
        rule=_day_problem,
    )
    recording_url: str | None = question(
        "Recording",
        Kind.TEXT,
        Ask("Recording link", begun, aside=True),
        default=None,
        rule=_link_problem,
    )


QUESTIONS = tuple(
    Question(
        each.name,
        required=each.default is MISSING and each.default_factory is MISSING,
        **each.metadata,
    )
    for each in fields(FormAnswers)
)


def problems_of(answers: FormAnswers) -> dict[str, str]:
    """Why answers are invalid, field by field: a word that is no choice, or one that another answer
    rules out.
    """
    found = {each.key: _problem(each, answers) for each in QUESTIONS}
    return {key: problem for key, problem in found.items() if problem}


def _problem(asked: Question, answers: FormAnswers) -> str | None:
    value = getattr(answers, asked.key)
    if asked.choices and value is not None and value not in asked.choices:
        return asked.wrong
    return asked.rule(answers) if asked.rule else None
