"""One delivery: its request, how it was checked and answered, its attempts, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import streamlit as st

from core.deliveries.models import DeliveryStatus, WebhookDelivery
from core.deliveries.reading import as_text
from core.platform.notation import notation
from core.providers.delivery_rows import RowOf
from core.providers.signatures import TOLERANCE_S, signed_at
from core.tenancy.access.audit import FORMER
from core.ui.page import go
from core.ui.panels.deliveries import KINDS, as_sentence
from core.ui.parts.format import escape_markdown, when

SHOWN = 100_000  # letters of a body; a browser takes long to draw more
DETAILS = {"events": "event", "payments": "payment", "contacts": "contact"}
OUTCOMES = {"failed": "Failed", "replayed": "Replayed"} | DeliveryStatus.labels()
NOT_STORED = "What was sent is no longer stored."


def event_in_words(delivery: WebhookDelivery) -> str:
    """What happened, in the provider's words."""
    return KINDS.get(delivery.event_type or "", delivery.event_type or "Delivery")


def show_outcome(delivery: WebhookDelivery) -> None:
    """What became of it, and why."""
    label = delivery.status.label
    why = f". {escape_markdown(as_sentence(delivery.last_error))}" if delivery.last_error else ""
    show = {DeliveryStatus.DEAD: st.error, DeliveryStatus.IGNORED: st.info}.get(
        delivery.status, st.success if delivery.processed_at else st.info
    )
    show(f"**{label}**{why}")


def show_attempts(delivery: WebhookDelivery, names: Mapping[UUID, str], timezone: str) -> None:
    """Everything that happened to it, the oldest first."""
    st.subheader("Attempts")
    lines = [f"{when(delivery.received_at, timezone)} · Received and stored"]
    lines += [_line(entry, names, timezone) for entry in delivery.history]
    if delivery.processed_at is not None:
        present = {
            "at": delivery.processed_at.isoformat(),
            "outcome": delivery.status,
            "reason": delivery.last_error,
        }
        lines.append(_line(present, names, timezone))
    for line in lines:
        st.markdown(f"- {line}")
    if delivery.status == DeliveryStatus.PENDING and delivery.due_at is not None:
        st.caption(f"The next attempt is {when(delivery.due_at, timezone)}.")


def _line(entry: Mapping[str, Any], names: Mapping[UUID, str], timezone: str) -> str:
    at = when(datetime.fromisoformat(entry["at"]), timezone)
    by = f" by {names.get(UUID(entry['by']), FORMER)}" if entry.get("by") else ""
    why = f" · {as_sentence(entry['reason'])}" if entry.get("reason") else ""
    return escape_markdown(f"{at} · {OUTCOMES.get(entry['outcome'], entry['outcome'])}{by}{why}")


def show_checks(delivery: WebhookDelivery, label: str) -> None:
    """How it was checked when it arrived, and what was answered."""
    which = "the old" if delivery.by_previous_secret else "the"
    st.markdown(
        f":material/verified_user: **Signature:** valid. It was made with {which} signing secret of"
        " this connection; a delivery with any other is refused and not stored."
    )
    signed = signed_at(delivery.headers)
    minutes = TOLERANCE_S // 60
    if signed is None:
        age = f"not known. {label} did not say when it was signed, or it is no longer stored."
    else:
        seconds = max(0, round((delivery.received_at - signed).total_seconds()))
        age = (
            f"signed {seconds} s before it arrived; more than {minutes} minutes would have been"
            " refused."
        )
    st.markdown(f":material/schedule: **Age:** {age}")
    st.markdown(
        ':material/reply: **Our answer:** 200 `{"status":"accepted"}`, once it was stored. A'
        " repeat of the same delivery gets the same answer and is stored once."
    )


def show_rows(rows: Sequence[RowOf], label_of: Callable[[str], str]) -> None:
    """Links to what it is about."""
    st.subheader("Bookings, payments and contacts")
    if not rows:
        st.caption("None here contains an ID or e-mail address of this delivery.")
    for row in rows:
        label = f"{label_of(row.kind)}: {row.name}"
        if row.kind in DETAILS:
            go(DETAILS[row.kind], escape_markdown(label), id=str(row.id))
        else:
            st.markdown(escape_markdown(label))


def show_request(delivery: WebhookDelivery, path: str) -> None:
    """What was sent, without secrets."""
    st.subheader("Request")
    st.caption("Secrets and signatures are masked.")
    if not delivery.body:
        st.info(NOT_STORED)
        return
    headers = [f"POST {path}", *(f"{name}: {value}" for name, value in delivery.headers.items())]
    st.code("\n".join(headers), language=None, wrap_lines=True)
    text = as_text(delivery.body)
    st.code(text[:SHOWN], language="json", wrap_lines=True)
    if len(text) > SHOWN:
        st.caption(
            f"The first {notation().number(SHOWN)} of {notation().number(len(text))} characters."
        )
