"""Payments: what came in, whose it is, and what nobody has claimed."""

from __future__ import annotations

import streamlit as st

from core.money.queries import PaymentFilter, payment_sums, payments_table, reconciliation_list
from core.platform.money import decimals
from core.ui.page import empty, require, title
from core.ui.parts.filters import filter_bar, period_picker
from core.ui.parts.format import money, moneys, plural, when, word
from core.ui.parts.tables import table

SHOWN = 500
VIEWS = {"all": "All", "unattributed": "Unattributed", "reconcile": "To reconcile"}
viewer = require("payments")
title("Payments", viewer)
first, second, third = st.columns(3, vertical_alignment="bottom")
with first:
    period = period_picker(viewer)
with second, viewer.transaction() as db:
    filters = filter_bar(db)
with third:
    view = (
        st.segmented_control(
            "Show",
            list(VIEWS),
            format_func=VIEWS.get,
            default="all",
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
        or "all"
    )

if view == "reconcile":
    with viewer.transaction() as db:
        pairs = reconciliation_list(db)
    if pairs.empty:
        empty("Nothing to reconcile", "Cash from forms and the processors' records agree.")
        st.stop()
    st.caption(
        "Cash entered on a form, and the same customer's nearest card payment of another amount."
        " Open one to decide."
    )
    pairs["form"] = moneys(pairs["amount"], pairs["currency"])
    pairs["card"] = moneys(pairs["other_amount"], pairs["currency"])
    pairs["when"] = [when(at, viewer.timezone) for at in pairs["payment_date"]]
    pairs["id"] = pairs["payment_id"]
    table(
        pairs,
        "to-reconcile",
        opens="payment",
        card=("customer_email", "form", "card"),
        columns={
            "when": "Date",
            "customer_email": "Customer",
            "form": "On the form",
            "card": "By card",
        },
    )
    st.stop()

chosen = PaymentFilter(period=period, ids=filters.columns, unattributed=view == "unattributed")
with viewer.transaction() as db:
    payments, sums = payments_table(db, chosen, limit=SHOWN), payment_sums(db, chosen)
if payments.empty and view == "unattributed":
    empty(
        "Every payment has its call",
        "Payments that match no call appear here, and find one by themselves when it is booked.",
    )
    st.stop()
if payments.empty:
    empty(
        "No payments here",
        "None fits this period and these filters. Choose a longer period, or clear a filter.",
    )
    st.stop()
for currency, (count, cash, net) in sums.items():
    sums_of_one = (
        f"cash collected **{money({currency: cash})}** · net revenue **{money({currency: net})}**"
    )
    st.markdown(f"{plural(count, 'payment', 'payments')} · {sums_of_one}".replace("$", "\\$"))
payments["date"] = [when(at, viewer.timezone) for at in payments["payment_date"]]
payments["sum"] = [float(amount) for amount in payments["amount"]]
payments["net"] = [float(amount) for amount in payments["net_revenue"]]
payments["state"] = [
    "counted elsewhere" if superseded is not None else "disputed" if disputed else word(status)
    for superseded, disputed, status in zip(
        payments["superseded_by_id"], payments["disputed"], payments["status"], strict=True
    )
]
exact = f"%,.{max(map(decimals, payments['currency']))}f"
payments["from"] = [word(processor) for processor in payments["processor"]]
amounts = {
    name: st.column_config.NumberColumn(label, format=exact)
    for name, label in (("sum", "Amount"), ("net", "Net"))
}
payments["exactly"] = moneys(payments["amount"], payments["currency"])
table(
    payments,
    "payments",
    opens="payment",
    card=("customer_name", "exactly", "date"),
    columns={
        "date": "Date",
        "customer_name": "Customer",
        "customer_email": "E-mail",
        **amounts,
        "currency": "",
        "from": "From",
        "state": "State",
        "closer": "Closer",
        "setter": "Setter",
        "source": "Source",
    },
)
