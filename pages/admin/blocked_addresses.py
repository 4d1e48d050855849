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
    "bounced": (
        "Mail to it came back for good: there is no such mailbox, or it refuses mail from here."
    ),
    "complained": "This person complained: they reported one of your e-mails as unwanted.",
    "unsubscribed": (
        "This person wants no e-mail and no text message. What they ask for themselves, such as a"
        " new password, is still sent."
    ),
}
WILL = "Lift it only when they asked you to."
viewer = require("blocked-addresses")


def show(row: Row[Any]) -> None:
    """One address, and the button that sends to it again."""
    with st.container(border=True):
        st.text(row.email)
        since = f"{row.reason.capitalize()} {when(row.at, viewer.timezone)}."
        st.caption(
            " ".join([since, REASONS[row.reason], *([] if row.reason == "bounced" else [WILL])])
        )
        if st.button("Send to it again", key=f"lift {row.id}"):
            with act(viewer, "E-mail is sent to that address again.") as db:
                lift(db, viewer, row.email)
            st.rerun()


title(
    "Blocked addresses", viewer, "No e-mail is sent to these; lifting one is noted in the audit log"
)
search = st.text_input("Search", key="search", placeholder="Part of an address") or ""
with viewer.transaction() as db:
    found = blocked_addresses(db, search)
if keeper := keeper_of_a_list():
    st.caption(
        f"{keeper} keeps a list of its own: take an address that bounced off there too, or it is"
        " not sent to all the same."
    )
if len(found) == MOST:
    st.caption(f"The latest {MOST}; search to see others.")
for each in found:
    show(each)
if not found and search.strip():
    empty("No such address here", "Try a part of the address. What is not listed is sent to.")
elif not found:
    empty(
        "No address is blocked",
        "An address appears here when mail to it bounces for good, or its owner complains or"
        " unsubscribes.",
    )
