"""A dashboard for whoever holds its link: figures, their course and the funnel, without anybody's
name.
"""

from __future__ import annotations

import streamlit as st

from core.links.access_links import SHARE
from core.metrics.catalog import METRICS
from core.metrics.comparison import compared
from core.platform.clock import today
from core.ui.cache import shared_dashboard_of, this_minute
from core.ui.page import empty, open_to_all
from core.ui.panels.dashboard import (
    CARDS,
    DIRECTION,
    TRENDS,
    course,
    show_funnel,
    show_heat,
    show_trend,
)
from core.ui.parts.filters import PRESETS, preset_period
from core.ui.parts.format import delta, explained, figure, rate
from core.ui.public import heading, visitor_of

open_to_all("shared")
visitor = visitor_of(SHARE)
chosen = visitor.shown.get("period")
name = chosen if chosen in PRESETS and chosen != "Custom" else "Last 30 days"
period = preset_period(name, today(visitor.timezone), visitor.timezone)
at = this_minute()
comparison = compared(period, at)
heading(visitor.name, visitor, f"{name}, compared with the period before")
figures = shared_dashboard_of(visitor, period, comparison, at)
now, so_far, before = figures.now, figures.so_far, figures.before
if not now["booked_calls"] and not now["payments"]:
    empty("No bookings in this period", "They appear here as soon as they are booked.")
    st.stop()

moved = delta("show_rate", so_far["show_rate"], before and before["show_rate"], "")
change = f", {abs(moved):.0f} points {'up' if moved > 0 else 'down'}" if moved else ""
st.markdown(
    f"Show rate **{rate(now.rate('show_rate'))}**{change}; {now['confirmed']:,} of"
    f" {now['due']:,} bookings due are confirmed."
)
cards = [key for key in CARDS if visitor.sees_money or METRICS[key].unit != "money"]
for column, key in zip(st.columns(len(cards)), cards, strict=True):
    moved = delta(key, so_far[key], before and before[key], visitor.currency)
    unit = " points" if METRICS[key].unit == "rate" else " %"
    column.metric(
        METRICS[key].name,
        figure(key, now[key]),
        f"{moved:+.0f}{unit}" if moved is not None else None,
        border=True,
        delta_color=DIRECTION[METRICS[key].good],
        help=explained(key, now[key]),
        chart_type="area",
        chart_data=course(figures, key, visitor.currency),
    )
left, right = st.columns([3, 2])
with left:
    show_trend(
        figures,
        visitor.currency,
        [key for key in TRENDS if visitor.sees_money or METRICS[key].unit != "money"],
    )
with right:
    show_funnel(figures, paid=visitor.sees_money)
show_heat(figures)
