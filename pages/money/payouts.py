"""Payouts: what each period adds to the ones before, from draft to paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import streamlit as st

from core.money.models import SnapshotState
from core.money.payout_lines import payout_bounds
from core.money.payout_tables import snapshots_table
from core.money.payouts import create_snapshot, name_of, overlap, suggested_period
from core.platform.clock import Period, today
from core.platform.errors import Conflict, InvalidInput
from core.platform.notation import notation
from core.ui.navigation import jump
from core.ui.page import act, empty, require, title
from core.ui.panels.payments import show_unattributed, unattributed_for
from core.ui.parts.columns import Amounts, Day, Number, Text, Word
from core.ui.parts.forms import Form
from core.ui.parts.tables import table

viewer = require("payouts")
title("Payouts", viewer, "New payments, and adjustments to earlier ones")
with viewer.transaction() as db:
    payouts, loose = snapshots_table(db), unattributed_for(db, viewer)
show_unattributed(loose)
if viewer.is_admin:
    with viewer.transaction() as db:
        next_ = suggested_period(db, today(viewer.timezone), viewer.timezone)
    next_days = (next_.start, next_.end - timedelta(days=1))
    form = Form("new payout")
    with st.expander("Create a payout"), form.drawn(border=False):
        name = form.field("name", "Name", st.text_input, value=name_of(next_))
        days = form.field(
            "period_end", "Days", st.date_input, value=next_days, format=notation().typed_day
        )
        sent = st.form_submit_button("Create draft", type="primary")
    if sent:
        with act(viewer, form=form) as db:
            if len(days) != 2:
                raise InvalidInput("Choose a first and a last day.", field="period_end")
            period = Period(days[0], days[1] + timedelta(days=1), viewer.timezone)
            if refused := overlap(period.start, payout_bounds(db)):
                raise Conflict(f"No draft was created. {refused}")
            made = create_snapshot(db, name, period, viewer)
        jump("payout", id=str(made.id))
if payouts.empty:
    empty(
        "No payouts yet",
        (
            "Create the first one: choose the month, review the draft, approve it."
            if viewer.is_admin
            else (
                "Admins create payouts. If managers see only their own team, only admins see"
                " payouts."
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
