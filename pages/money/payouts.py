"""Payouts: frozen reports of a period, from draft to paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import streamlit as st

from core.money.payouts import create_snapshot, snapshots_table
from core.platform.clock import Period, today
from core.ui.page import act, empty, jump, require, title
from core.ui.parts.format import money, word
from core.ui.parts.tables import table

viewer = require("payouts")
title("Payouts", viewer, "A payout freezes the payments of a period as they stand")
if viewer.is_admin:
    first_of_month = today(viewer.timezone).replace(day=1)
    last_month = (
        (first_of_month - timedelta(days=1)).replace(day=1),
        first_of_month - timedelta(days=1),
    )
    with st.expander("Make a payout"), st.form("new payout"):
        name = st.text_input("Name", value=f"{last_month[0]:%B %Y}")
        days = st.date_input("Days", last_month)
        sent = st.form_submit_button("Freeze as a draft", type="primary")
    if sent and isinstance(days, tuple) and len(days) == 2:
        with act(viewer) as db:
            period = Period(days[0], days[1] + timedelta(days=1), viewer.timezone)
            made = create_snapshot(db, viewer.organization_id, name, period, viewer)
        jump("payout", id=str(made.id))
    elif sent:
        st.error("Choose a first and a last day.")
with viewer.transaction() as db:
    payouts = snapshots_table(db)
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
payouts["period"] = [
    f"{start.day} {start:%b} – {(end - timedelta(days=1)).day} {end - timedelta(days=1):%b %Y}"
    for start, end in zip(payouts["period_start"], payouts["period_end"], strict=True)
]
payouts["shown_state"] = [word(state) for state in payouts["state"]]
payouts["net"] = [
    money({cur: Decimal(sums["net_revenue"]) for cur, sums in totals.items()})
    for totals in payouts["totals"]
]
table(
    payouts,
    "payouts",
    opens="payout",
    card=("name", "net", "shown_state"),
    columns={
        "name": "Name",
        "period": "Days",
        "shown_state": "State",
        "payment_count": "Payments",
        "net": "Net revenue",
    },
)
