"""The dashboard's panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core.metrics.catalog import METRICS, PAID
from core.metrics.changes import Change
from core.metrics.dashboard import CARDS, FUNNEL, TRENDS, WEEKDAYS, Dashboard
from core.metrics.dimensions import DIMENSIONS
from core.metrics.drill import counted
from core.metrics.figures import Figures, Row, Values
from core.metrics.filters import Filters
from core.metrics.grains import GRAINS, Grain, Slice
from core.metrics.kinds import SMALL_SAMPLE, Metric, Ratio
from core.metrics.people import beside_team
from core.metrics.units import COUNT, MONEY, RATE
from core.platform.clock import Period
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer
from core.ui.cache import drawn_of
from core.ui.page import go
from core.ui.parts import charts
from core.ui.parts.columns import (
    Amounts,
    Column,
    Day,
    Money,
    Number,
    Percent,
    Text,
    linked,
)
from core.ui.parts.drill import (
    address,
    chosen_point,
    link_to_rows,
    narrowed_here,
    period_here,
    rows_behind,
    slot_in,
)
from core.ui.parts.filters import Choices, named
from core.ui.parts.format import days, enumerated, explained, plural
from core.ui.parts.tables import linked_table, table

DIRECTION: dict[str, Any] = {"up": "normal", "down": "inverse", "none": "off"}
AUTOMATIC = "Automatic"
BY = {AUTOMATIC: None} | {DIMENSIONS[grain].label: grain for grain in GRAINS}
AXES = {"day": "Day", "week": "Week beginning", "month": "Month"}
BEFORE = "Period before"
FIGURE_WIDTH = 240


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
        delta_description=f"of {_sample(metric, figures.now):,}"
        if isinstance(metric, Ratio)
        else None,
        help=f"{explained(key, value)}{whole}",
        border=True,
        height="stretch",
        chart_data=course(figures, key, currency),
        chart_type="area",
    )


def course(figures: Dashboard, key: str, currency: str) -> list[float] | None:
    """A figure slice by slice, without the slices that have none, as a rate of nothing, and those
    to come; None when one slice is all.
    """
    if len(figures.slices) < 2:
        return None
    values = zip(_values(figures, key, currency), figures.slices, strict=True)
    begun = [value for value, part in values if part.period.start <= figures.today]
    return [value for value in begun if value is not None] or None


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
    chart = drawn_of(
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


def _values(figures: Dashboard, key: str, currency: str) -> list[float | None]:
    """A figure slice by slice, without slices to come, of which only bookings can be known."""
    return [
        row.values.number(key, currency)
        if key == "booked_calls" or part.period.start <= figures.today
        else None
        for row, part in zip(figures.course.rows, figures.slices, strict=True)
    ]


def _course_of(figures: Dashboard, key: str, currency: str) -> charts.Course:
    metric, rows = METRICS[key], [row.values for row in figures.course.rows]
    before = figures.before_of(key)
    unit = f"{metric.name} ({currency})" if metric.unit is MONEY else metric.name
    return charts.Course(
        days=[part.key for part in figures.slices],
        values=_values(figures, key, currency),
        sentences=[
            f"{metric.name}, {_called(figures, part)}: {_worth(metric, row, currency)}"
            for part, row in zip(figures.slices, rows, strict=True)
        ],
        label=[_label(figures.grain, part) for part in figures.slices],
        title=AXES[figures.grain],
        unit=unit,
        colour=charts.COLOURS[key],
        finished=sum(part.period.end <= figures.today for part in figures.slices),
        small=[_is_small(metric, row) for row in rows],
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
        counts = (row.count(metric.part), _sample(metric, row))
        part, all_of_them = map(notation().number, counts)
        return f"{part} of {all_of_them}, {metric.unit.text(value, currency)}"
    return metric.unit.exact(value) or metric.unit.text(value, currency)


def _is_small(metric: Metric, row: Values) -> bool:
    return isinstance(metric, Ratio) and _sample(metric, row) < SMALL_SAMPLE


def _sample(metric: Ratio, row: Values) -> int:
    """How many bookings a rate is based on."""
    return sum(map(row.count, metric.whole))


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
    come = [value is not None for value in _values(figures, key, "")]
    values: dict[str, Any] = {
        "first": [part.period.start for part in figures.slices],
        "last": [max(part.days) for part in figures.slices],
        "value": [row[key] if has else None for row, has in zip(rows, come, strict=True)],
    }
    columns: list[Column] = [Day("first", "From"), Day("last", "To"), _valued(metric, "value")]
    if isinstance(metric, Ratio):
        columns.append(Number("whole", "Based on"))
        values["whole"] = [_sample(metric, row) for row in rows]
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
            drawn_of(figures, ("funnel", paid), lambda: charts.funnel(steps)),
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


def show_people(figures: Dashboard, viewer: Viewer, choices: Choices) -> None:
    """Closers and setters side by side. A person's page opens; the number of bookings leads to
    these, and the cash to its payments, also those of nobody.
    """
    for column, heading, key, people in zip(
        st.columns(2),
        ("Closers", "Setters"),
        ("closer", "setter"),
        (figures.closers, figures.setters),
        strict=True,
    ):
        with column:
            st.subheader(heading)
            _show_group(people, viewer, key, choices)
    go("leaderboards", "Open the leaderboards")


def _show_group(people: Figures, viewer: Viewer, key: str, choices: Choices) -> None:
    def cash(row: Row) -> Any:
        return row.values.number("cash_collected", viewer.currency)

    ordered = sorted(people.rows, key=lambda row: -(cash(row) or 0))
    ids = [row.keys[key].id for row in ordered]
    names = [named(choices, key, each) for each in ids]
    here = narrowed_here()
    narrowed = [here | {key: name} for name in names]
    figures_of = ("booked_calls", "show_rate", "closes")
    rows = pd.DataFrame(
        {each: [row.values[each] for row in ordered] for each in figures_of}
        | {
            "name": names,
            "cash": [cash(row) for row in ordered],
            "currency": viewer.currency,
            "bookings": [rows_behind("booked_calls", each) for each in narrowed],
            "payments": [rows_behind("cash_collected", each) for each in narrowed],
            "page": [_page_of(each) for each in ids],
        },
        dtype=object,
    )
    columns = (
        Text("name", key.capitalize()),
        linked(Number("booked_calls", "Booked"), "bookings"),
        Percent("show_rate", METRICS["show_rate"].name),
        Number("closes", METRICS["closes"].name),
        linked(Money("cash", f"Cash ({viewer.currency})"), "payments"),
    )
    card = ("name", "cash", "booked_calls")
    linked_table(rows, f"{key}s", columns=columns, card=card, targets=list(rows["page"]))


def _page_of(id_: object) -> str | None:
    """The address of somebody's page for the days of this one; None for nobody."""
    return address("person", {"id": str(id_), **period_here()}) if id_ else None


def show_overdue(overdue: Figures) -> None:
    """How many forms are overdue, by closer, the most first."""
    counts = sorted(
        (
            (-count, str(row.keys["closer"].name or "No closer"))
            for row in overdue.rows
            if (count := row.values.count("overdue_pcfs"))
        ),
    )
    names, numbers = [name for _, name in counts], [-count for count, _ in counts]
    st.plotly_chart(
        charts.bars(names, numbers, charts.COLOURS["overdue_pcfs"]),
        config=charts.CONFIG,
        key="overdue",
        alt="Overdue forms by closer",
    )
    columns = (Text("closer", "Closer"), Number("count", METRICS["overdue_pcfs"].name))
    frame = pd.DataFrame({"closer": names, "count": numbers}, dtype=object)
    show_table("overdue", lambda: (frame, columns))


def names_everybody(figures: Dashboard, choices: Choices) -> bool:
    """Whether the lists have everybody of these figures: somebody may have come since."""
    return all(
        {row.keys[key].id for row in people.rows} <= set(choices[key].values())
        for key, people in (("closer", figures.closers), ("setter", figures.setters))
    )


def show_heat(figures: Dashboard, *, download: bool = True) -> dict[str, str] | None:
    """When bookings take place. What narrows to the chosen weekday and hour, if one was."""
    st.subheader("When meetings happen")
    busy = [hour for hour in range(24) if any(row[hour] for row in figures.heat)]
    hours = range(min(busy, default=8), max(busy, default=18) + 1)
    point = chosen_point(
        st.plotly_chart(
            drawn_of(figures, "heat", lambda: _heat(figures, hours)),
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
