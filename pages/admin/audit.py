"""Audit log: who changed what and when, narrowed by what the address says; nobody can change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.migrations.tables import metadata
from core.operations.audit_subjects import subjects
from core.platform.audit_words import OPERATIONS
from core.platform.clock import Period
from core.platform.dataframes import records
from core.platform.paging import Order
from core.tenancy.access.audit import (
    ORDERED,
    AuditFilter,
    actor,
    actors,
    audit_lines,
    count_audit_lines,
    names_in,
    people,
    table_label,
)
from core.tenancy.access.audit_kinds import KINDS
from core.tenancy.access.models import Role
from core.tenancy.access.sessions import organizations_for_user
from core.tenancy.access.viewers import Viewer
from core.ui.page import empty, export_address, require, title
from core.ui.panels.audit import details_of
from core.ui.panels.audit_actions import day_of, link_to_record, show_actions
from core.ui.parts.columns import Moment, Text
from core.ui.parts.filters import period_picker
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import picking_table

FILTERS = {"who": "Person", "table": "About", "operation": "Action", "row": "Reference"}
BY_PEOPLE = "By people only"

viewer = require("audit")


def choose(label: str, options: list[str], key: str) -> str | None:
    """One of ``options`` or none, from the address; anything unknown there is none."""
    if st.query_params.get(key) not in options:
        st.query_params.pop(key, None)
    return st.selectbox(label, options, index=None, key=key, bind="query-params", placeholder="All")


def pick(label: str, options: Sequence[str], key: str) -> str | None:
    """One of a few ``options`` or none, as pills, from the address."""
    if st.query_params.get(key) not in options:
        st.query_params.pop(key, None)
    picked = st.pills(label, options, key=key, bind="query-params", label_visibility="collapsed")
    return str(picked) if picked else None


def offer_to_take_off(chosen: Mapping[str, str | None]) -> None:
    """What is chosen in the menu of filters, by its key, each to be taken off."""
    with st.container(horizontal=True):
        for key, label in FILTERS.items():
            if value := chosen.get(key):
                st.button(
                    f"{label}: {escape_markdown(value)}",
                    key=f"without {key}",
                    icon=":material/close:",
                    icon_position="right",
                    help="Take this one off",
                    on_click=lambda key=key: st.session_state.update({key: None}),
                )


def ask(viewer: Viewer) -> AuditFilter:
    """The filters, from the address bar and back into it."""
    everywhere = viewer.role == Role.SUPER_ADMIN and st.toggle(
        "All organisations", key="everywhere", bind="query-params"
    )
    with viewer.transaction() as db:
        users = people(db, everywhere=everywhere)
    who: dict[str, dict[str, Any]] = {name: {"program": role} for role, name in actors().items()}
    who |= {
        f"{name} · {str(user_id)[:4]}": {"actor_id": user_id} for user_id, name in users.items()
    }
    tables = {
        table_label(table.name): table.name
        for table in metadata.sorted_tables
        if table.info.get("audit")
    }
    operations = {name.capitalize(): key for key, name in OPERATIONS.items()}
    first, second = st.columns([2, 1], vertical_alignment="bottom")
    with first:
        period: Period = period_picker(viewer, default="Last 7 days")
    narrowed = sum(bool(st.query_params.get(key)) for key in FILTERS)
    with second, st.popover(f"Filters ({narrowed})" if narrowed else "Filters", width="stretch"):
        chosen = {
            "who": choose(FILTERS["who"], sorted(who), "who"),
            "table": choose(FILTERS["table"], sorted(tables), "table"),
            "operation": choose(FILTERS["operation"], list(operations), "operation"),
        }
        row = st.text_input(FILTERS["row"], key="row", bind="query-params", placeholder="All")
        row = row.strip().replace("\0", "")
    kind = pick("Kind", KINDS, "kind")
    by = pick("By", (BY_PEOPLE,), "by")
    offer_to_take_off(chosen | {"row": row})
    return AuditFilter(
        period,
        table=tables.get(chosen["table"] or ""),
        operation=operations.get(chosen["operation"] or ""),
        row_id=row or None,
        kind=kind,
        by_people=by is not None,
        everywhere=everywhere,
        **who.get(chosen["who"] or "", {}),
    )


title("Audit log", viewer, viewer.organization_name)
chosen = ask(viewer)
view = st.segmented_control(
    "Show", ("Actions", "Every change"), default="Actions", key="view", bind="query-params"
)
if view != "Every change":
    show_actions(viewer, chosen)
    st.stop()
with viewer.transaction() as db:
    count = count_audit_lines(db, chosen)
if not count:
    empty(
        "Nothing was changed here",
        "No line of the log fits this period and these filters. Choose a longer period, or clear a"
        " filter.",
    )
    st.stop()

homes = (
    {home.id: home.name for home in organizations_for_user(viewer.user_id)}
    if chosen.everywhere
    else {}
)
shown: dict[str, Any] = {}  # the lines of the page, by id


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The lines of one page, and how many there are."""
    with viewer.transaction() as db:
        lines = audit_lines(db, chosen, order=order, limit=limit, offset=offset)
        names = names_in(db, lines)
        named = subjects(db, lines, lambda at: day_of(at, viewer.timezone))
    frame = pd.DataFrame(
        {
            "id": [line.id for line in lines],
            "at": [line.at for line in lines],
            "organisation": [homes.get(line.organization_id, "Platform") for line in lines],
            "who": [actor(line, names) for line in lines],
            "what": [
                f"{table_label(line.table_name)} · {OPERATIONS.get(line.operation, line.operation)}"
                for line in lines
            ],
            "details": [details_of(line, names, viewer.timezone) for line in lines],
            "record": [named.get((line.table_name, line.row_id)) for line in lines],
            "row": [line.row_id for line in lines],
            "table": [line.table_name for line in lines],
        }
    )
    frame["changes"] = frame["details"].map("; ".join)
    shown.update({str(line["id"]): line for line in records(frame)})
    return frame, count


days = (
    {"start": chosen.period.start.isoformat(), "end": chosen.period.end.isoformat()}
    if chosen.period
    else {}
)
columns = [
    Moment("at", "When", viewer.timezone),
    *([Text("organisation", "Organisation")] if chosen.everywhere else []),
    Text("who", "Who"),
    Text("what", "What"),
    Text("changes", "Changes"),
    Text("record", "Record"),
    Text("row", "Reference"),
]
st.caption(f"{plural(count, 'line', 'lines')}, newest first. Choose one to read all of it.")
details = st.container()
picked = picking_table(
    QueriedRows(ORDERED, page_of),
    "audit-lines",
    columns=columns,
    card=("what", "record", "who", "at"),
)
st.link_button(
    "Download",
    export_address(viewer, "audit_logs", {"format": "csv"} | days | {"headings": "people"}),
    icon=":material/download:",
    help="Every line of the period of this organisation, as CSV.",
)
if picked is not None:
    line = shown[picked]
    with details:
        st.subheader("What changed")
        moment = when(line["at"], viewer.timezone)
        facts = (moment, line["who"], line["what"], line["record"] or line["row"])
        st.text(" · ".join(facts))
        link_to_record(viewer, line["table"], line["row"])
        for change in line["details"]:
            st.text(change)
