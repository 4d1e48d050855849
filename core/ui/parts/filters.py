"""Period, comparison and filters: in the address bar, so that a view survives refresh and can
be sent to a colleague.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from core.metrics.comparison import With
from core.metrics.custom import custom_dimensions, dimensions_to_narrow
from core.metrics.dimensions import Dimension
from core.metrics.facts import Fact
from core.metrics.filters import Filters, Wanted, values_of
from core.platform.clock import Period, today
from core.platform.labels import none_of
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer
from core.ui.parts.format import escape_markdown, on

PRESETS = (
    "Today",
    "Yesterday",
    "Last 7 days",
    "Last 30 days",
    "This week",
    "This month",
    "Last month",
    "This quarter",
    "This year",
    "Last 365 days",
    "Next 7 days",
    "Custom",
)
IN_MONTHS = ("This month", "Last month", "This quarter", "This year")
PREVIOUS = "Previous period"
COMPARISONS: dict[str, With | None] = {PREVIOUS: "previous", "Last year": "year", "None": None}
NOBODY = UUID(int=0)  # the id of no entry
FIRST_DAY = date(2000, 1, 1)


class Choices(dict[str, dict[str, Wanted]]):
    """What a view can be narrowed to: by dimension, then by name."""

    def __init__(self, dimensions: Mapping[str, Dimension], *values: Mapping[str, Any]) -> None:
        super().__init__(*values)
        self.dimensions = dimensions


def preset_period(name: str, day: date, timezone: str) -> Period:
    """The days of a preset, counted from ``day``; half-open."""
    tomorrow, monday, first = (
        day + timedelta(days=1),
        day - timedelta(days=day.weekday()),
        day.replace(day=1),
    )
    quarter = date(day.year, day.month - (day.month - 1) % 3, 1)
    start, end = {
        "Today": (day, tomorrow),
        "Yesterday": (day - timedelta(days=1), day),
        "Last 7 days": (day - timedelta(days=6), tomorrow),
        "Last 30 days": (day - timedelta(days=29), tomorrow),
        "This week": (monday, monday + timedelta(days=7)),
        "This month": (first, _next_month(first)),
        "Last month": ((first - timedelta(days=1)).replace(day=1), first),
        "This quarter": (quarter, _next_month(_next_month(_next_month(quarter)))),
        "This year": (date(day.year, 1, 1), date(day.year + 1, 1, 1)),
        "Last 365 days": (day - timedelta(days=364), tomorrow),
        "Next 7 days": (tomorrow, tomorrow + timedelta(days=7)),
    }[name]
    return Period(start, end, timezone, in_months=name in IN_MONTHS)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def period_picker(viewer: Viewer, *, default: str = "Last 30 days") -> Period:
    """The chosen period, from ``?period=`` (and ``?from=&to=`` for Custom). For anything unknown
    there the default is shown, and a sentence says so.
    """
    if (asked := st.query_params.get("period", default)) not in PRESETS:
        st.query_params.pop("period", None)
        st.warning(f"There is no period “{escape_markdown(asked[:40])}”. {default} is shown.")
    name = (
        st.selectbox(
            "Period", PRESETS, index=PRESETS.index(default), key="period", bind="query-params"
        )
        or default
    )
    day = today(viewer.timezone)
    if name != "Custom":
        return preset_period(name, day, viewer.timezone)
    asked_days = _asked_days(day + timedelta(days=730)) or (day - timedelta(days=29), day)
    chosen = st.date_input(
        "Days",
        asked_days,
        min_value=FIRST_DAY,
        max_value=day + timedelta(days=730),
        format=notation().typed_day,
    )
    start, end = chosen if isinstance(chosen, tuple) and len(chosen) == 2 else asked_days
    st.query_params.update({"from": start.isoformat(), "to": end.isoformat()})
    after = end + timedelta(days=1)
    # The days of a custom period do not go on with the calendar: a whole month is meant as one.
    return Period(start, after, viewer.timezone, in_months=start.day == after.day == 1)


def _asked_days(latest: date) -> tuple[date, date] | None:
    """The days from ``?from=`` to ``?to=``; None where there are none, or none that can be shown,
    and then a sentence says why.
    """
    asked = [st.query_params.get(name, "") for name in ("from", "to")]
    if not any(asked):
        return None
    try:
        first, last = map(date.fromisoformat, asked)
    except ValueError:
        shown = " to ".join(escape_markdown(each[:20] or "nothing") for each in asked)
        st.warning(
            f"{shown}: these are not two days, such as 2026-11-04. The last 30 days are shown."
        )
        return None
    if not FIRST_DAY <= min(first, last) <= max(first, last) <= latest:
        st.warning(
            f"Days can be chosen from {on(FIRST_DAY)} to {on(latest)}. The last 30 days are shown."
        )
        return None
    if first > last:
        st.warning(
            f"The first day, {on(first)}, is after the last, {on(last)}. The days between them are"
            " shown."
        )
    return min(first, last), max(first, last)


def address_of(period: Period) -> dict[str, str]:
    """The parameters with which another page shows exactly these days."""
    return {
        "period": "Custom",
        "from": period.start.isoformat(),
        "to": (period.end - timedelta(days=1)).isoformat(),
    }


def comparison_picker() -> With | None:
    """With what the period is compared, from ``?compare=``; None for nothing."""
    name = st.selectbox("Compare with", list(COMPARISONS), key="compare", bind="query-params")
    return COMPARISONS[name or PREVIOUS]


def choices_of(db: Session, keys: Collection[str]) -> Choices:
    """What a view can be narrowed to by each of these dimensions: its values by name, and none of
    them.
    """
    found = {key: each for key, each in dimensions_to_narrow(db).items() if key in keys}
    values = values_of(db, found)
    return Choices(found, {key: {none_of(found[key].label): None, **values[key]} for key in found})


def choices_for(db: Session, *facts: Fact) -> Choices:
    """The same by the dimensions that the facts have, and by those that the address narrows to: a
    fact without one has no rows then, and its list says why.
    """
    own = custom_dimensions(db).items()
    had = {key for key, each in own if any(fact.how(each) for fact in facts)}
    return choices_of(db, {*st.query_params, *had, *(key for fact in facts for key in fact.by)})


def named(choices: Mapping[str, Mapping[str, Wanted]], key: str, id_: object) -> str:
    """How the address bar names a value of a dimension, or none of them."""
    return next(name for name, each in choices[key].items() if each == id_)


def filter_bar(choices: Choices, below: DeltaGenerator) -> Filters:
    """Closer, setter, source, … by name in the address (``?closer=Ana``); what is chosen stands
    ``below``, each to be taken off. A name that nobody bears has no rows, and the page says so: the
    address was of somebody who is called otherwise by now.
    """
    chosen: dict[str, tuple[Wanted, ...]] = {}
    asked = {key: [name for name in st.query_params.get_all(key) if name] for key in choices}
    active = sum(bool(names) for names in asked.values())
    with st.popover(f"Filters ({active})" if active else "Filters", width="stretch"):
        for key, ids in choices.items():
            if set(asked[key]) <= set(ids) and len(ids) > 1:
                label = choices.dimensions[key].label
                picked = st.multiselect(label, list(ids), key=key, bind="query-params")
                chosen[key] = tuple(ids[name] for name in picked if name in ids)
                asked[key] = [name for name in picked if name in ids]
    for key, ids in choices.items():
        if unknown := [name for name in asked[key] if name not in ids]:
            nobody: Wanted = "" if choices.dimensions[key].words else NOBODY
            chosen[key] = (nobody, *(ids[name] for name in asked[key] if name in ids))
            with below:
                _offer_to_forget(choices.dimensions[key], unknown)
            asked[key] = []
    with below, st.container(horizontal=True):
        for key, names in asked.items():
            for name in names:
                _offer_to_take_off(choices.dimensions[key], name, names)
    return Filters(chosen, {key: each for key, each in choices.dimensions.items() if each.field})


def _offer_to_take_off(each: Dimension, name: str, names: Sequence[str]) -> None:
    others = [other for other in names if other != name]
    st.button(
        f"{escape_markdown(each.label)}: {escape_markdown(name)}",
        key=f"without {each.key} {name}",
        icon=":material/close:",
        icon_position="right",
        help=f"Show every {escape_markdown(each.label.lower())} again"
        if not others
        else "Take this one off",
        on_click=lambda: st.session_state.update({each.key: others}),
    )


def _offer_to_forget(each: Dimension, unknown: Sequence[str]) -> None:
    key, label = each.key, escape_markdown(each.label.lower())
    names = " or ".join(f"“{escape_markdown(name)}”" for name in unknown)
    st.warning(f"There is no {label} {names} here, so nothing of theirs is shown.")
    if st.button(f"Show every {label}", key=f"every {key}"):
        del st.query_params[key]
        st.rerun()
