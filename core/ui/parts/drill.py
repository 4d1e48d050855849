"""From a figure to its rows: every page of rows is loaded afresh.

On a move within the session Streamlit drops every parameter that a widget of the page before was
bound to, and the filters of the two pages have the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from core.metrics.custom import starts_custom
from core.metrics.dimensions import FILTERS
from core.metrics.drill import Slot, counted
from core.ui.parts.query_params import ORGANIZATION

Narrowed = Mapping[str, str | list[str]]
DAYS = ("period", "from", "to")
NARROWING = (*DAYS, *FILTERS)
FIGURE, SLOT = "figure", ("weekday", "hour")  # whose rows a page shows, and of which hour


def narrowed_here() -> dict[str, str | list[str]]:
    """The period and filters of this page, for the page of the rows."""
    asked = st.query_params
    found = {name: asked.get_all(name) for name in set(asked) if _narrows(name)}
    return {name: values for name, values in found.items() if values[-1]}


def _narrows(name: str) -> bool:
    return name in NARROWING or starts_custom(name)


def period_here() -> dict[str, str | list[str]]:
    """The period of this page, for another one, whose own may be another where none is chosen."""
    chosen: dict[str, str | list[str]] = {"period": st.session_state.get("period", [])}
    return chosen | {name: each for name, each in narrowed_here().items() if name in DAYS}


def rows_behind(metric: str, narrowed: Narrowed) -> str:
    """The address of the rows behind a figure; a rate's are those that it counts."""
    explained = counted(metric)
    return address(explained.fact.rows.screen, {FIGURE: explained.key} | dict(narrowed))


def bookings_behind_cash(narrowed: Narrowed) -> str:
    """The address of the bookings whose payments the cash is made of."""
    return address("events", {FIGURE: "cash_collected"} | dict(narrowed))


def slot_in(weekday: int, hour: int) -> dict[str, str]:
    """The parameters with which a page of rows shows one hour of a weekday."""
    return {"weekday": str(weekday), "hour": str(hour)}


def slot_of_address(timezone: str) -> Slot | None:
    """The hour of a weekday that the address narrows to; None where it names none."""
    weekday, hour = st.query_params.get("weekday", ""), st.query_params.get("hour", "")
    if weekday not in map(str, range(1, 8)) or hour not in map(str, range(24)):
        return None
    return Slot(int(weekday), int(hour), timezone)


def address(screen: str, narrowed: Narrowed) -> str:
    """A screen of this page's organisation and what it is narrowed to; whatever a filter says, no
    letter in it means anything to HTML or a script.
    """
    shown = st.query_params.get_all(ORGANIZATION)
    return f"{screen}?{urlencode(dict(narrowed) | {ORGANIZATION: shown}, doseq=True)}"


def link_to_rows(target: str, label: str) -> None:
    """A link to the address ``target``."""
    st.html(f'<a class="so-rows" href="{escape(target)}">{escape(label)}</a>')


def switch_to_rows(target: str) -> None:
    """Go to the address ``target``, as something was chosen in a chart or a table."""
    st.html(f"<script>location.assign('{target}')</script>", unsafe_allow_javascript=True)


@dataclass(frozen=True)
class Point:
    """Where a point of a chart is: in which of its series, and at which place there."""

    series: int
    place: int


def chosen_point(chart: Any) -> Point | None:
    """The point that the reader clicked in a chart, or None."""
    points = chart["selection"]["points"]
    return Point(points[0]["curve_number"], points[0]["point_index"]) if points else None
