"""Leaderboards: who leads, by which figure, and who moved."""

from __future__ import annotations

import streamlit as st

from core.metrics.catalog import METRICS, shown_to
from core.metrics.leaderboards import BOARD
from core.metrics.units import MONEY
from core.platform.errors import NotAllowed
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.queries import settings_of
from core.ui.cache import leaderboard_of
from core.ui.page import empty, require, title
from core.ui.parts.columns import Bar, Number, Text
from core.ui.parts.drill import rows_behind
from core.ui.parts.filters import address_of, choices_of, named, period_picker
from core.ui.parts.format import based_on, place_change
from core.ui.parts.tables import linked_table

BOARDS = ("closer", "setter")
viewer = require("leaderboards")
title("Leaderboards", viewer, viewer.organization_name)
with viewer.transaction() as db:
    access = settings_of(db, AccessSettings)
    choices = choices_of(db, BOARDS)
sees_everybody = viewer.sees_everybody(access)
figures = shown_to(BOARD, money=access.leaderboards_show_money or sees_everybody)

first, second, third = st.columns([1, 1, 1], vertical_alignment="bottom")
with first:
    period = period_picker(viewer, default="This month")
with second:
    metric = st.selectbox(
        "Figure",
        figures,
        format_func=lambda key: METRICS[key].name,
        key="metric",
        bind="query-params",
    )
with third:
    who = (
        st.segmented_control(
            "Who",
            BOARDS,
            format_func=lambda key: f"{key.capitalize()}s",
            default="closer",
            key="who",
            bind="query-params",
        )
        or "closer"
    )
try:
    board = leaderboard_of(viewer, period, who, metric or figures[0])
except NotAllowed:
    empty("Leaderboards are not shown", "Your organisation keeps them to managers.")
    st.stop()
if board.empty:
    empty(
        "Nobody to rank yet",
        "As soon as bookings of this period have a closer or setter, they appear here.",
    )
    st.stop()

metric = metric or figures[0]
shown = board.assign(
    change=[
        place_change(change, is_new)
        for change, is_new in zip(board["change"], board["is_new"], strict=True)
    ],
    sample=[
        based_on(sample, small)
        for sample, small in zip(board["sample"], board["small"], strict=True)
    ],
)
value = Bar("value", METRICS[metric].name, METRICS[metric].unit, viewer.currency)
columns = (
    Number("rank", "#"),
    Text("change", "Place"),
    Text("name", who.capitalize()),
    value,
    Text("sample", "Based on"),
)
only_one_currency = (
    f"Only {viewer.currency}: currencies are never added together. "
    if METRICS[metric].unit is MONEY
    else ""
)
st.caption(
    f"{METRICS[metric].formula}. {only_one_currency}The arrow is the change of place since"
    " the same part of the period before; few means fewer than ten."
)
addresses = [
    rows_behind(metric, {who: named(choices, who, each), **address_of(period)})
    if sees_everybody
    else None
    for each in board["id"]
]
linked_table(shown, "board", columns=columns, card=("name", "value", "change"), targets=addresses)
