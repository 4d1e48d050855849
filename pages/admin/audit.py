"""Audit log: who changed what and when, narrowed by what the address says; nobody can change it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.migrations.tables import metadata
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
from core.tenancy.access.models import Role
from core.tenancy.access.sessions import organizations_for_user
from core.tenancy.access.viewers import Viewer
from core.ui.page import empty, export_address, require, title
from core.ui.panels.audit import details_of
from core.ui.panels.audit_actions import show_actions
from core.ui.parts.columns import Moment, Text
from core.ui.parts.filters import period_picker
from core.ui.parts.format import plural, when
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import picking_table

viewer = require("audit")


def choose(label: str, options: list[str], key: str) -> str | None:
    """One of ``options`` or none, from the address; anything unknown there is none."""
    if st.query_params.get(key) not in options:
        st.query_params.pop(key, None)
    return st.selectbox(label, options, index=None, key=key, bind="query-params", placeholder="All")


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
    first, second, third, fourth = st.columns(4)
    with first:
        period: Period = period_picker(viewer, default="Last 7 days")
    with second:
        chosen = choose("Person", sorted(who), "who")
    with third:
        table = choose("About", sorted(tables), "table")
    with fourth:
        operation = choose("Action", list(operations), "operation")
    row = st.text_input("Reference", key="row", bind="query-params", placeholder="All").strip()
    return AuditFilter(
        period,
        table=tables.get(table or ""),
        operation=operations.get(operation or ""),
        row_id=row.replace("\0", "") or None,
        everywhere=everywhere,
        **who.get(chosen or "", {}),
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
            "row": [line.row_id for line in lines],
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
    Text("row", "Row"),
]
st.caption(f"{plural(count, 'line', 'lines')}, newest first. Choose one to read all of it.")
details = st.container()
picked = picking_table(
    QueriedRows(ORDERED, page_of), "audit-lines", columns=columns, card=("what", "who", "at")
)
st.link_button(
    "Download",
    export_address(viewer, "audit_logs", {"format": "csv"} | days),
    icon=":material/download:",
    help="Every line of the period of this organisation, as CSV.",
)
if picked is not None:
    line = shown[picked]
    with details:
        st.subheader("What changed")
        moment = when(line["at"], viewer.timezone)
        st.text(f"{moment} · {line['who']} · {line['what']} · {line['row']}")
        for change in line["details"]:
            st.text(change)
