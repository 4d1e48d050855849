"""Payments: what came in, whom it is credited to, and what has no booking yet."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.metrics.drill import counted, is_of, matching
from core.metrics.facts import PAYMENTS
from core.money.models import PROCESSOR_LABELS
from core.money.pairs import reconciliation_list
from core.money.queries import (
    ORDERED,
    PaymentFilter,
    count_payments,
    payment_sums,
    payments_table,
    unattributed_money,
)
from core.money.schemas import PaymentItem
from core.platform.dataframes import records
from core.platform.paging import Order
from core.ui.page import empty, require, title
from core.ui.panels.payment_list import labels_of, offer_no_booking, show_sums
from core.ui.panels.payments import (
    UNATTRIBUTED,
    counting_net,
    decide_pairs,
    pair_of,
    payment_states,
    show_unattributed,
    unattributed_for,
    why_none_is_unattributed,
)
from core.ui.panels.saved_views import offer_saved_views
from core.ui.parts.columns import Moment, Money, Rep, Text, Truth, Word, headings
from core.ui.parts.drill import FIGURE, NARROWING
from core.ui.parts.filters import choices_for, filter_bar, period_picker
from core.ui.parts.rows import QueriedRows
from core.ui.parts.tables import table, ticking_table

ASKED = 20  # as many pairs as a reader decides at a time; the others come up when these are gone
VIEWS = {"all": "All", "unattributed": UNATTRIBUTED, "reconcile": "To reconcile"}

viewer = require("payments")
heading = headings(PaymentItem)
title("Payments", viewer)
offer_saved_views(viewer, "payments", "payments", *NARROWING, "view", FIGURE)
first, sought, second, third = st.columns([12, 12, 7, 15], vertical_alignment="bottom")
below = st.container()
with first:
    period = period_picker(viewer)
with sought:
    search = (
        st.text_input(
            "Search",
            key="search",
            bind="query-params",
            placeholder="Name, e-mail, amount or id",
            type="search",
        )
        or ""
    )
with second, viewer.transaction() as db:
    filters = filter_bar(choices_for(db, PAYMENTS), below)
with third:
    view = (
        st.segmented_control(
            "Show",
            list(VIEWS),
            format_func=VIEWS.__getitem__,
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
        "Cash entered by hand, beside payments of the same customer or booking that a processor"
        " reported: another amount or currency, or further apart than the days in Settings. What a"
        " payout has counted as one is counted once, whatever the form says now. All of them are"
        " listed, whatever the period and the filters."
    )
    table(
        pairs,
        "to-reconcile",
        opens="payment",
        row_id="payment_id",
        card=("customer_email", "amount", "other_amount"),
        columns=[
            Moment("payment_date", heading("payment_date"), viewer.timezone),
            Text("customer_email", heading("customer_email")),
            Money("amount", "On the form"),
            Money("other_amount", "By card", currency="other_currency"),
            Moment("other_date", "Charged", viewer.timezone),
        ],
    )
    if viewer.is_manager:
        st.subheader("The same payment twice?")
        decide_pairs(viewer, [pair_of(row, viewer.timezone) for row in records(pairs)[:ASKED]])
    st.stop()

figure = st.query_params.get(FIGURE, "")
with viewer.transaction() as db:
    chosen = PaymentFilter(
        period=None if view == "unattributed" else period,
        unattributed=view == "unattributed",
        search=search,
        condition=matching(db, PAYMENTS, figure, filters),
    )
    count, sums = count_payments(db, chosen), payment_sums(db, chosen)
    if view == "unattributed":
        age = unattributed_money(db, chosen.condition).age_in_words
    else:
        show_unattributed(unattributed_for(db, viewer))
if is_of(PAYMENTS, figure):
    st.info(
        f"These are the payments behind **{counted(figure).name}**:"
        f" {counted(figure).formula.lower()}."
    )
if not count and view == "unattributed" and not search:
    empty(*why_none_is_unattributed(viewer, narrowed=bool(filters.chosen) or bool(figure)))
    st.stop()
if view == "unattributed":
    st.caption(f"All payments without a booking, whatever the period; {age}.")
if not count:
    empty(
        "No payments here",
        "No payments match this period, these filters and this search. Choose a longer period,"
        " clear a filter, or search for something else.",
    )
    st.stop()
show_sums(count, sums)


def page_of(order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
    """The payments of one page, and how many there are."""
    with viewer.transaction() as db:
        rows = payments_table(db, chosen, order=order, limit=limit, offset=offset)
    labels.update(labels_of(records(rows)))
    return rows.assign(
        state=payment_states(rows),
        net_revenue=counting_net(rows),
        counted_amount=rows["amount"].where(rows["counts"].astype(bool), None),
    ), count


labels: dict[str, str] = {}
is_decided_here = view == "unattributed" and viewer.is_manager
ticked = (ticking_table if is_decided_here else table)(
    QueriedRows(ORDERED, page_of),
    "payments",
    opens="payment",
    card=("customer_name", "amount", "payment_date", "state"),
    columns=[
        Moment("payment_date", heading("payment_date"), viewer.timezone),
        Text("customer_name", "Customer"),
        Money("amount", heading("amount")),
        Money("net_revenue", heading("net_revenue")),
        Text("state", "State"),
        Rep("closer", heading("closer")),
        Rep("setter", heading("setter")),
        Text("source", heading("source")),
        Word("processor", heading("processor"), PROCESSOR_LABELS),
    ],
    more=[
        Text("customer_email", heading("customer_email")),
        Money("counted_amount", "Counted amount"),
        Truth("counts", heading("counts")),
    ],
)
if is_decided_here:
    offer_no_booking(viewer, ticked or [], labels)
