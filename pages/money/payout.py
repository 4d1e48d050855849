"""One payout: its sums, its lines, what has changed since, and its approval."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from functools import partial

import pandas as pd
import streamlit as st

from core.links.access_links import issue_statements
from core.money.models import SnapshotState
from core.money.pairs import open_entries
from core.money.payout_bridge import before_payouts_start, bridge
from core.money.payout_lines import changes_since, payout_bounds
from core.money.payout_tables import details_table, payments_without_closer, summaries_table
from core.money.payouts import approve, discard, get_snapshot, mark_paid, refusal
from core.platform.errors import NotFound
from core.platform.labels import none_of
from core.ui.navigation import jump
from core.ui.page import act, no_such, require, title
from core.ui.panels.payments import UNATTRIBUTED, way_to_match
from core.ui.panels.payouts import (
    SUMS,
    all_lines,
    lines_offered,
    lines_shown,
    offer_holding_back,
    offer_rebuild,
    show_bridge,
    show_changes,
    show_fingerprint,
    show_left_out,
    show_lines,
    show_other_zone,
    show_sums,
    warn_first,
    warn_open_entries,
    warn_unfinished,
    warn_without_closer,
)
from core.ui.parts.columns import Money, Number, Rep, Sentence, Text
from core.ui.parts.drill import address, link_to_rows
from core.ui.parts.format import days, escape_markdown, money, word
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("payout")
snapshot_id = id_from_address()
try:
    with viewer.transaction() as db:
        if snapshot_id is None:
            raise NotFound("There is no such payout.")
        payout = get_snapshot(db, snapshot_id)
        summaries = summaries_table(db, snapshot_id)
        lines = lines_shown(db, snapshot_id, "payout", details_table)
        without_closer = payments_without_closer(db, snapshot_id)
        bounds = payout_bounds(db)
        changes, steps = changes_since(db, payout, bounds), bridge(db, payout, bounds)
        left_out = before_payouts_start(db, payout, bounds)
        is_draft = payout.state == SnapshotState.DRAFT
        refused = refusal(payout, bounds) if is_draft else None
        decides = is_draft and viewer.is_admin
        entries = open_entries(db, snapshot_id) if decides else 0
        offered = lines_offered(db, snapshot_id, lines) if decides else ([], [])
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
show_other_zone(payout.timezone, viewer.timezone)
if refused:
    st.warning(escape_markdown(refused))
elif changes.empty and payout.state == SnapshotState.DRAFT:
    st.caption("Up to date with the payments.")
elif changes.empty:
    st.caption("Nothing has changed since this payout was approved.")
else:
    show_changes(changes, payout.state)
is_behind = not changes.empty or payout.timezone != viewer.timezone
if is_behind and not refused and viewer.is_admin and payout.state == SnapshotState.DRAFT:
    offer_rebuild(viewer, payout.id)

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
rows["label"] = rows["label"].fillna(none_of(dimension))
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

show_bridge(steps)
people = [
    Rep("closer_name", "Closer"),
    Rep("setter_name", "Setter"),
    Text("source_name", "Source"),
    Text("package_name", "Package"),
    Sentence("attribution_reason", "Attributed"),
]
if any(part.lines["held_before"].notna().any() for part in lines.values()):
    people.insert(0, Text("held_before", "Held back before"))
everything = partial(all_lines, viewer, payout.id)
show_lines(
    lines, viewer.timezone, "payout", people, everything, opens="payment", row_id="payment_id"
)
if left_out[0]:
    show_left_out(*left_out, viewer.timezone)
show_fingerprint(payout.lines_sha256)

if viewer.is_admin and is_draft and any(part.together for part in lines.values()):
    offer_holding_back(viewer, *offered)
if viewer.is_admin and payout.state == SnapshotState.DRAFT:
    st.subheader("Approve")
    st.caption(
        "An approved payout can no longer be changed. Later changes to its payments appear as"
        " adjustments in the next payout."
    )
    warn_first(payout, bounds)
    warn_unfinished(payout)
    warn_without_closer(without_closer)
    if without_closer:
        link_to_rows(address("payments", {"view": UNATTRIBUTED}), way_to_match(without_closer))
    warn_open_entries(entries)
    typed = st.text_input(
        f"To confirm, enter the name of the payout: {escape_markdown(payout.name)}"
    )
    first, second = st.columns(2)
    below = st.container()
    approved = first.button(
        "Approve payout",
        type="primary",
        disabled=typed.strip() != payout.name or not changes.empty or refused is not None,
        width="stretch",
    )
    discarded = second.button("Discard draft", width="stretch")
    if approved:
        with below, act(viewer, "Approved.") as db:
            approve(db, payout.id, viewer)
        st.rerun()
    if discarded:
        with below, act(viewer, "Discarded.") as db:
            discard(db, payout.id, viewer)
        jump("payouts")
elif viewer.is_admin and payout.state == SnapshotState.APPROVED:
    with st.popover("Mark as paid", key="ask about payment"):
        net = {each: Decimal(sums["net_revenue"]) for each, sums in payout.totals.items()}
        st.markdown(
            f"Records that “{escape_markdown(payout.name)}” with a net revenue of"
            f" **{escape_markdown(money(net))}** was paid today. No money is moved and no message"
            " is sent. This cannot be undone."
        )
        paid = st.button("Yes, mark as paid", type="primary")
    if paid:
        with act(viewer, "Marked as paid.") as db:
            mark_paid(db, payout.id, viewer)
        st.rerun()

if viewer.is_admin and payout.state != SnapshotState.DRAFT:
    st.subheader("Statements")
    st.caption(
        "A link for each closer and setter that shows only their own payments in this payout."
    )
    if st.button("Create statement links"):
        with act(viewer) as db:
            st.session_state[f"statements {payout.id}"] = issue_statements(db, viewer, payout.id)
    if made := st.session_state.pop(f"statements {payout.id}", None):
        st.info(
            "Copy these now. You will not be able to see them again. On Links you can see when they"
            " were used, and revoke them."
        )
        table(
            pd.DataFrame([asdict(link) for link in made]).assign(
                part=[link.part.capitalize() for link in made]
            ),
            "statements",
            columns=[Text("person", "Person"), Text("part", "As"), Text("address", "Link")],
        )
