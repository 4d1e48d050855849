"""Links that open one thing without a password: made, shown once, listed with their last use,
revoked.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.bookings.listed import LISTED
from core.bookings.roster import closers_by_name, setters_by_name
from core.links.access_links import (
    DAYS,
    MOST_DAYS,
    issue_link,
    links_table,
    revoke_link,
    share_of,
)
from core.links.kinds import OPENS, LinkPurpose
from core.messages.account_emails import send_link
from core.money.models import SnapshotState
from core.money.payout_tables import snapshots_table
from core.platform.dataframes import records
from core.platform.errors import SalesOpsError
from core.providers.email import check_reachable
from core.ui.page import act, empty, require, say, title
from core.ui.parts.columns import Moment, Text, Word
from core.ui.parts.filters import PRESETS, choices_of, filter_bar
from core.ui.parts.format import escape_markdown, word
from core.ui.parts.tables import table

STATES = {"good": "Works", "expired": "Expired", "revoked": "Revoked"}
NEW = "new link"
viewer = require("links")
title(
    "Links",
    viewer,
    "Whoever has a link needs no password: give it to one person, and revoke it when they no longer"
    " need it",
)

if link := st.session_state.pop(NEW, None):
    with st.container(border=True):
        st.markdown(
            f"**{escape_markdown(link.name)}** was made. Copy it now: it is shown this once."
        )
        st.code(link.address, language=None, wrap_lines=True)

with viewer.transaction() as db:
    closers, setters, payouts, links = (
        closers_by_name(db),
        setters_by_name(db),
        snapshots_table(db),
        links_table(db),
    )
payouts = payouts[payouts["state"] != SnapshotState.DRAFT]

offered = [purpose for purpose, opens in OPENS.items() if viewer.has(opens.module)]


def subject_of(purpose: LinkPurpose) -> dict[str, Any]:
    """What exactly a link of this purpose is to open, as ``issue_link`` takes it."""
    if purpose == LinkPurpose.PORTAL:
        closer = st.selectbox("Closer", list(closers), index=None, placeholder="Choose a closer")
        return {"closer_id": closers.get(closer or "")}
    if purpose == LinkPurpose.SHARE:
        period = st.selectbox("Period", [name for name in PRESETS if name != "Custom"], index=3)
        with viewer.transaction() as db:
            filters = filter_bar(choices_of(db, LISTED), st.container())
        money = st.toggle("Show money", value=False)
        return {"shown": share_of(period or "Last 30 days", filters.columns, money=money)}
    named = {
        f"{row['name']} · {row['period_start']:%b %Y} · {str(row['id'])[:4]}": row["id"]
        for row in records(payouts)
    }
    payout = st.selectbox("Approved payout", list(named), index=None)
    people = {f"{name} (closer)": ("closer_id", each) for name, each in closers.items()}
    people |= {f"{name} (setter)": ("setter_id", each) for name, each in setters.items()}
    whose = st.selectbox("Person", list(people), index=None, placeholder="Choose a person")
    return {"snapshot_id": named.get(payout or "")} | dict([people[whose]] if whose else [])


def ask_for_link() -> None:
    """The form that makes a link."""
    purpose = (
        st.segmented_control(
            "What it opens",
            offered,
            format_func=LinkPurpose.labels().__getitem__,
            default=offered[0],
            required=True,
            key="purpose",
        )
        or offered[0]
    )
    st.caption(OPENS[purpose].meaning)
    subject = subject_of(purpose)
    name = st.text_input(
        "Name",
        placeholder="Ana's phone",
        help="Shown in this list, and on the timeline of what is done through it.",
    )
    days = st.number_input("Valid for (days)", 1, MOST_DAYS, DAYS)
    recipient = st.text_input(
        "E-mail it to (optional)", autocomplete="off", placeholder="name@example.com"
    )
    if not st.button("Create link", type="primary"):
        return
    try:
        with viewer.transaction() as db:
            made = issue_link(db, viewer, purpose, name, days=int(days), **subject)
            if recipient.strip():
                check_reachable(recipient)
                send_link(db, viewer, made, purpose, recipient, days=int(days))
                say("Created, and on its way by e-mail.")
    except SalesOpsError as error:
        st.error(escape_markdown(error.message))
    else:
        st.session_state[NEW] = made
        st.rerun()


if offered:
    with st.expander("Create a link", expanded=links.empty):
        ask_for_link()

if links.empty:
    empty(
        "No links yet",
        "Links that you create appear here, with when they were last used."
        if offered
        else "What links open belongs to modules that this organisation does not have.",
    )
    st.stop()
links["opens"] = [
    " · ".join(filter(None, (word(row["purpose"], LinkPurpose), row["subject"])))
    for row in records(links)
]
table(
    links,
    "links",
    download=False,
    columns=[
        Text("name", "Name"),
        Text("opens", "Opens"),
        Word("state", "State", STATES),
        Moment("last_used_at", "Last used", viewer.timezone),
        Moment("expires_at", "Valid until", viewer.timezone),
        Text("created_by", "Created by"),
    ],
)
good = {
    f"{row['name']} · {row['opens']} · {str(row['id'])[:4]}": row["id"]
    for row in records(links)
    if row["state"] == "good"
}
if good:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ended = st.selectbox(
            "Revoke a link", list(good), index=None, placeholder="Choose a link", format_func=str
        )
        if st.button("Revoke", disabled=ended is None) and ended is not None:
            with act(viewer, "Revoked. It opens nothing from now on.") as db:
                revoke_link(db, viewer, good[ended])
            st.rerun()
