"""The dashboard's people: closers and setters, and whose forms are overdue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.metrics.catalog import METRICS
from core.metrics.dashboard import Dashboard
from core.metrics.figures import Figures, Row
from core.platform.labels import none_of
from core.tenancy.access.viewers import Viewer
from core.ui.cache import made_beside
from core.ui.page import go
from core.ui.panels.dashboard.charts import show_table
from core.ui.parts import charts
from core.ui.parts.columns import (
    Money,
    Number,
    Percent,
    Text,
    linked,
)
from core.ui.parts.drill import (
    address,
    narrowed_here,
    period_here,
    rows_behind,
)
from core.ui.parts.filters import Choices, named
from core.ui.parts.query_params import ORGANIZATION
from core.ui.parts.tables import LinkedRows, linked_rows, linked_table


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
            _show_group(figures, people, viewer, key, choices)
    go("leaderboards", "Open the leaderboards")


def _show_group(
    figures: Dashboard, people: Figures, viewer: Viewer, key: str, choices: Choices
) -> None:
    here = (narrowed_here(), period_here(), st.query_params.get_all(ORGANIZATION))
    names = {row.keys[key].id: named(choices, key, row.keys[key].id) for row in people.rows}
    shown = (key, viewer.currency, repr((here, names)))
    rows = made_beside(figures, shown, lambda: _group(people, viewer, key, names))
    linked_table(rows, f"{key}s", card=("name", "cash", "booked_calls"))


def _group(people: Figures, viewer: Viewer, key: str, names: Mapping[Any, str]) -> LinkedRows:
    def cash(row: Row) -> Any:
        return row.values.number("cash_collected", viewer.currency)

    ordered = sorted(people.rows, key=lambda row: -(cash(row) or 0))
    ids = [row.keys[key].id for row in ordered]
    here = narrowed_here()
    narrowed = [here | {key: names[id_]} for id_ in ids]
    figures_of = ("booked_calls", "show_rate", "closes")
    rows = pd.DataFrame(
        {each: [row.values[each] for row in ordered] for each in figures_of}
        | {
            "name": [names[id_] for id_ in ids],
            "cash": [cash(row) for row in ordered],
            "currency": viewer.currency,
            "bookings": [rows_behind("booked_calls", each) for each in narrowed],
            "payments": [rows_behind("cash_collected", each) for each in narrowed],
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
    return linked_rows(rows, columns, [_page_of(each) for each in ids])


def _page_of(id_: object) -> str | None:
    """The address of somebody's page for the days of this one; None for nobody."""
    return address("person", {"id": str(id_), **period_here()}) if id_ else None


def show_overdue(overdue: Figures) -> None:
    """How many forms are overdue, by closer, the most first."""
    counts = sorted(
        (
            (-count, str(row.keys["closer"].name or none_of("closer")))
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
