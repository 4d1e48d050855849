"""One person's statement of one payout: the sums, and every line that they are made of."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from core.links.access_links import COMMISSION
from core.money.payouts import statement
from core.ui.page import empty, open_to_all
from core.ui.parts.format import money, moneys, when
from core.ui.parts.tables import table
from core.ui.public import heading, visitor_of

SUMS = {"cash_collected": "Cash collected", "refunds": "Refunds", "net_revenue": "Net revenue"}
open_to_all("statement")
visitor = visitor_of(COMMISSION)
with visitor.transaction() as db:
    lines, sums = statement(db)

last = visitor.period_end - timedelta(days=1)
days = f"{visitor.period_start.day} {visitor.period_start:%b} – {last.day} {last:%b %Y}"
heading(
    f"{visitor.person}: {visitor.snapshot_name}",
    visitor,
    f"{'Setter' if visitor.setter_id else 'Closer'} · {days}",
)
if lines.empty:
    empty("No payments in this payout", "Nothing that was paid in these days was yours.")
    st.stop()
with st.container(horizontal=True):
    for key, label in SUMS.items():
        st.metric(
            label,
            money({row.currency: getattr(row, key) for row in sums.itertuples()}),
            border=True,
            width="content",
        )
st.caption("As approved: later payments and refunds are part of a later payout.")
st.subheader("Payments")
lines["date"] = [when(at, visitor.timezone) for at in lines["payment_date"]]
lines["exactly"] = moneys(lines["net_revenue"], lines["currency"])
for key in ("amount", "refund_amount", "net_revenue"):
    lines[key] = [float(value) for value in lines[key]]
amounts = {"amount": "Amount", "refund_amount": "Refunds", "net_revenue": "Net"}
table(
    lines,
    "statement",
    download=False,
    card=("customer_name", "exactly", "date"),
    columns={
        "date": "Date",
        "customer_name": "Customer",
        "package_name": "Package",
        **{
            key: st.column_config.NumberColumn(label, format="%,.2f")
            for key, label in amounts.items()
        },
        "currency": "",
    },
)
