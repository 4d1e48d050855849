"""Charts in one manner: quiet ground, named axes, direct labels, zero baselines, a comparison as a
thin grey line, and each figure in its own colour wherever it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from math import ceil
from typing import Any

import plotly.graph_objects as go

from core.platform.notation import notation
from core.ui.parts.finished import finished

ACCENT, GREY, GOOD = "#2F5BD8", "#868FA0", "#0F8A7A"
CLOSED, OFFERED, MISSED, MONEY_MADE = "#8A52D0", "#C2610C", "#B83A4B", "#8F6B00"
COLOURS = {
    "booked_calls": ACCENT,
    "shows": GOOD,
    "show_rate": GOOD,
    "no_shows": MISSED,
    "offers": OFFERED,
    "offer_rate": OFFERED,
    "closes": CLOSED,
    "close_rate": CLOSED,
    "cash_collected": MONEY_MADE,
    "net_revenue": MONEY_MADE,
    "paid_closes": MONEY_MADE,
    "overdue_pcfs": MISSED,
}
LAYOUT: dict[str, Any] = {
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "height": 260,
    "hovermode": "x unified",
    "showlegend": False,
    "font": {"family": "Inter, sans-serif", "size": 13},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "xaxis": {"showgrid": False, "fixedrange": True},
    "bargap": 0.35,
    "yaxis": {
        "gridcolor": "rgba(128,138,155,0.2)",
        "rangemode": "tozero",
        "fixedrange": True,
        "zeroline": False,
    },
}
COMPARED = 0  # the series of the compared period in a trend that has one
LIGHTEST = 0.04
HEIGHT = 0.92  # of a cell of the heat map, whose rows are 1 apart
FEW, MOST_TICKS, UNSEEN = 3, 8, 0.01
EXACT_TICKS = 5  # up to here an axis of counts would have halves
CONFIG = {"displayModeBar": False, "responsive": True}


@dataclass(frozen=True)
class Course:
    """A figure in time: a value for each of the ``days`` on which its slices begin, with the
    sentence that hovering over it shows.

    Attributes:
        label: what a slice is called on the axis, one for each.
        unit: what the values are measured in, with the figure's name; the title of their axis.
        finished: how many of the first slices are over; what comes after is drawn dashed.
        small: whether a value is based on too few to count, one for each; such points are hollow.
        before: the compared values under it, with ``before_sentences``; None without a comparison.
    """

    days: Sequence[date]
    values: Sequence[float | None]
    sentences: Sequence[str]
    label: Sequence[str]
    title: str
    unit: str
    colour: str
    finished: int
    small: Sequence[bool]
    is_rate: bool = False
    before: Sequence[float | None] | None = None
    before_sentences: Sequence[str] = ()


@finished
def trend(course: Course) -> go.Figure:
    """A figure slice by slice; the compared period lies under it, shifted onto the same slices."""
    style = notation()
    figure = go.Figure(layout=LAYOUT, layout_separators=style.decimal_sign + style.group_sign)
    if course.before is not None:
        figure.add_scatter(
            x=course.days,
            y=course.before,
            name="compared",
            line={"color": GREY, "width": 1},
            **_points(course, course.before_sentences),
        )
    figure.add_scatter(
        x=course.days,
        y=course.values,
        name="points",
        **_points(course, course.sentences) | {"mode": "markers"},
        marker_color=course.colour,
        marker_symbol=["circle-open" if few else "circle" for few in course.small],
        marker_opacity=_seen(course),
    )
    # The line of what is not over yet begins at the last point that is.
    for name, dash, (first, last) in (
        ("finished", "solid", (0, course.finished)),
        ("unfinished", "dot", (max(course.finished - 1, 0), len(course.days))),
    ):
        figure.add_scatter(
            x=course.days[first:last],
            y=course.values[first:last],
            name=name,
            mode="lines",
            line={"color": course.colour, "width": 2, "dash": dash},
            hoverinfo="skip",
        )
    every = max(1, ceil(len(course.days) / MOST_TICKS))
    figure.update_xaxes(
        title_text=course.title,
        hoverformat="%-d %b %Y",
        tickvals=course.days[::every],
        ticktext=course.label[::every],
    )
    figure.update_yaxes(title_text=course.unit, **_ticks(course))
    return figure


def _points(course: Course, sentences: Sequence[str]) -> dict[str, Any]:
    """A line of one slice has no length; and only a point with a mark can be clicked."""
    return {
        "mode": "lines+markers",
        "marker": {"size": 6, "opacity": 1 if len(course.days) <= FEW else UNSEEN},
        "customdata": sentences,
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _seen(course: Course) -> list[float]:
    few = len(course.days) <= FEW
    return [1 if few or hollow else UNSEEN for hollow in course.small]


def _ticks(course: Course) -> dict[str, Any]:
    if course.is_rate:
        return {"range": [0, 1.02], "tickformat": ".0%"}
    most = max((value for value in (*course.values, *(course.before or ())) if value), default=0)
    return {"dtick": 1, "range": [0, most + 1]} if most < EXACT_TICKS else {}


@finished
def funnel(steps: Sequence[tuple[str, str, int]]) -> go.Figure:
    """Horizontal bars from first to last step, each with its name, its figure's key and its count;
    the label says how many of the step before came this far.
    """
    counts = [count for *_, count in steps]
    labels = [
        f"{notation().number(count)}{share}"
        for count, share in zip(counts, _shares(counts), strict=True)
    ]
    figure = go.Figure(layout=LAYOUT | {"hovermode": "closest"})
    figure.add_bar(
        x=counts,
        y=[name for name, *_ in steps],
        orientation="h",
        marker={"color": [COLOURS[key] for _, key, _ in steps]},
        cliponaxis=False,
        textposition="outside",
        text=labels,
        customdata=_sentences(steps),
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(visible=False, range=[0, max([*counts, 1]) * 1.3])
    return figure


def _shares(counts: Sequence[int]) -> list[str]:
    return [""] + [f" · {now / before:.0%}" if before else "" for before, now in pairwise(counts)]


def _sentences(steps: Sequence[tuple[str, str, int]]) -> list[str]:
    """What hovering over each step says: ``12 of 17 showed, 71%``."""
    first, _, all_of_them = steps[0]
    number = notation().number
    return [f"{number(all_of_them)} {first.lower()}"] + [
        f"{number(count)} of {number(before)} {name.lower()}"
        + (f", {count / before:.0%}" if before else "")
        for (*_, before), (name, _, count) in pairwise(steps)
    ]


@finished
def heatmap(
    values: Sequence[Sequence[int]], weekdays: Sequence[str], hours: Sequence[str]
) -> go.Figure:
    """Weekday by hour; darker is more. Every weekday is a series of bars, which a reader can choose
    by a click; of a native heat map they cannot.
    """
    layout = {"hovermode": "closest", "height": 230, "barmode": "overlay", "bargap": 0.06}
    figure = go.Figure(layout=LAYOUT | layout)
    most = max(max(row) for row in values) or 1
    for place, (weekday, row) in enumerate(zip(weekdays, values, strict=True)):
        figure.add_bar(
            x=hours,
            y=[HEIGHT] * len(hours),
            base=place,
            name=weekday,
            customdata=row,
            marker={"color": [_shade(count / most) for count in row]},
            hovertemplate=f"{weekday} %{{x}}:00–%{{x}}:59: %{{customdata}} bookings<extra></extra>",
        )
    figure.update_xaxes(type="category", title_text="Hour of the day")
    middles = [place + HEIGHT / 2 for place in range(len(weekdays))]
    figure.update_yaxes(
        range=[len(weekdays), 0], tickvals=middles, ticktext=list(weekdays), showgrid=False
    )
    return figure


def _shade(share: float) -> str:
    """The accent, the more of it the darker; nothing still shows that there is a cell."""
    return f"rgba(47,91,216,{LIGHTEST + (1 - LIGHTEST) * share:.3f})"


@finished
def bars(names: Sequence[str], counts: Sequence[int], colour: str) -> go.Figure:
    """Few things compared, longest first, each with its number."""
    figure = go.Figure(layout=LAYOUT | {"hovermode": "closest", "height": 60 + 32 * len(names)})
    figure.add_bar(
        x=counts,
        y=[escape(name) for name in names],
        orientation="h",
        marker={"color": colour},
        text=counts,
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(visible=False, range=[0, max(counts) * 1.15])
    return figure
