"""Two bookings that may be one meeting: which two, how they compare, what follows, the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.bookings.duplicates import possible_duplicates, standing_for
from core.bookings.merging import call_different
from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import event_detail, events_of_contact, form_answers
from core.money.merged_bookings import merge_bookings
from core.money.queries import PaymentFilter, payments_table
from core.platform.dataframes import records
from core.ui.navigation import jump
from core.ui.page import act, empty, go, no_such, require, title
from core.ui.parts.columns import Moment, Text
from core.ui.parts.format import escape_markdown, money, plural, when, word
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import picking_table, table

viewer = require("merge-bookings")


def candidates(db: Session, event: Row[Any]) -> pd.DataFrame:
    """What may be the same meeting, and then the person's other bookings."""
    rows = {}
    for pair in records(possible_duplicates(db, event_id=event.id)):
        is_first = pair["id"] == event.id
        rows[pair["other_id"] if is_first else pair["id"]] = pair["reason"]
    others = records(events_of_contact(db, event.contact_id)) if event.contact_id else []
    for other in others:
        if other["id"] != event.id:
            rows.setdefault(other["id"], "same contact")
    known = [(event_detail(db, each), reason) for each, reason in rows.items()]
    return pd.DataFrame(
        [
            (str(row.id), row.scheduled_at, row.lead_name, row.lead_email, row.closer, reason)
            for row, reason in known
            if row is not None
        ],
        columns=["id", "scheduled_at", "lead_name", "lead_email", "closer", "reason"],
    )


def choose_other(event: Row[Any], found: pd.DataFrame) -> None:
    """Pick the other booking, which goes into the address."""
    if found.empty:
        empty("No other booking of this person", "There is nothing to merge this booking with.")
        return
    st.caption("Choose the booking of the same meeting.")
    picked = picking_table(
        found,
        "bookings-to-merge",
        card=("lead_name", "scheduled_at", "reason"),
        columns=[
            Moment("scheduled_at", "Meeting", viewer.timezone),
            Text("lead_name", "Lead"),
            Text("lead_email", "E-mail"),
            Text("closer", "Closer"),
            Text("reason", "Why"),
        ],
    )
    if picked:
        st.query_params["with"] = picked
        st.rerun()


def facts(db: Session, event: Row[Any]) -> dict[str, str | None]:
    """One side of the comparison, as people read it."""
    form, payments = (
        form_answers(db, event.id),
        payments_table(db, PaymentFilter(event_id=event.id)),
    )
    cash: dict[str, Any] = {}
    for row in records(payments[payments["counts"].astype(bool)]):
        cash[row["currency"]] = cash.get(row["currency"], 0) + row["net_revenue"]
    reported = form.get("cash_collected") and {form["currency"]: form["cash_collected"]}
    return {
        "Meeting": when(event.scheduled_at, viewer.timezone),
        "Booked": when(event.booked_at, viewer.timezone),
        "Lead": event.lead_name,
        "E-mail": event.lead_email,
        "Phone": event.lead_phone,
        "Closer": event.closer,
        "Setter": event.setter,
        "Source": event.source,
        "Traffic type": event.traffic_type,
        "Call type": event.call_type,
        "Status": word(event.call_status, CallStatus),
        "Outcome": word(event.event_outcome, EventOutcome) if event.event_outcome else None,
        "Form": "Filed" if form else None,
        "Cash on the form": money(reported) if reported else None,
        "Payments": str(len(payments)) if len(payments) else None,
        "Net revenue": money(cash) if cash else None,
        "Booked with": "Entered by hand"
        if event.booking_platform == "manual"
        else word(event.booking_platform),
    }


def what_follows(kept: dict[str, str | None], goes: dict[str, str | None]) -> str:
    """What a merge does with forms and money."""
    said = ["The two count as one booking from now on."]
    if kept["Form"] and goes["Form"]:
        cash = (
            f" Its cash ({goes['Cash on the form']}) counts no longer."
            if goes["Cash on the form"]
            else ""
        )
        said.append(f"Both have a form: the kept booking's stands.{cash}")
    elif goes["Form"]:
        said.append("The form goes over to the kept booking.")
    number = int(goes["Payments"] or 0)
    if number:
        said.append(f"{plural(number, 'payment', 'payments')} of the other booking follow.")
    said.append(
        "Missing closer, setter and source are filled in. Whatever still arrives for either of them"
        " counts for the kept one. You can undo it on its page, until a payout has counted it."
    )
    return " ".join(said)


event_id, other_id = id_from_address(), id_from_address("with")
with viewer.transaction() as db:
    event = event_detail(db, event_id) if event_id else None
    other = event_detail(db, other_id) if other_id else None
    stands = standing_for(db, event_id) if event_id and event is None else None
    found = candidates(db, event) if event is not None else pd.DataFrame()
if stands is not None:
    jump("event", id=str(stands))
if event is None:
    no_such(
        "booking",
        "It may have been merged or deleted, or the link is old.",
        ("duplicates", "All possible duplicates"),
    )
if other is None and len(found) == 1:
    with viewer.transaction() as db:
        other = event_detail(db, UUID(found["id"].iloc[0]))
title(f"Merge {event.lead_name or 'booking'}", viewer, "Two bookings of one meeting")
go("event", "View the booking", id=str(event.id))
if other is None or other.id == event.id:
    choose_other(event, found)
    st.stop()

with viewer.transaction() as db:
    sides = facts(db, event), facts(db, other)
rows = [(label, sides[0][label], sides[1][label]) for label in sides[0]]
table(
    pd.DataFrame(
        [row for row in rows if any(row[1:])], columns=["field", "stays", "goes"], dtype=object
    ),
    "comparison",
    download=False,
    columns=[
        Text("field", "Field"),
        Text("stays", "Kept booking"),
        Text("goes", "Merged into it"),
    ],
)
st.info(escape_markdown(what_follows(*sides)))
both = {"id": str(event.id), "with": str(other.id)}
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Merge", type="primary"):
        with act(viewer, "Bookings merged.") as db:
            merge_bookings(db, event.id, other.id, viewer)
        jump("event", id=both["id"])
    if st.button("They are two meetings"):
        with act(viewer, "Listed no more.") as db:
            call_different(db, event.id, other.id, viewer)
        jump("duplicates")
    go("merge-bookings", "Keep the other one instead", id=both["with"], **{"with": both["id"]})
