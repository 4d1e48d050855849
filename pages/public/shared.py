"""A dashboard for whoever holds its link: figures, their course and the funnel, without anybody's
name.
"""

from __future__ import annotations

import streamlit as st

from core.links.kinds import LinkPurpose
from core.metrics.catalog import shown_to
from core.metrics.comparison import compared
from core.metrics.dashboard import CARDS, TRENDS
from core.platform.clock import today
from core.ui.cache import shared_dashboard_of, this_minute
from core.ui.page import empty, open_to_all
from core.ui.panels.dashboard.cards import show_card, summary_of_comparison, summary_of_shows
from core.ui.panels.dashboard.charts import show_funnel, show_heat, show_trend
from core.ui.parts.filters import PRESETS, preset_period
from core.ui.public import heading, visitor_of

open_to_all("shared")
visitor = visitor_of(LinkPurpose.SHARE)
chosen = visitor.shown.get("period")
name = chosen if chosen in PRESETS and chosen != "Custom" else "Last 30 days"
period = preset_period(name, today(visitor.timezone), visitor.timezone)
at = this_minute()
comparison = compared(period, at)
heading(visitor.name, visitor, name + (", compared with the period before" if comparison else ""))
figures = shared_dashboard_of(visitor, period, comparison, at)
if not figures.now["booked_calls"] and not figures.now["payments"]:
    empty("No bookings in this period", "They appear here as soon as they are booked.")
    st.stop()

st.markdown(summary_of_shows(figures))
cards = shown_to(CARDS, money=visitor.sees_money)
if compares := summary_of_comparison(figures, cards, visitor.currency):
    st.caption(compares)
for column, key in zip(st.columns(len(cards)), cards, strict=True):
    with column:
        show_card(figures, key, visitor.currency)
left, right = st.columns([3, 2])
with left:
    show_trend(
        figures, visitor.currency, shown_to(TRENDS, money=visitor.sees_money), download=False
    )
with right:
    show_funnel(figures, paid=visitor.sees_money, download=False)
show_heat(figures, download=False)
