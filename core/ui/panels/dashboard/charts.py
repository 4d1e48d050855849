"""The dashboard's charts, each with its exact figures as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core.metrics.catalog import METRICS, PAID
from core.metrics.dashboard import FUNNEL, TRENDS, WEEKDAYS, Dashboard
from core.metrics.dimensions import DIMENSIONS
from core.metrics.figures import Values
from core.metrics.grains import GRAINS, Grain, Slice
from core.metrics.kinds import Metric, Ratio
from core.metrics.units import COUNT, MONEY, RATE
from core.platform.clock import Period
from core.platform.notation import notation
from core.ui.cache import made_beside
from core.ui.panels.dashboard.course import is_small, sample_of, values_of_course
from core.ui.parts import charts
from core.ui.parts.columns import (
    Amounts,
    Column,
    Day,
    Number,
    Percent,
    Text,
)
from core.ui.parts.drill import (
    chosen_point,
    slot_in,
)
from core.ui.parts.format import days
from core.ui.parts.tables import table

AUTOMATIC = "Automatic"
BY = {AUTOMATIC: None} | {DIMENSIONS[grain].label: grain for grain in GRAINS}
AXES = {"day": "Day", "week": "Week beginning", "month": "Month"}
BEFORE = "Period before"
FIGURE_WIDTH = 240


def grain_picker() -> Grain | None:
    """How finely charts cut the period, from ``?grain=``; None for what suits it."""
    chosen = st.selectbox("Chart by", list(BY), key="grain", bind="query-params")
    return BY[chosen or AUTOMATIC]


def show_trend(
    figures: Dashboard,
    currency: str,
    keys: Sequence[str] = TRENDS,
    *,
    download: bool = True,
) -> tuple[str, Period] | None:
    """One figure slice by slice, with the compared period under it. Figure and days of the point
    that was clicked, if one was; a point of the compared period is of its own days, and one of
    part of a day has no list, since lists know whole days only.
    """
    st.subheader(f"{DIMENSIONS[figures.grain].label} by {figures.grain}")
    key = st.selectbox(
        "Figure",
        keys,
        format_func=lambda name: METRICS[name].name,
        key="trend",
        bind="query-params",
        label_visibility="collapsed",
        width=FIGURE_WIDTH,
    )
    key = key or keys[0]
    chart = made_beside(
        figures, ("trend", key, currency), lambda: charts.trend(_course_of(figures, key, currency))
    )
    shown = st.plotly_chart(
        chart,
        config=charts.CONFIG,
        key="trend chart",
        on_select="rerun",
        selection_mode="points",
        alt=f"{METRICS[key].name} by {figures.grain}",
    )
    if METRICS[key].unit is MONEY and set(figures.now.money(key)) - {currency}:
        st.caption(f"Only {currency}: currencies are never added together.")
    show_table("trend", lambda: _trend_table(figures, key), download=download)
    point = chosen_point(shown)
    if point is None:
        return None
    compared = point.series == charts.COMPARED and figures.before_of(key) is not None
    found = figures.earlier_slices[point.place] if compared else figures.slices[point.place].period
    return None if found is None or found.until else (key, found)


def _course_of(figures: Dashboard, key: str, currency: str) -> charts.Course:
    metric, rows = METRICS[key], [row.values for row in figures.course.rows]
    before = figures.before_of(key)
    unit = f"{metric.name} ({currency})" if metric.unit is MONEY else metric.name
    return charts.Course(
        days=[part.key for part in figures.slices],
        values=values_of_course(figures, key, currency),
        sentences=[
            f"{metric.name}, {_called(figures, part)}: {_worth(metric, row, currency)}"
            for part, row in zip(figures.slices, rows, strict=True)
        ],
        label=[_label(figures.grain, part) for part in figures.slices],
        title=AXES[figures.grain],
        unit=unit,
        colour=charts.COLOURS[key],
        finished=sum(part.period.end <= figures.today for part in figures.slices),
        small=[is_small(metric, row) for row in rows],
        is_rate=metric.unit is RATE,
        before=None
        if before is None
        else [row.number(key, currency) if row else None for row in before],
        before_sentences=[
            f"{BEFORE}, {_days_of(part)}: {_worth(metric, row, currency)}" if part and row else ""
            for part, row in zip(figures.earlier_slices, before or (), strict=before is not None)
        ],
    )


def _label(grain: Grain, part: Slice) -> str:
    return f"{part.key:%b %Y}" if grain == "month" else notation().day(part.key, year=False)


def _called(figures: Dashboard, part: Slice) -> str:
    """The days of a slice, and what is missing of it."""
    called = days(part.period.start, part.period.end)
    if part.period.start <= figures.today < part.period.end:
        return f"{called}, so far"
    return called if part.is_whole else f"{called}, part of the {figures.grain}"


def _days_of(part: Period) -> str:
    """The days of a period, and up to what time of the last one."""
    found = days(part.start, part.end)
    if part.until is None:
        return found
    return f"{found}, up to {notation().clock(part.until.astimezone(ZoneInfo(part.timezone)))}"


def _worth(metric: Metric, row: Values, currency: str) -> str:
    """A value as a sentence about it says it: exact, and a rate with what it is based on."""
    value = row[metric.key]
    if isinstance(metric, Ratio):
        counts = (row.count(metric.part), sample_of(metric, row))
        part, all_of_them = map(notation().number, counts)
        return f"{part} of {all_of_them}, {metric.unit.text(value, currency)}"
    return metric.unit.exact(value) or metric.unit.text(value, currency)


Sheet = tuple[pd.DataFrame, Sequence[Column]]


def show_table(key: str, made: Callable[[], Sheet], *, download: bool = True) -> None:
    """The exact figures of a chart, computed when somebody opens them. Files are handed out to
    whoever is signed in, so a public page has no ``download``.
    """
    with st.expander("Show as a table", key=f"{key} figures", on_change="rerun") as below:
        if below.open:
            frame, columns = made()
            table(frame, key, columns=columns, download=download)


def _trend_table(figures: Dashboard, key: str) -> Sheet:
    """A line for each slice; money of every currency."""
    metric = METRICS[key]
    rows, before = [row.values for row in figures.course.rows], figures.before_of(key)
    come = [value is not None for value in values_of_course(figures, key, "")]
    values: dict[str, Any] = {
        "first": [part.period.start for part in figures.slices],
        "last": [max(part.days) for part in figures.slices],
        "value": [row[key] if has else None for row, has in zip(rows, come, strict=True)],
    }
    columns: list[Column] = [Day("first", "From"), Day("last", "To"), _valued(metric, "value")]
    if isinstance(metric, Ratio):
        columns.append(Number("whole", "Based on"))
        values["whole"] = [sample_of(metric, row) for row in rows]
    if before is not None:
        columns.append(_valued(metric, "before", BEFORE))
        values["before"] = [row and row[key] for row in before]
    return pd.DataFrame(values, dtype=object), columns


def _valued(metric: Metric, name: str, label: str = "") -> Column:
    """The column for values of a figure."""
    kinds: dict[Any, type[Column]] = {COUNT: Number, RATE: Percent, MONEY: Amounts}
    return kinds[metric.unit](name, label or metric.name)


def show_funnel(figures: Dashboard, *, paid: bool = True, download: bool = True) -> str | None:
    """From booked to closed, and to paid where that is to be known, with the rate of each step. The
    clicked step's figure.
    """
    st.subheader("From booking to close")
    steps = [(name, key, figures.now.count(key)) for name, key in FUNNEL] + [
        (PAID.name, PAID.key, figures.paid)
    ] * paid
    point = chosen_point(
        st.plotly_chart(
            made_beside(figures, ("funnel", paid), lambda: charts.funnel(steps)),
            config=charts.CONFIG,
            key="funnel",
            on_select="rerun",
            selection_mode="points",
            alt="How many bookings came how far",
        )
    )
    show_table("steps", lambda: _funnel_table(steps), download=download)
    return steps[point.place][1] if point else None


def _funnel_table(steps: Sequence[tuple[str, str, int]]) -> Sheet:
    counts = [count for *_, count in steps]
    shares = [None, *(now / then if then else None for then, now in pairwise(counts))]
    frame = {"step": [name for name, *_ in steps], "count": counts, "share": shares}
    columns = (
        Text("step", "Step"),
        Number("count", "Bookings"),
        Percent("share", "Of the step before"),
    )
    return pd.DataFrame(frame, dtype=object), columns


def show_heat(figures: Dashboard, *, download: bool = True) -> dict[str, str] | None:
    """When bookings take place. What narrows to the chosen weekday and hour, if one was."""
    st.subheader("When meetings happen")
    busy = [hour for hour in range(24) if any(row[hour] for row in figures.heat)]
    hours = range(min(busy, default=8), max(busy, default=18) + 1)
    point = chosen_point(
        st.plotly_chart(
            made_beside(figures, "heat", lambda: _heat(figures, hours)),
            config=charts.CONFIG,
            key="heat",
            on_select="rerun",
            selection_mode="points",
            alt="Bookings by weekday and hour",
        )
    )
    show_table("hours", lambda: _heat_table(figures), download=download)
    return slot_in(point.series + 1, hours[point.place]) if point else None


def _heat(figures: Dashboard, hours: range) -> Any:
    values = [[row[hour] for hour in hours] for row in figures.heat]
    return charts.heatmap(values, WEEKDAYS, [f"{hour:02d}" for hour in hours])


def _heat_table(figures: Dashboard) -> Sheet:
    """A line for each hour of the week that has bookings."""
    lines = [
        (weekday, f"{hour:02d}:00", count)
        for weekday, row in zip(WEEKDAYS, figures.heat, strict=True)
        for hour, count in enumerate(row)
        if count
    ]
    columns = (Text("weekday", "Weekday"), Text("hour", "From"), Number("count", "Bookings"))
    return pd.DataFrame(lines, columns=["weekday", "hour", "count"], dtype=object), columns
