"""The dashboard's panels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from core.metrics.catalog import METRICS, PAID
from core.metrics.comparison import Comparison
from core.metrics.dashboard import CARDS, FUNNEL, TRENDS, WEEKDAYS, Dashboard
from core.metrics.dimensions import RESULTS
from core.metrics.drill import counted
from core.metrics.figures import Figures, Values
from core.metrics.filters import Filters
from core.metrics.units import MONEY, RATE
from core.tenancy.access.viewers import Viewer
from core.ui.page import go
from core.ui.parts import charts
from core.ui.parts.columns import Money, Number, Percent, Text
from core.ui.parts.drill import (
    chosen_point,
    link_to_rows,
    narrowed_here,
    rows_behind,
    slot_in,
)
from core.ui.parts.filters import Choices, named
from core.ui.parts.format import explained
from core.ui.parts.tables import linked_table

DIRECTION: dict[str, Any] = {"up": "normal", "down": "inverse", "none": "off"}


def summary_of_shows(figures: Dashboard, filters: Filters | None = None) -> str:
    """The show rate with its change, and how much of the period is known; or why what is narrowed
    by ``filters`` has no rates.
    """
    now = figures.now
    chosen = (filters or Filters()).chosen
    if results := [each.label.lower() for key, each in RESULTS.items() if key in chosen]:
        named = " and ".join(results)
        return f"These are chosen by their {named}, so rates of them would say nothing."
    moved = RATE.moved(
        figures.so_far["show_rate"],
        figures.before and figures.before["show_rate"],
        "",
    )
    change = f", {abs(moved):.0f} points {'up' if moved > 0 else 'down'}" if moved else ""
    return f"Show rate **{RATE.text(now['show_rate'], '')}**{change}; {now.known}."


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
    metric = METRICS[key]
    before = figures.before and figures.before[key]
    change = metric.unit.moved(figures.so_far[key], before, currency)
    st.metric(
        metric.name,
        metric.unit.text(figures.now[key], currency),
        f"{change:+.0f}{metric.unit.change}" if change is not None else None,
        delta_color=DIRECTION[metric.good],
        help=explained(key, figures.now[key]),
        border=True,
        chart_data=course(figures, key, currency),
        chart_type="area",
    )


def course(figures: Dashboard, key: str, currency: str) -> list[float] | None:
    """A figure day by day, without the days that have none, as a rate of nothing, and those to
    come; None when one day is all.
    """
    days = figures.days
    if len(days.rows) < 2:
        return None
    values = _numbers([row.values for row in days.rows], key, currency)
    come = _not_to_come(figures, key, values)
    return [value for value in come if value is not None] or None


def show_trend(
    figures: Dashboard,
    currency: str,
    comparison: Comparison | None,
    keys: Sequence[str] = TRENDS,
) -> tuple[str, date] | None:
    """One figure day by day, with the compared period under it. Figure and day of the point that
    was clicked, if one was; a point of the compared period is of the earlier day.
    """
    st.subheader("Day by day")
    key = (
        st.segmented_control(
            "Figure",
            keys,
            format_func=lambda name: METRICS[name].name,
            default="booked_calls",
            key="trend",
            bind="query-params",
            label_visibility="collapsed",
        )
        or "booked_calls"
    )
    days = figures.days
    before = _numbers(figures.days_before, key, currency) if figures.days_before else None
    values = _numbers([row.values for row in days.rows], key, currency)
    dates = [row.keys["day"].id for row in days.rows]
    chart = charts.trend(
        dates, _not_to_come(figures, key, values), METRICS[key].name, before=before
    )
    shown = st.plotly_chart(
        chart, config=charts.CONFIG, key="trend chart", on_select="rerun", selection_mode="points"
    )
    if METRICS[key].unit is MONEY and set(figures.now.money(key)) - {currency}:
        st.caption(f"Only {currency}: currencies are never added together.")
    point = chosen_point(shown)
    day = dates[point.place] if point else None
    if point and comparison and before and point.series == charts.COMPARED:
        day = comparison.beside(day) if isinstance(day, date) else None
    return (key, day) if isinstance(day, date) else None


def _numbers(rows: Sequence[Values | None], key: str, currency: str) -> list[float | None]:
    """A figure row by row for a chart; where there is no row there is no point."""
    return [None if row is None else row.number(key, currency) for row in rows]


def _not_to_come(
    figures: Dashboard, key: str, values: Sequence[float | None]
) -> list[float | None]:
    """The same without days that are still to come, of which only bookings can be known."""
    if key == "booked_calls":
        return list(values)
    days = (row.keys["day"].id for row in figures.days.rows)
    return [
        value if isinstance(day, date) and day <= figures.today else None
        for day, value in zip(days, values, strict=True)
    ]


def show_funnel(figures: Dashboard, *, paid: bool = True) -> str | None:
    """From booked to closed, and to paid where that is to be known, with the rate of each step. The
    clicked step's figure.
    """
    st.subheader("From booking to close")
    steps = [(name, figures.now.count(key)) for name, key in FUNNEL] + [
        (PAID.name, figures.paid)
    ] * paid
    chart = charts.funnel(steps)
    point = chosen_point(
        st.plotly_chart(
            chart, config=charts.CONFIG, key="funnel", on_select="rerun", selection_mode="points"
        )
    )
    keys = [*(key for _, key in FUNNEL), PAID.key]
    return keys[point.place] if point else None


def _cash(people: Figures, currency: str) -> list[Any]:
    """The cash collected in one currency, row by row."""
    return [row.values.number("cash_collected", currency) for row in people.rows]


def show_people(figures: Dashboard, viewer: Viewer, choices: Choices) -> None:
    """Closers and setters side by side; a chosen one's bookings open, and nobody's."""
    for column, heading, key, people in zip(
        st.columns(2),
        ("Closers", "Setters"),
        ("closer", "setter"),
        (figures.closers, figures.setters),
        strict=True,
    ):
        with column:
            st.subheader(heading)
            rows = (
                people.frame()
                .assign(
                    name=[named(choices, key, row.keys[key].id) for row in people.rows],
                    cash=pd.Series(_cash(people, viewer.currency), dtype=object),
                    currency=viewer.currency,
                )
                .sort_values("cash", ascending=False)
            )
            columns = (
                Text("name", heading[:-1]),
                Number("booked_calls", "Booked"),
                Percent("show_rate", METRICS["show_rate"].name),
                Number("closes", METRICS["closes"].name),
                Money("cash", f"Cash ({viewer.currency})"),
            )
            targets = [
                rows_behind("booked_calls", narrowed_here() | {key: name}) for name in rows["name"]
            ]
            linked_table(rows, f"{key}s", columns=columns, targets=targets)
    go("leaderboards", "Open the leaderboards")


def show_heat(figures: Dashboard) -> dict[str, str] | None:
    """When bookings take place. What narrows to the chosen weekday and hour, if one was."""
    st.subheader("When meetings happen")
    busy = [hour for hour in range(24) if any(row[hour] for row in figures.heat)]
    hours = range(min(busy, default=8), max(busy, default=18) + 1)
    values = [[row[hour] for hour in hours] for row in figures.heat]
    chart = charts.heatmap(values, WEEKDAYS, [f"{hour:02d}" for hour in hours])
    point = chosen_point(
        st.plotly_chart(
            chart, config=charts.CONFIG, key="heat", on_select="rerun", selection_mode="points"
        )
    )
    return slot_in(point.series + 1, hours[point.place]) if point else None
