"""Parts of a payout's screens: its sums, its lines, and the way from the figures to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import ceil
from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.bookings.rep_names import rep_in_words
from core.money.models import BridgeStep, LineKind, LineReason, PayoutSnapshot, SnapshotState
from core.money.payout_tables import (
    LineFilter,
    count_details,
    details_in_batches,
    details_table,
    signed,
)
from core.money.payouts import hold_back, rebuild, release
from core.money.schemas import PaymentItem
from core.platform.clock import today
from core.platform.dataframes import records
from core.platform.notation import notation
from core.platform.paging import Order
from core.tenancy.access.viewers import Viewer
from core.ui.page import act
from core.ui.parts.columns import Column, Long, Moment, Money, Rep, Sentence, Text, Word, headings
from core.ui.parts.format import escape_markdown, money, on, plural
from core.ui.parts.rows import Rows
from core.ui.parts.tables import table

SUMS = {"cash_collected": "Cash collected", "refunds": "Refunds", "net_revenue": "Net revenue"}
PAGE = 200
# The parts in which a payout's lines are listed.
PARTS = {
    "payments": LineFilter(LineKind.PAYMENT, is_held_back=False),
    "adjustments": LineFilter(LineKind.ADJUSTMENT, is_held_back=False),
    "held": LineFilter(is_held_back=True),
}
WHAT = {"new": "New", "gone": "Gone", "changed": "Changed"}
MOST_OFFERED = 50
WORDS = "find line"  # the key of the words that narrow the lines on offer
Line = Mapping[str, Any]
heading = headings(PaymentItem)


def show_sums(sums: Mapping[str, Mapping[str, Any]]) -> None:
    """A card for each sum; ``sums`` are decimals by currency and name."""
    with st.container(horizontal=True):
        for name, label in SUMS.items():
            amounts = {currency: of_one[name] for currency, of_one in sums.items()}
            st.metric(label, money(amounts), border=True, width="content")


@dataclass(frozen=True)
class LinesOfPart:
    """Lines that the reader has turned to, in the order of the payout; a download has all of the
    part.
    """

    lines: pd.DataFrame
    all_of_part: Callable[[], Iterator[pd.DataFrame]] | None
    sortable: Collection[str] = ()

    def page(self, order: Order | None, limit: int, offset: int) -> tuple[pd.DataFrame, int]:
        """See ``Rows.page``."""
        return self.lines, len(self.lines)

    def everything(self, order: Order | None) -> Iterable[pd.DataFrame]:
        """See ``Rows.everything``."""
        return self.all_of_part() if self.all_of_part else [self.lines]


@dataclass(frozen=True)
class Shown:
    """One page of the lines of one part of a payout, and how many lines the part has."""

    lines: pd.DataFrame
    together: int


def lines_shown(
    db: Session, snapshot_id: UUID, key: str, read: Callable[..., pd.DataFrame]
) -> dict[str, Shown]:
    """Of each part of ``PARTS`` the page that the reader has turned to; ``read`` is
    ``details_table`` or has its arguments.
    """
    shown, counted = {}, count_details(db, snapshot_id, PARTS)
    for part, chosen in PARTS.items():
        together = counted[part]
        pager, pages = _pager(key, part), max(1, ceil(together / PAGE))
        if (page := st.session_state.get(pager, 1)) > pages:  # a draft may have become shorter
            page = st.session_state[pager] = pages
        lines = read(db, snapshot_id, chosen, limit=PAGE, offset=(page - 1) * PAGE)
        shown[part] = Shown(lines, together)
    return shown


def _pager(key: str, part: str) -> str:
    return f"{key}-{part} page"


def all_lines(viewer: Viewer, snapshot_id: UUID, chosen: LineFilter) -> Iterator[pd.DataFrame]:
    """The lines of a download, in batches."""
    with viewer.transaction() as db:
        for rows in details_in_batches(db, snapshot_id, chosen):
            yield pd.DataFrame(rows)


def show_lines(
    shown: Mapping[str, Shown],
    timezone: str,
    key: str,
    details: Sequence[Column],
    everything: Callable[[LineFilter], Iterator[pd.DataFrame]] | None = None,
    **more: Any,
) -> None:
    """The payments, the adjustments with their sentences, and what was held back, each with
    ``details`` as its last columns; ``more`` goes to each table. A download has ``everything``;
    without it there is none.
    """
    payments, adjustments, held = (shown[part].lines for part in PARTS)

    def rows(part: str) -> Rows:
        of_part = partial(everything, PARTS[part]) if everything else None
        return LinesOfPart(shown[part].lines, of_part)

    more = {"per_page": PAGE, "download": everything is not None} | more
    st.subheader("Payments")
    if payments.empty:
        st.caption("No new payments.")
    else:
        table(
            rows("payments"),
            f"{key}-payments",
            card=("customer_name", "net_revenue", "payment_date"),
            columns=[*_of_payments(payments, timezone), *details],
            **more,
        )
        _turn_pages(shown, key, "payments")
    if not adjustments.empty:
        st.subheader("Adjustments")
        st.caption("Changes to payments that were in an earlier payout.")
        why = Sentence("reason", "Why")
        _show_sentences(rows("adjustments"), why, timezone, f"{key}-adjustments", details, more)
        _turn_pages(shown, key, "adjustments")
    if not held.empty:
        st.subheader("Held back")
        st.caption("Not in the totals. These lines come back in the next payout.")
        line, remark = Sentence("reason", "Line"), Long("held_back", "Why")
        _show_sentences(rows("held"), remark, timezone, f"{key}-held", [line, *details], more)
        _turn_pages(shown, key, "held")


def _turn_pages(shown: Mapping[str, Shown], key: str, part: str) -> None:
    """Which page of a part is shown, where it has more than one."""
    together = shown[part].together
    if together > PAGE:
        st.caption(f"{PAGE} of {notation().number(together)} lines on a page.")
        st.pagination(ceil(together / PAGE), key=_pager(key, part))


def _of_payments(payments: pd.DataFrame, timezone: str) -> list[Column]:
    return [
        Moment("payment_date", heading("payment_date"), timezone),
        Text("customer_name", "Customer"),
        Money("amount", heading("amount")),
        Money("refund_amount", heading("refund_amount")),
        Money("net_revenue", heading("net_revenue")),
        *([Sentence("reason", "Note")] if payments["reason"].notna().any() else []),
    ]


def _show_sentences(
    lines: Rows,
    why: Column,
    timezone: str,
    key: str,
    details: Sequence[Column],
    more: Mapping[str, Any],
) -> None:
    table(
        lines,
        key,
        card=(why.name, "net_revenue", "customer_name"),
        columns=[
            Moment("line_date", "Date", timezone),
            Word("reason_code", "What", LineReason),
            why,
            Text("customer_name", "Customer"),
            Money("net_revenue", heading("net_revenue")),
            *details,
        ],
        **more,
    )


def show_other_zone(of_payout: str, of_figures: str) -> None:
    """That a payout's days are cut in another zone than those of the figures, when they are."""
    if of_payout != of_figures:
        st.info(
            f"This payout uses the time zone {of_payout}. The organisation now uses {of_figures},"
            " so other screens may show different sums for the same days. Rebuild a draft to"
            " apply the new time zone. What falls between two payouts is included in the later"
            " one."
        )


def show_bridge(steps: pd.DataFrame) -> None:
    """From the net revenue that the figures show for these days to that of the payout."""
    between = steps[~steps["step"].isin(["figures", "payout"])]
    with st.expander("How this payout follows from the figures", expanded=not between.empty):
        st.caption(
            "Figures count a refund on the day of its payment, payouts on the day of the refund."
        )
        table(
            steps,
            "bridge",
            columns=[Word("step", "Step", BridgeStep), Money("amount", heading("amount"))],
            download=False,
        )


def show_changes(changes: pd.DataFrame, state: SnapshotState, *, expanded: bool = False) -> None:
    """How a draft differs from the present, or what changed after an approval."""
    different = plural(len(changes), "line", "lines")
    if state == SnapshotState.DRAFT:
        st.warning(
            f"The payments have changed since this draft was created: {different} would be"
            " different today. Rebuild the draft before you approve it."
        )
    else:
        st.info(
            f"{different} changed after the approval. This payout stays as it is; the"
            f" next one adjusts {'it' if len(changes) == 1 else 'them'}."
        )
    with st.expander("What changed", expanded=expanded):
        table(
            changes,
            "changes",
            columns=[
                Word("what", "What", WHAT),
                Sentence("reason", "Why"),
                Money("net_then", "Net then"),
                Money("net_now", "Net now"),
                Rep("closer", heading("closer")),
                Rep("setter", heading("setter")),
            ],
            download=False,
        )


def offer_rebuild(viewer: Viewer, snapshot_id: UUID) -> None:
    """The button that makes a draft anew."""
    if st.button("Rebuild draft", type="primary"):
        with act(viewer, "Draft rebuilt.") as db:
            rebuild(db, snapshot_id, viewer)
        st.rerun()


def lines_offered(
    db: Session, snapshot_id: UUID, shown: Mapping[str, Shown]
) -> tuple[Sequence[Line], Sequence[Line]]:
    """The first lines that may be held back and that the reader's words fit, without words those
    that are ``shown``; and the lines that are held back.
    """
    payments, adjustments, held = (records(shown[part].lines) for part in PARTS)
    fitting = [*payments, *adjustments]
    if words := st.session_state.get(WORDS):
        chosen = LineFilter(is_held_back=False, words=words)
        fitting = records(details_table(db, snapshot_id, chosen, limit=MOST_OFFERED))
    return fitting[:MOST_OFFERED], held


def offer_holding_back(viewer: Viewer, fitting: Sequence[Line], held: Sequence[Line]) -> None:
    """Leave one line of a draft out, or take one in again; ``lines_offered`` has both."""
    with st.expander("Hold back a payment"):
        st.caption(
            "The line, and others for the same payment, are left out of this payout and come back"
            " in the next one."
        )
        st.text_input("Customer, closer or amount", key=WORDS)
        line_id = _choose("Line", fitting)
        reason = st.text_input("Reason", key="held back")
        if st.button("Hold back", disabled=line_id is None) and line_id is not None:
            with act(viewer, "Held back.") as db:
                hold_back(db, line_id, reason, viewer)
            st.rerun()
    if held:
        line_id = _choose("Held back", held)
        if st.button("Include again", disabled=line_id is None) and line_id is not None:
            with act(viewer, "Included again.") as db:
                release(db, line_id, viewer)
            st.rerun()


def _choose(label: str, lines: Sequence[Line]) -> UUID | None:
    named = {line["id"]: _named(line) for line in lines}
    return st.selectbox(label, list(named), format_func=lambda each: named[each], index=None)


def _named(line: Line) -> str:
    amount = signed(line["net_revenue"], line["currency"])
    who = line["customer_name"] or line["customer_email"] or "No name"
    is_listed = line["closer_id"] is not None
    return f"{who} · {amount} · {rep_in_words(line['closer_name'], 'closer', is_listed=is_listed)}"


def show_left_out(count: int, latest: pd.DataFrame, timezone: str) -> None:
    """Payments from before payouts started, which are in none."""
    payments = plural(count, "payment", "payments")
    with st.expander(f"Not counted: {payments} from before payouts started"):
        st.caption(
            "It was paid out before, and so were its refunds."
            if count == 1
            else "They were paid out before, and so were their refunds. The latest are listed here."
        )
        table(
            latest,
            "before-payouts",
            opens="payment",
            row_id="payment_id",
            columns=[
                Moment("payment_date", heading("payment_date"), timezone),
                Money("net_revenue", heading("net_revenue")),
            ],
            download=False,
        )


def warn_open_entries(count: int) -> None:
    """What an approval may pay twice."""
    if count:
        what = (
            "1 payment that was entered by hand is"
            if count == 1
            else f"{notation().number(count)} payments that were entered by hand are"
        )
        st.warning(
            f"{what} for a booking or customer with another payment from a processor. Confirm on"
            " the payments to reconcile whether they are the same money, or it may be paid out"
            " twice."
        )


def warn_unfinished(snapshot: PayoutSnapshot) -> None:
    """That the days of a draft are not over, when they are not."""
    last = snapshot.period_end - timedelta(days=1)
    if last >= today(snapshot.timezone):
        st.info(
            f"This period ends on {on(last)}. Payments that arrive after approval are"
            " in the next payout."
        )


def warn_first(snapshot: PayoutSnapshot, bounds: Row[Any]) -> None:
    """What the approval of the first payout settles, where no day was set for it."""
    if bounds.payouts_start is None:
        first = snapshot.period_start
        st.warning(
            f"This is the first payout, so payouts start on {on(first)}. Earlier"
            " payments and their refunds count as already paid out and are in no payout. You can"
            " change the day in Settings until a payout with a payment has been approved."
        )


def show_fingerprint(lines_sha256: str | None) -> None:
    """What the lines of an approved payout can be checked by."""
    if lines_sha256 is not None:
        with st.expander("Fingerprint of the lines"):
            st.caption(
                "The SHA-256 of the lines as they were approved. It is in the audit log too, and"
                " the self-check recomputes it."
            )
            st.code(lines_sha256, language=None, wrap_lines=True)


def warn_without_closer(count: int) -> None:
    """What an approval does with money that is nobody's yet."""
    if count:
        one = (
            "1 payment has no closer, so it is credited to nobody. Match it first, or approve"
            " now: once matched, it is credited in a later payout."
            if count == 1
            else f"{notation().number(count)} payments have no closer, so they are credited to"
            " nobody. Match them first, or approve now: once matched, they are credited in a later"
            " payout."
        )
        st.warning(escape_markdown(one))
