"""What was decided of a booking and others that may be the same meeting, and its undoing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import streamlit as st
from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.bookings.duplicates import decisions_on
from core.bookings.merging import ask_again
from core.bookings.models import DuplicateVerdict
from core.money.merged_bookings import counted_since, refusal, undo_merge
from core.tenancy.access.viewers import Viewer
from core.ui.page import act
from core.ui.parts.format import escape_markdown, when

Decided = tuple[Row[Any], str | None]  # a decision, and the payout that keeps it from being undone


def decided_on(db: Session, event_id: UUID) -> list[Decided]:
    """What ``show_decisions`` shows of a booking."""
    return [
        (each, counted_since(db, each.other_id))
        if each.verdict == DuplicateVerdict.MERGED
        else (each, None)
        for each in decisions_on(db, event_id)
    ]


def show_decisions(viewer: Viewer, decided: Sequence[Decided]) -> None:
    """For a manager: the bookings that were merged into this one, and those that are another
    meeting, each with its undoing or why there is none.
    """
    for decision, payout in decided:
        _show(viewer, decision, payout)


def _show(viewer: Viewer, decision: Row[Any], payout: str | None) -> None:
    merged = decision.verdict == DuplicateVerdict.MERGED
    whose = " · ".join(
        filter(
            None,
            (
                decision.other_name,
                decision.other_email,
                decision.other_closer and f"with {decision.other_closer}",
            ),
        )
    )
    what = "Merged with the booking" if merged else "Another meeting than the booking"
    st.markdown(
        escape_markdown(f"{what} of {when(decision.other_at, viewer.timezone)} ({whose})")
        + "  \n:gray["
        + escape_markdown(
            f"{decision.decided_by or 'Somebody'}, {when(decision.decided_at, viewer.timezone)}"
        )
        + "]"
    )
    if merged and payout:
        st.caption(escape_markdown(refusal(payout)))
        return
    label = "Undo the merge" if merged else "Not sure any more"
    if st.button(label, key=f"undo {decision.other_id}"):
        if merged:
            with act(viewer, "Merge undone.") as db:
                undo_merge(db, decision.other_id, viewer)
        else:
            with act(viewer, "Listed as possible duplicates again.") as db:
                ask_again(db, decision.id, decision.other_id, viewer)
        st.rerun()
