"""The dashboard's sentences and cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from core.metrics.catalog import METRICS
from core.metrics.changes import Change
from core.metrics.dashboard import CARDS, Dashboard
from core.metrics.drill import counted
from core.metrics.figures import Values
from core.metrics.filters import Filters
from core.metrics.kinds import Metric, Ratio
from core.metrics.people import beside_team
from core.metrics.units import MONEY, RATE
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer
from core.ui.panels.dashboard.course import course, sample_of
from core.ui.parts.drill import (
    link_to_rows,
    narrowed_here,
    rows_behind,
)
from core.ui.parts.format import days, enumerated, explained, plural

DIRECTION: dict[str, Any] = {"up": "normal", "down": "inverse", "none": "off"}


def summary_of_shows(figures: Dashboard, filters: Filters | None = None) -> str:
    """The show rate with its change, and how much of the period is known; or why what is narrowed
    by ``filters`` has no rates.
    """
    now = figures.now
    if results := [each.label.lower() for each in (filters or Filters()).results]:
        named = " and ".join(results)
        return f"These are chosen by their {named}, so rates of them would say nothing."
    found = figures.change("show_rate", "")
    moved = found and found.moved
    change = ""
    if moved:
        points = plural(round(abs(moved)), "point", "points")
        change = f", {points} {'up' if moved > 0 else 'down'}"
    return f"Show rate **{RATE.text(now['show_rate'], '')}**{change}; {now.known}."


def summary_of_comparison(figures: Dashboard, keys: Sequence[str], currency: str) -> str:
    """The days that the figures are compared with, and why some of them are not."""
    if figures.comparison is None:
        return ""
    whys: dict[str, list[str]] = {}
    for key in keys:
        change = figures.change(key, currency)
        whys.setdefault(change.why if change else "", []).append(METRICS[key].name.lower())
    sentences = [
        f"No comparison of {enumerated(names)}: {why}." for why, names in whys.items() if why
    ]
    if "" in whys:
        earlier = figures.comparison.earlier
        last = (earlier.ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(earlier.timezone))
        found = days(earlier.start, last.date() + timedelta(days=1))
        sentences.insert(0, f"Compared with {found}.")
    return " ".join(sentences).replace("$", r"\$")


def summary_of_revenue(figures: Dashboard, currency: str) -> str:
    """The net revenue of every currency."""
    net = MONEY.message(figures.now["net_revenue"], currency)
    return f"Net revenue **{net}**.".replace("$", r"\$")


def show_cards(figures: Dashboard, viewer: Viewer) -> None:
    """Five figures, each with the way to its rows."""
    for column, key in zip(st.columns(len(CARDS)), CARDS, strict=True):
        with column:
            show_card(figures, key, viewer.currency)
            link_to_rows(rows_behind(key, narrowed_here()), counted(key).fact.rows.label)


def show_card(figures: Dashboard, key: str, currency: str) -> None:
    """One figure with its change, its course and its definition."""
    metric, change = METRICS[key], figures.change(key, currency)
    shown, colour = _in_words(metric, change)
    st.metric(
        metric.name,
        metric.unit.text(figures.now[key], currency),
        shown,
        delta_color=colour,
        delta_arrow="off" if colour == "off" else "auto",
        help=explained(key, figures.now[key]),
        border=True,
        height="stretch",
        chart_data=course(figures, key, currency),
        chart_type="area",
    )


def _in_words(metric: Metric, change: Change | None) -> tuple[str | None, Any]:
    """A change with its unit and colour, or in grey that there is none."""
    if change is None or not (change.why or change.moved is not None):
        return None, "off"
    if change.moved is None:
        return "No comparison", "off"
    moved = round(change.moved)
    if not moved:
        return "No change", "off"
    unit = metric.unit.change.removesuffix("s" if abs(moved) == 1 else "")
    return f"{moved:+,}{unit}", DIRECTION[metric.good]


def show_change(figures: Dashboard, key: str, currency: str) -> None:
    """How one figure of somebody has changed, in a line below their card."""
    metric = METRICS[key]
    said, direction = _in_words(metric, figures.change(key, currency))
    if said is None:
        return
    colour = "gray"
    if direction != "off":
        colour = "green" if said.startswith("+") is (direction == "normal") else "red"
    before = "" if direction == "off" else " vs the period before"
    st.markdown(f":{colour}[{said}]:gray[{before}]")


def show_person_card(figures: Dashboard, key: str, currency: str, team: Values | None) -> None:
    """One figure of somebody with its course, beside the team's where that is shown."""
    metric, value = METRICS[key], figures.now[key]
    whole = (
        f" The team's: {metric.unit.text(team[key], currency)}.".replace("$", r"\$") if team else ""
    )
    st.metric(
        metric.name,
        metric.unit.text(value, currency),
        beside_team(key, figures.now, team, currency) if team else None,
        delta_color="off",
        delta_arrow="off",
        delta_description=f"of {notation().number(sample_of(metric, figures.now))}"
        if isinstance(metric, Ratio)
        else None,
        help=f"{explained(key, value)}{whole}",
        border=True,
        height="stretch",
        chart_data=course(figures, key, currency),
        chart_type="area",
    )
