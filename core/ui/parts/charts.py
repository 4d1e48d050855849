"""Charts in one manner: quiet ground, direct labels, zero baselines, a comparison as a thin grey
line.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from core.platform.notation import notation
from core.ui.parts.finished import finished

ACCENT, GREY, GOOD = "#2F5BD8", "#868FA0", "#0F8A7A"
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
FEW, MOST_TICKS, MS_A_DAY, UNSEEN = 3, 8, 86_400_000, 0.01
CONFIG = {"displayModeBar": False, "responsive": True}


@finished
def trend(
    days: Sequence[Any], values: Sequence[Any], name: str, *, before: Sequence[Any] | None = None
) -> go.Figure:
    """A figure day by day; the compared period lies under it, shifted onto the same days."""
    style = notation()
    figure = go.Figure(layout=LAYOUT, layout_separators=style.decimal_sign + style.group_sign)
    # A line of one day has no length; and only a point with a mark can be clicked.
    marks = {
        "mode": "lines+markers",
        "marker": {"size": 6, "opacity": 1 if len(days) <= FEW else UNSEEN},
    }
    if before is not None:
        figure.add_scatter(
            x=days, y=before, name="compared", line={"color": GREY, "width": 1}, **marks
        )
    figure.add_scatter(
        x=days, y=values, name=name, line={"color": ACCENT, "width": 2}, connectgaps=False, **marks
    )
    day = "%b %-d" if style.month_first else "%-d %b"
    figure.update_xaxes(tickformat=day, dtick=MS_A_DAY * max(1, round(len(days) / MOST_TICKS)))
    return figure


@finished
def funnel(steps: Sequence[tuple[str, int]]) -> go.Figure:
    """Horizontal bars from first to last step; each label says how many of the step before came
    this far.
    """
    names = [name for name, _ in steps]
    counts = [count for _, count in steps]
    shares = [""] + [f" · {now / before:.0%}" if before else "" for before, now in pairwise(counts)]
    figure = go.Figure(layout=LAYOUT | {"hovermode": "closest"})
    figure.add_bar(
        x=counts,
        y=names,
        orientation="h",
        marker={"color": ACCENT},
        cliponaxis=False,
        textposition="outside",
        text=[
            f"{notation().number(count)}{share}"
            for count, share in zip(counts, shares, strict=True)
        ],
        hoverinfo="none",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(visible=False, range=[0, max([*counts, 1]) * 1.3])
    return figure


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
            hovertemplate=f"{weekday} %{{x}}: %{{customdata}} bookings<extra></extra>",
        )
    figure.update_xaxes(type="category")
    middles = [place + HEIGHT / 2 for place in range(len(weekdays))]
    figure.update_yaxes(
        range=[len(weekdays), 0], tickvals=middles, ticktext=list(weekdays), showgrid=False
    )
    return figure


def _shade(share: float) -> str:
    """The accent, the more of it the darker; nothing still shows that there is a cell."""
    return f"rgba(47,91,216,{LIGHTEST + (1 - LIGHTEST) * share:.3f})"


@finished
def bars(names: Sequence[str], counts: Sequence[int]) -> go.Figure:
    """Few things compared, longest first, each with its number."""
    figure = go.Figure(layout=LAYOUT | {"hovermode": "closest", "height": 60 + 32 * len(names)})
    figure.add_bar(
        x=counts,
        y=[escape(name) for name in names],
        orientation="h",
        marker={"color": ACCENT},
        text=counts,
        textposition="outside",
        hoverinfo="skip",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(visible=False)
    return figure
