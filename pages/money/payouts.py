"""Payouts: what each period adds to the ones before, from draft to paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import streamlit as st

from core.money.models import SnapshotState
from core.money.payout_lines import payout_bounds
from core.money.payout_tables import snapshots_table
from core.money.payouts import create_snapshot, overlap
from core.platform.clock import Period, today
from core.platform.errors import Conflict
from core.ui.navigation import jump
from core.ui.page import act, empty, require, title
from core.ui.panels.payments import show_unattributed, unattributed_for
from core.ui.parts.columns import Amounts, Day, Number, Text, Word
from core.ui.parts.tables import table

viewer = require("payouts")
title("Payouts", viewer, "New payments, and what changed about earlier ones")
with viewer.transaction() as db:
    payouts, loose = snapshots_table(db), unattributed_for(db, viewer)
show_unattributed(loose)
if viewer.is_admin:
    first_of_month = today(viewer.timezone).replace(day=1)
    last_month = (
        (first_of_month - timedelta(days=1)).replace(day=1),
        first_of_month - timedelta(days=1),
    )
    with st.expander("Make a payout"), st.form("new payout"):
        name = st.text_input("Name", value=f"{last_month[0]:%B %Y}")
        days = st.date_input("Days", last_month)
        sent = st.form_submit_button("Make a draft", type="primary")
    if sent and isinstance(days, tuple) and len(days) == 2:
        with act(viewer) as db:
            period = Period(days[0], days[1] + timedelta(days=1), viewer.timezone)
            if refused := overlap(period.start, payout_bounds(db)):
                raise Conflict(f"No draft was created. {refused}")
            made = create_snapshot(db, name, period, viewer)
        jump("payout", id=str(made.id))
    elif sent:
        st.error("Choose a first and a last day.")
if payouts.empty:
    empty(
        "No payouts yet",
        (
            "Make the first one above: choose the month, look at it, approve it."
            if viewer.is_admin
            else (
                "Admins make them. Where managers see their own team only, payouts are shown to"
                " admins."
            )
        ),
    )
    st.stop()
payouts["last_day"] = [end - timedelta(days=1) for end in payouts["period_end"]]
payouts["net"] = payouts["totals"].map(
    lambda totals: {currency: Decimal(sums["net_revenue"]) for currency, sums in totals.items()}
)
table(
    payouts,
    "payouts",
    opens="payout",
    card=("name", "net", "state"),
    columns=[
        Text("name", "Name"),
        Day("period_start", "First day"),
        Day("last_day", "Last day"),
        Word("state", "State", SnapshotState),
        Number("payment_count", "Payments"),
        Amounts("net", "Net revenue"),
    ],
)
