"""Leaderboards: who leads, by which figure, and who moved."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pandas as pd
import streamlit as st

from core.metrics.catalog import METRICS, shown_to
from core.metrics.kinds import SMALL_SAMPLE
from core.metrics.leaderboards import BOARD
from core.metrics.people import own_ids
from core.metrics.units import MONEY
from core.platform.errors import NotAllowed
from core.tenancy.access.models import AccessSettings
from core.tenancy.organizations.queries import settings_of
from core.ui.cache import leaderboard_of
from core.ui.page import empty, require, title
from core.ui.parts.columns import Bar, Column, Links, Rank, Text
from core.ui.parts.drill import address, bookings_behind_cash, period_here, rows_behind
from core.ui.parts.filters import address_of, choices_of, named, period_picker
from core.ui.parts.format import based_on, place_change
from core.ui.parts.tables import linked_rows, linked_table

BOARDS = ("closer", "setter")
viewer = require("leaderboards")
title("Leaderboards", viewer, viewer.organization_name)
with viewer.transaction() as db:
    access = settings_of(db, AccessSettings)
    choices = choices_of(db, BOARDS)
    own = own_ids(db, viewer.user_id)
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
    empty("Leaderboards are not shown", "Your organisation shows them to managers only.")
    st.stop()
if board.empty:
    empty(
        "Nobody to rank yet",
        "As soon as bookings of this period have a closer or setter, they appear here.",
    )
    st.stop()

metric = metric or figures[0]
unit, name = METRICS[metric].unit, METRICS[metric].name
only_one_currency = (
    f" Only {viewer.currency}: currencies are never added together." if unit is MONEY else ""
)
st.caption(
    f"{METRICS[metric].formula}.{only_one_currency} Arrows show how many places somebody moved"
    " compared with the same part of the previous period."
)


def ways_of(id_: UUID) -> list[tuple[str, str]]:
    """From somebody's line to their rows, for whoever may see those."""
    if not (sees_everybody or id_ in own):
        return []
    theirs = {who: named(choices, who, id_), **address_of(period)}
    return [
        ("Bookings", rows_behind("booked_calls", theirs)),
        ("Cash", rows_behind("cash_collected", theirs)),
        ("Paid bookings", bookings_behind_cash(theirs)),
    ]


def show(lines: pd.DataFrame, key: str, columns: Sequence[Column]) -> None:
    """Some of the lines; the page of each person opens."""
    here = period_here()
    rows = lines.assign(
        change=list(map(place_change, lines["change"], lines["is_new"])),
        sample=lines["sample"].map(based_on),
        ways=lines["id"].map(ways_of),
    )
    targets = [address("person", {"id": str(each), **here}) for each in lines["id"]]
    card = ("name", "rank", "value", "change", "sample", "ways")
    linked_table(linked_rows(rows, columns, targets), key, card=card)


value = (
    Text("name", who.capitalize()),
    Bar("value", name, unit, viewer.currency),
    *([Text("sample", "Based on")] if board["sample"].notna().any() else []),
    Links("ways", "Show"),
)
few = board["small"].astype(bool)
if not few.all():
    show(board[~few], "board", (Rank("rank", "Rank"), Text("change", "Place"), *value))
if few.any():
    st.subheader("Not ranked")
    st.caption(f"Fewer than {SMALL_SAMPLE} bookings: too few to rank.")
    show(board[few], "too-few", value)
