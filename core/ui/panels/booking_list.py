"""The columns of bookings, wherever they are listed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.bookings.models import CallStatus, EventOutcome
from core.bookings.schemas import EventItem
from core.tenancy.access.viewers import Viewer
from core.ui.parts.columns import Column, Moment, Rep, Text, Word, headings


def booking_columns(viewer: Viewer, names: Sequence[str]) -> list[Column]:
    """Those of these names, in their order; ``form`` is a column of ``with_forms``."""
    heading = headings(EventItem)
    columns = (
        Moment("scheduled_at", heading("scheduled_at"), viewer.timezone),
        Text("lead_name", heading("lead_name")),
        Text("lead_email", heading("lead_email")),
        Rep("closer", heading("closer")),
        Rep("setter", heading("setter")),
        Text("source", heading("source")),
        Text("traffic_type", heading("traffic_type")),
        Text("call_type", heading("call_type")),
        Word("call_status", heading("call_status"), CallStatus),
        Word("event_outcome", heading("event_outcome"), EventOutcome),
        Moment("booked_at", heading("booked_at"), viewer.timezone),
        Text("form", "Form"),
    )
    by_name = {column.name: column for column in columns}
    return [by_name[name] for name in names]


def with_forms(events: pd.DataFrame) -> pd.DataFrame:
    """Rows of bookings, with whether the form of each was filed in words."""
    return events.assign(form=events["pcf_submitted"].map({True: "Filed"}))
