"""One payout: its sums, its payments, what has changed since, and its approval."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

import pandas as pd
import streamlit as st

from core.links.access_links import issue_statements
from core.money.models import SnapshotState
from core.money.payouts import (
    approve,
    changes_since,
    details_table,
    discard,
    get_snapshot,
    mark_paid,
    summaries_table,
)
from core.platform.errors import NotFound
from core.ui.navigation import jump
from core.ui.page import act, no_such, require, title
from core.ui.panels.payouts import SUMS, show_sums
from core.ui.parts.columns import Moment, Money, Number, Text, Word
from core.ui.parts.format import days, escape_markdown, plural, word
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("payout")
snapshot_id = id_from_address()
try:
    with viewer.transaction() as db:
        if snapshot_id is None:
            raise NotFound("There is no such payout.")
        payout = get_snapshot(db, snapshot_id)
        details, summaries = details_table(db, snapshot_id), summaries_table(db, snapshot_id)
        changes = changes_since(db, snapshot_id)
except NotFound:
    no_such("payout", "It may have been discarded.", ("payouts", "All payouts"))

title(
    payout.name,
    viewer,
    f"{days(payout.period_start, payout.period_end)} · {word(payout.state, SnapshotState)}",
)
show_sums(
    {
        currency: {name: Decimal(sums[name]) for name in SUMS}
        for currency, sums in payout.totals.items()
    }
)
if changes.empty:
    st.caption("Nothing has changed since: a payout of these days made now would be the same.")
else:
    different = f"{plural(len(changes), 'payment', 'payments')} would count differently today."
    st.warning(f"{different} A payout stays as it was; what changed goes into the next.")
    with st.expander("What changed"):
        table(
            changes,
            "changes",
            columns=[
                Word("what", "What", {}),
                Money("net_then", "Net then"),
                Money("net_now", "Net now"),
                Text("closer_then", "Closer then"),
                Text("closer_now", "Closer now"),
            ],
            download=False,
        )

dimension = (
    st.segmented_control(
        "By",
        ["closer", "setter", "source", "package"],
        default="closer",
        format_func=str.capitalize,
        key="by",
        bind="query-params",
        label_visibility="collapsed",
    )
    or "closer"
)
rows = summaries[summaries["dimension"] == dimension].copy()
rows["label"] = rows["label"].fillna("None")
table(
    rows,
    f"payout-by-{dimension}",
    card=("label", "net_revenue", "payment_count"),
    columns=[
        Text("label", dimension.capitalize()),
        Number("payment_count", "Payments"),
        *(Money(key, label) for key, label in SUMS.items()),
    ],
)

st.subheader("Payments")
table(
    details,
    "payout-payments",
    opens="payment",
    row_id="payment_id",
    card=("customer_name", "net_revenue", "payment_date"),
    columns=[
        Moment("payment_date", "Date", viewer.timezone),
        Text("customer_name", "Customer"),
        Money("amount", "Amount"),
        Money("refund_amount", "Refunds"),
        Money("net_revenue", "Net"),
        Text("closer_name", "Closer"),
        Text("setter_name", "Setter"),
        Text("source_name", "Source"),
        Text("package_name", "Package"),
        Text("attribution_reason", "Why"),
    ],
)

if viewer.is_admin and payout.state == SnapshotState.DRAFT:
    st.subheader("Approve")
    st.caption(
        "Once approved, neither you nor anybody else can change it, and its payments keep their"
        " closer and setter."
    )
    typed = st.text_input(f"Type the payout's name to approve it: {escape_markdown(payout.name)}")
    first, second = st.columns(2)
    if first.button(
        "Approve payout", type="primary", disabled=typed.strip() != payout.name, width="stretch"
    ):
        with act(viewer, "Approved.") as db:
            approve(db, payout.id, viewer)
        st.rerun()
    if second.button("Discard draft", width="stretch"):
        with act(viewer, "Discarded.") as db:
            discard(db, payout.id, viewer)
        jump("payouts")
elif (
    viewer.is_admin
    and payout.state == SnapshotState.APPROVED
    and st.button("Mark as paid", type="primary")
):
    with act(viewer, "Marked as paid.") as db:
        mark_paid(db, payout.id, viewer)
    st.rerun()

if viewer.is_admin and payout.state != SnapshotState.DRAFT:
    st.subheader("Statements")
    st.caption(
        "A link for each closer and setter shows them their own payments of this payout and nothing"
        " else."
    )
    if st.button("Make statement links"):
        with act(viewer) as db:
            st.session_state[f"statements {payout.id}"] = issue_statements(db, viewer, payout.id)
    if made := st.session_state.pop(f"statements {payout.id}", None):
        st.info(
            "Copy these now: they are shown this once. Under Links you see when they are used, and"
            " can revoke them."
        )
        table(
            pd.DataFrame([asdict(link) for link in made]).assign(
                part=[link.part.capitalize() for link in made]
            ),
            "statements",
            columns=[Text("person", "Person"), Text("part", "As"), Text("address", "Link")],
        )
