"""Dashboard: how the period went, against which, and what needs a look."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from core.bookings.queries import EventFilter, events_table
from core.metrics.comparison import With, compared
from core.metrics.dashboard import CARDS, Dashboard
from core.metrics.drill import matching
from core.metrics.facts import EVENTS, PAYMENTS
from core.metrics.figures import Figures
from core.metrics.filters import Filters
from core.metrics.grains import Grain
from core.metrics.table import metrics_table
from core.platform.clock import Period, today
from core.tenancy.access.viewers import Viewer
from core.ui.cache import dashboard_of, live_stamp, made_beside, this_minute
from core.ui.page import empty, require, title
from core.ui.panels.booking_list import booking_columns
from core.ui.panels.dashboard.cards import (
    show_cards,
    summary_of_comparison,
    summary_of_revenue,
    summary_of_shows,
)
from core.ui.panels.dashboard.charts import grain_picker, show_funnel, show_heat, show_trend
from core.ui.panels.dashboard.people import names_everybody, show_overdue, show_people
from core.ui.panels.payments import show_unattributed, unattributed_for
from core.ui.parts.drill import link_to_rows, narrowed_here, rows_behind, switch_to_rows
from core.ui.parts.filters import (
    FIRST_DAY,
    Choices,
    address_of,
    choices_for,
    choices_of,
    comparison_picker,
    filter_bar,
    period_picker,
)
from core.ui.parts.format import plural
from core.ui.parts.live.component import follow
from core.ui.parts.query_params import ORGANIZATION
from core.ui.parts.tables import Drawn, table

viewer = require("dashboard")
LATEST = (
    *("scheduled_at", "lead_name", "closer", "setter", "source", "call_status", "event_outcome"),
)
title("Dashboard", viewer, viewer.organization_name)
first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
below = st.container()
with first:
    chosen_period = period_picker(viewer)
with second:
    compared_with = comparison_picker()
with third:
    chosen_grain = grain_picker()
with fourth, viewer.transaction() as transaction:
    offered = choices_for(transaction, EVENTS, PAYMENTS)
    chosen = filter_bar(offered, below)


@st.fragment
def show_figures(
    day: date,
    period: Period,
    with_: With | None,
    grain: Grain | None,
    filters: Filters,
    choices: Choices,
) -> None:
    """Everything that follows the data. A preset is counted from the ``day``, and from the next one
    as soon as that has come.
    """
    viewer = require("dashboard", live=True)
    if today(viewer.timezone) != day:
        st.rerun()
    at = this_minute()
    comparison = compared(period, at, with_) if with_ else None
    with viewer.transaction() as db:
        stamp = live_stamp(db, filters, at)
        figures = dashboard_of(db, viewer, stamp, period, comparison, filters, at, grain)
        ever = Period(FIRST_DAY, day + timedelta(days=1), viewer.timezone)
        overdue = made_beside(figures, "overdue", partial(overdue_forms, db, ever, filters, at))
        recent = made_beside(figures, "latest", partial(latest_bookings, db, period, filters))
        if not names_everybody(figures, choices):
            choices = choices_of(db, choices)
        loose = made_beside(figures, "unattributed", partial(unattributed_for, db, viewer))
    show_unattributed(loose)
    asked = [("narrowed", key) for key in filters.chosen]
    asked.append((ORGANIZATION, str(viewer.organization_id)))
    follow(f"/live/dashboard?{urlencode(asked)}", stamp)

    if not figures.now["booked_calls"] and not figures.now["payments"]:
        empty(
            "No bookings or payments in this period",
            "Nothing matches these filters. Choose a longer period, or clear a filter."
            if filters.chosen
            else "They appear here as soon as a calendar or a processor reports one.",
            ("connections", "See the connections")
            if viewer.is_manager and not filters.chosen
            else None,
        )
        return

    net = summary_of_revenue(figures, viewer.currency)
    st.markdown(f"{summary_of_shows(figures, filters)} {net}")
    if compares := summary_of_comparison(figures, CARDS, viewer.currency):
        st.caption(compares)
    show_cards(figures, viewer)
    show_charts(figures, viewer, choices, overdue, ever)
    here = st.query_params.get_all(ORGANIZATION)
    show_latest(recent, viewer, made_beside(figures, ("latest", *here), dict))


def overdue_forms(db: Session, ever: Period, filters: Filters, at: datetime) -> Figures:
    """The overdue forms of all days by closer."""
    return metrics_table(db, ever, ("closer",), filters, at=at, only=("overdue_pcfs",))


def latest_bookings(db: Session, period: Period, filters: Filters) -> pd.DataFrame:
    """The newest bookings of the period."""
    chosen = EventFilter(period=period, condition=matching(db, EVENTS, "", filters))
    return events_table(db, chosen, limit=10)


def show_charts(
    figures: Dashboard, viewer: Viewer, choices: Choices, overdue: Figures, ever: Period
) -> None:
    """The charts with the tables behind them; what is clicked opens its rows."""
    left, right = st.columns([3, 2])
    with left:
        if point := show_trend(figures, viewer.currency):
            switch_to_rows(rows_behind(point[0], narrowed_here() | address_of(point[1])))
    with right:
        if step := show_funnel(figures):
            switch_to_rows(rows_behind(step, narrowed_here()))
    show_people(figures, viewer, choices)
    left, right = st.columns([3, 2])
    with left:
        if slot := show_heat(figures):
            switch_to_rows(rows_behind("booked_calls", narrowed_here() | slot))
    with right:
        st.subheader("Overdue forms")
        waiting = overdue.totals.count("overdue_pcfs")
        if not waiting:
            st.caption("No form of these bookings is overdue.")
            return
        st.caption(f"{plural(waiting, 'form', 'forms')} overdue.")
        show_overdue(overdue)
        link_to_rows(rows_behind("overdue_pcfs", narrowed_here() | address_of(ever)), "See them")


def show_latest(recent: pd.DataFrame, viewer: Viewer, finished: dict[Hashable, Drawn]) -> None:
    """The newest bookings of the period, of which some pages may be ``finished``."""
    st.subheader("Latest bookings")
    table(
        recent,
        "latest-bookings",
        opens="event",
        finished=finished,
        card=("lead_name", "scheduled_at", "call_status"),
        columns=booking_columns(viewer, LATEST),
    )


show_figures(today(viewer.timezone), chosen_period, compared_with, chosen_grain, chosen, offered)
