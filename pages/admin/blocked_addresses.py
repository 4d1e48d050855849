"""Blocked addresses: where e-mail is not sent any more, why and since when, and the way back."""

from __future__ import annotations

from typing import Any

import streamlit as st
from sqlalchemy import Row

from core.messages.suppression_list import MOST, blocked_addresses, lift
from core.providers.email import keeper_of_a_list
from core.ui.page import act, empty, require, title
from core.ui.parts.format import when

REASONS = {
    "bounced": ("E-mail bounced: the mailbox does not exist, or it refuses our e-mail."),
    "complained": "They reported one of your e-mails as spam.",
    "unsubscribed": (
        "They unsubscribed from e-mails and text messages. What they request themselves, such as"
        " a new password, is still sent."
    ),
}
WILL = "Unblock it only if they asked you to."
viewer = require("blocked-addresses")


def show(row: Row[Any]) -> None:
    """One address, and the button that sends to it again."""
    with st.container(border=True):
        st.text(row.email)
        since = f"{row.reason.capitalize()} {when(row.at, viewer.timezone)}."
        st.caption(
            " ".join([since, REASONS[row.reason], *([] if row.reason == "bounced" else [WILL])])
        )
        if st.button("Unblock", key=f"lift {row.id}"):
            with act(viewer, "Unblocked. E-mail is sent to this address again.") as db:
                lift(db, viewer, row.email)
            st.rerun()


title(
    "Blocked addresses",
    viewer,
    "No e-mail is sent to these addresses. Unblocking is recorded in the audit log.",
)
search = st.text_input("Search", key="search", placeholder="Part of an address") or ""
with viewer.transaction() as db:
    found = blocked_addresses(db, search)
if keeper := keeper_of_a_list():
    st.caption(
        f"{keeper} keeps its own list. Remove an address that bounced there too, or it stays"
        " blocked."
    )
if len(found) == MOST:
    st.caption(f"Showing the latest {MOST}. Search to find others.")
for each in found:
    show(each)
if not found and search.strip():
    empty(
        "No such address here",
        "Try part of the address. Addresses that are not listed receive e-mail.",
    )
elif not found:
    empty(
        "No address is blocked",
        "An address appears here when e-mail to it bounces, or its owner unsubscribes or reports"
        " spam.",
    )
