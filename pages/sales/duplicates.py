"""Bookings that may be one meeting, booked twice: each pair opens side by side."""

from __future__ import annotations

import streamlit as st

from core.bookings.duplicates import possible_duplicates
from core.bookings.schemas import EventItem
from core.ui.page import empty, require, title
from core.ui.parts.columns import Moment, Text, headings
from core.ui.parts.format import plural
from core.ui.parts.tables import table

SHOWN = 200
viewer = require("duplicates")
heading = headings(EventItem)
title("Duplicates", viewer, "Bookings that may be one meeting, booked twice")
with viewer.transaction() as db:
    pairs = possible_duplicates(db, limit=SHOWN)
if pairs.empty:
    empty(
        "No possible duplicates",
        "No two bookings of the last 31 days or ahead look like one meeting.",
    )
    st.stop()
count = int(pairs["pairs"].iloc[0])
st.caption(
    f"{plural(count, 'pair', 'pairs')}, of the last 31 days and ahead"
    + (f"; the latest {SHOWN} are listed" if count > SHOWN else "")
    + ". Open one to compare the two. Nothing is merged before you say so."
)
table(
    pairs,
    "duplicates",
    opens="merge-bookings",
    download=False,
    card=("lead_name", "scheduled_at", "reason"),
    columns=[
        Moment("scheduled_at", heading("scheduled_at"), viewer.timezone),
        Text("lead_name", heading("lead_name")),
        Text("lead_email", heading("lead_email")),
        Moment("other_at", "Other meeting", viewer.timezone),
        Text("other_name", "Other lead"),
        Text("other_email", "Other e-mail"),
        Text("reason", "Why"),
    ],
)
