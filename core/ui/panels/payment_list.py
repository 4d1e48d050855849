"""The list of payments: what its sums are of, and what a manager does to several of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import streamlit as st

from core.money.attribution import choose_no_event
from core.platform.notation import notation
from core.tenancy.access.viewers import Viewer
from core.ui.page import act, say
from core.ui.parts.format import money, plural
from core.ui.parts.forms import Form


def show_sums(count: int, sums: Mapping[str, tuple[int, Decimal, Decimal]]) -> None:
    """Cash and net revenue of what is listed, by currency, and how many of the rows are in no sum.

    ``sums`` are those of the counting payments: number, cash, net revenue.
    """
    for currency, (number, cash, net) in sums.items():
        figures = (
            f"cash collected **{money({currency: cash})}** · net revenue"
            f" **{money({currency: net})}**"
        )
        line = f"Sum of {plural(number, 'payment', 'payments')}: {figures}"
        st.markdown(line.replace("$", "\\$"))
    counting = sum(number for number, _, _ in sums.values())
    if others := count - counting:
        st.caption(
            f"{plural(count, 'row is', 'rows are')} listed; {notation().number(others)} of them"
            f" {'is' if others == 1 else 'are'} in no sum: failed, taken back, or the same payment"
            " as another row."
        )


def offer_no_booking(viewer: Viewer, ticked: Sequence[str], labels: Mapping[str, str]) -> None:
    """Mark the ticked payments as belonging to no booking, all at once; ``labels`` name them."""
    if not ticked:
        st.caption("Tick payments to mark several of them as belonging to no booking.")
        return
    form = Form("no booking")
    with form.drawn():
        reason = form.field("reason", "Why?", st.text_input, placeholder="Sold by e-mail")
        chosen = plural(len(ticked), "payment", "payments")
        pressed = st.form_submit_button(f"Mark {chosen} as belonging to no booking")
    if not pressed:
        return
    with act(viewer, form=form) as db:
        decided = choose_no_event(db, [UUID(each) for each in ticked], viewer, reason)
    say(_what_was_done(len(decided), _left(ticked, decided, labels)))
    st.rerun()


def _left(ticked: Sequence[str], decided: Collection[UUID], labels: Mapping[str, str]) -> list[str]:
    done = set(map(str, decided))
    return [labels[each] for each in ticked if each not in done]


def _what_was_done(decided: int, left: Sequence[str]) -> str:
    done = f"{plural(decided, 'payment', 'payments')} marked as belonging to no booking."
    if not left:
        return done
    names = "; ".join(left)
    return f"{done} Not changed, since somebody has matched them meanwhile: {names}."


def labels_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What payments are called in a sentence, by id."""
    return {
        str(row["id"]): " ".join(
            filter(None, (money({row["currency"]: row["amount"]}), row["customer_name"] or ""))
        )
        for row in rows
    }
