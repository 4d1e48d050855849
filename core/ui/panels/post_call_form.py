"""The post-call form's questions: each appears only when the one before makes it relevant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.forms import FormAnswers
from core.bookings.models import ListEntry, Package
from core.ui.parts.format import escape_markdown

YES_NO = ("Yes", "No")
PAYMENTS = {"pif": "Paid in full", "payment_plan": "Payment plan", "deposit": "Deposit"}
PARTIES = {"guest": "The lead", "host": "Our side"}


@dataclass(frozen=True)
class Choices:
    """The organisation's own lists, by name."""

    packages: dict[str, UUID]
    objections: list[str] = field(default_factory=list)
    reasons: dict[str, dict[str, UUID]] = field(default_factory=dict)


def choices(db: Session) -> Choices:
    """Packages, objections and reasons that are in use."""
    packages = {
        row.name: row.id
        for row in db.scalars(select(Package).where(Package.active).order_by(Package.name))
    }
    reasons: dict[str, dict[str, UUID]] = {}
    for row in db.scalars(
        select(ListEntry).where(ListEntry.active).order_by(ListEntry.position, ListEntry.name)
    ):
        reasons.setdefault(row.kind, {})[row.name] = row.id
    return Choices(packages, list(reasons.get("objection", {})), reasons)


@dataclass
class Questions:
    """What was typed so far (``typed``, JSON values) and what is wrong with it, field by field."""

    typed: dict[str, Any]
    problems: dict[str, str]
    lists: Choices
    currency: str
    unreadable_amount: bool = False

    def ask(self) -> None:
        """Draw every question that is relevant; answers go into ``typed``."""
        if not self.yes("call_occurred", "Did the call take place?") or not self.yes(
            "lead_showed", "Did the lead show up?"
        ):
            self._missed()
        elif self.yes("offer_made", "Did you make an offer?"):
            closed = self.yes("deal_closed", "Did it close?")
            self._closed() if closed else self._not_closed()
        if self.typed.get("call_occurred") is not None:
            self._rest()

    def yes(self, name: str, question: str) -> bool:
        """A question with two big buttons; unanswered is neither."""
        before = {True: "Yes", False: "No"}.get(self.typed.get(name))  # type: ignore[arg-type]
        answer = st.segmented_control(question, YES_NO, default=before, key=name, width="stretch")
        self.typed[name] = {"Yes": True, "No": False}.get(answer or "")
        self._problem(name)
        return self.typed[name] is True

    def _problem(self, name: str) -> None:
        if name in self.problems:
            st.error(escape_markdown(self.problems[name]))

    def _missed(self) -> None:
        if self.typed.get("call_occurred") is False or self.typed.get("lead_showed") is False:
            self._choose("no_show_party", "Who was missing?", list(PARTIES), PARTIES.get)
            self._listed("reason_id", "Why?", self.lists.reasons.get("no_show_reason", {}))

    def _closed(self) -> None:
        self._listed("package_id", "What did they buy?", self.lists.packages)
        self._choose("payment_type", "How do they pay?", list(PAYMENTS), PAYMENTS.get)
        self._cash()

    def _not_closed(self) -> None:
        if self.typed.get("deal_closed") is False:
            self.typed["objections"] = st.pills(
                "What held them back?",
                self.lists.objections,
                selection_mode="multi",
                key="objections",
                format_func=escape_markdown,
                default=[
                    name
                    for name in self.typed.get("objections") or []
                    if name in self.lists.objections
                ],
            )
            self._listed("reason_id", "Main reason", self.lists.reasons.get("no_sale_reason", {}))
            deposit = st.checkbox(
                "They paid a deposit",
                value=self.typed.get("payment_type") == "deposit",
                key="deposit",
            )
            self.typed["payment_type"] = "deposit" if deposit else None
            if deposit:
                self._cash()
            else:
                self.typed["cash_collected"] = None

    def _cash(self) -> None:
        self.typed["cash_collected"] = st.text_input(
            f"Cash collected on the call ({self.currency})",
            value=str(self.typed.get("cash_collected") or ""),
            key="cash",
            placeholder="0",
            help="Leave empty when a card payment will arrive from Stripe or Whop.",
        )
        self._problem("cash_collected")
        self._problem("currency")

    def _rest(self) -> None:
        self.typed["notes"] = st.text_area(
            "Notes", value=self.typed.get("notes") or "", key="notes", height=90
        )
        with st.expander("More"):
            follow_up = st.date_input(
                "Follow up on", value=self.typed.get("follow_up_on") or None, key="follow_up"
            )
            self.typed["follow_up_on"] = follow_up.isoformat() if follow_up else None
            self.typed["recording_url"] = st.text_input(
                "Recording link",
                value=self.typed.get("recording_url") or "",
                key="recording",
                type="url",
            )
        self._problem("recording_url")

    def _choose(self, name: str, question: str, options: list[str], label: Any) -> None:
        before = self.typed.get(name)
        self.typed[name] = st.segmented_control(
            question,
            options,
            format_func=label,
            default=before if before in options else None,
            key=name,
            width="stretch",
        )
        self._problem(name)

    def _listed(self, name: str, question: str, options: dict[str, UUID]) -> None:
        if not options:
            return
        names = {str(option): label for label, option in options.items()}
        before = names.get(str(self.typed.get(name)))
        chosen = st.pills(
            question,
            list(options),
            default=before,
            key=f"{name} {question}",
            format_func=escape_markdown,
        )
        self.typed[name] = str(options[chosen]) if chosen else None
        self._problem(name)

    def answers(self) -> FormAnswers:
        """What was typed as answers. An amount that is none becomes a problem, see
        ``unreadable_amount``.
        """
        showed = self.typed.get("lead_showed") is True and self.typed.get("call_occurred") is True
        offered = showed and self.typed.get("offer_made") is True
        closed = offered and self.typed.get("deal_closed") is True
        cash = (
            self._amount()
            if closed or (offered and self.typed.get("payment_type") == "deposit")
            else None
        )
        return FormAnswers(
            call_occurred=self.typed.get("call_occurred") is True,
            lead_showed=showed,
            offer_made=offered,
            deal_closed=closed,
            no_show_party=None if showed else self.typed.get("no_show_party"),
            cash_collected=cash,
            currency=self.currency if cash else None,
            payment_type=self.typed.get("payment_type") if offered else None,
            package_id=_id(self.typed.get("package_id")) if closed else None,
            reason_id=None if closed else _id(self.typed.get("reason_id")),
            objections=list(self.typed.get("objections") or []) if offered and not closed else [],
            follow_up_on=_day(self.typed.get("follow_up_on")),
            notes=self.typed.get("notes") or None,
            recording_url=self.typed.get("recording_url") or None,
        )

    def _amount(self) -> Decimal | None:
        text = str(self.typed.get("cash_collected") or "").replace(" ", "")
        if "," in text and "." in text:
            text = text.replace(",", "")
        try:
            return Decimal(text) if text else None
        except InvalidOperation:
            self.unreadable_amount = True
            self.problems["cash_collected"] = f"“{text}” is not an amount; write it like 4997.00."
            return None


def _id(value: Any) -> UUID | None:
    return UUID(str(value)) if value else None


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


def as_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as a draft can keep it: days, ids and amounts as text."""
    return {
        name: str(value) if isinstance(value, UUID | date | Decimal) else value
        for name, value in typed.items()
    }
