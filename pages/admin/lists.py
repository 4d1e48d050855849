"""Lists that the organisation keeps: closers, setters, sources, packages, reasons; added to,
renamed, switched off.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st

from core.bookings.lists import BY_KEY, LISTS, entries, save_entry
from core.bookings.roster import setters_by_name, unmapped_setters
from core.bookings.setter_reassignment import name_setter
from core.platform.dataframes import records
from core.platform.money import decimal_text as amount
from core.tenancy.access.members import members
from core.ui.page import act, empty, require, say, title
from core.ui.parts.columns import Column, Money, Number, Text
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.tables import table

viewer = require("lists")
title("Lists", viewer)
key = (
    st.selectbox(
        "List",
        list(BY_KEY),
        format_func=lambda name: BY_KEY[name].title,
        key="list",
        bind="query-params",
    )
    or LISTS[0].key
)
kept = BY_KEY[key]
st.caption(kept.explanation)
with viewer.transaction() as db:
    found = entries(db, kept)
    team = members(db)
people = {member.user_id: f"{member.name} · {member.email}" for member in team}
off = {member.user_id for member in team if not member.active}


def fields(row: Any | None) -> dict[str, Any]:
    """The list's fields, filled with what the entry has."""
    made: dict[str, Any] = {"name": st.text_input("Name", value=row.name if row else "")}
    if "email" in kept.fields:
        made["email"] = st.text_input(
            "E-mail address (optional)", value=(row.email or "") if row else ""
        )
    if "aliases" in kept.fields:
        made["aliases"] = words(
            "Other names by which bookings mention them", row.aliases if row else []
        )
    if "utm_values" in kept.fields:
        made["utm_values"] = words("UTM values", row.utm_values if row else [])
    if "price" in kept.fields:
        made["currency"] = (row and row.currency) or viewer.currency
        price = amount(row.price, row.currency) if row and row.price is not None else ""
        made["price"] = st.text_input(
            f"Price in {escape_markdown(made['currency'])} (optional)", value=price
        )
    if "position" in kept.fields:
        made["position"] = st.number_input(
            "Place in the list", 0, 999, value=row.position if row else len(found), step=1
        )
    if "user" in kept.fields:
        held = (
            row.user_id if row and row.user_id in people else None
        )  # also of somebody who is off now: it is still their row
        choices = [None, *(user for user in people if user not in off or user == held)]
        made["user"] = st.selectbox(
            "Signs in as",
            choices,
            index=choices.index(held),
            format_func=lambda user: people.get(user, "Nobody"),
            help="They see the bookings and payments of this row as their own.",
        )
    return made


def words(label: str, present: list[str]) -> list[str]:
    """A field for several words, one a line."""
    return st.text_area(
        label, value="\n".join(present), help="One a line.", height=100
    ).splitlines()


def save(row: Any | None, values: dict[str, Any]) -> None:
    """Keep what was entered, and say how many bookings changed hands by it."""
    with act(viewer) as db:
        moved = save_entry(db, kept, row and row.id, values)
    say(
        "Saved."
        + (
            f" {plural(moved, 'booking is', 'bookings are')} matched anew; payments follow."
            if moved
            else ""
        )
    )
    st.rerun()


if kept.key == "setters":
    with viewer.transaction() as db:
        unknown, known = unmapped_setters(db), setters_by_name(db)
    if len(unknown) and known:
        with st.container(border=True):
            st.markdown(
                "**"
                + plural(
                    len(unknown), "name that bookings mention is", "names that bookings mention are"
                )
                + " on no list**"
            )
            st.caption(
                "Say who is meant, for this and every other booking, or add a setter of this name"
                " below."
            )
            mentions = {
                row["setter_name"]: (
                    f"{row['setter_name']} · {plural(row['bookings'], 'booking', 'bookings')}, "
                    f"last booked {when(row['last_booked_at'], viewer.timezone)}"
                )
                for row in records(unknown)
            }
            with st.form("unknown", border=False):
                mention = st.selectbox(
                    "Bookings say", list(mentions), format_func=mentions.__getitem__
                )
                meant = st.selectbox(
                    "They mean", list(known), index=None, placeholder="Choose a setter"
                )
                sent = st.form_submit_button("That is who it is", type="primary")
            if sent and mention and meant:
                with act(viewer) as db:
                    moved = name_setter(db, mention, known[meant])
                say(f"{plural(moved, 'booking is', 'bookings are')} theirs now; payments follow.")
                st.rerun()

with (
    st.expander(f"Add a {kept.one}", expanded=not found),
    st.form(f"new {key}", clear_on_submit=True),
):
    values = fields(None)
    if st.form_submit_button("Add", type="primary", key=f"add {key}"):
        save(None, values)
if not found:
    empty(f"No {kept.title.lower()} yet", "Add the first one above.")
    st.stop()

shown = pd.DataFrame(
    [
        {
            "name": row.name,
            "state": "In use" if row.active else "Off",
            "email": getattr(row, "email", None),
            "also": ", ".join(
                getattr(row, "aliases", None) or getattr(row, "utm_values", None) or []
            ),
            "user": people.get(getattr(row, "user_id", None) or UUID(int=0)),
            "position": getattr(row, "position", None),
            "price": getattr(row, "price", None),
            "currency": getattr(row, "currency", None),
        }
        for row in found
    ]
)
headings: dict[str, Column] = {
    "name": Text("name", "Name"),
    "email": Text("email", "E-mail"),
    "aliases": Text("also", "Also called"),
    "utm_values": Text("also", "UTM values"),
    "user": Text("user", "Signs in as"),
    "price": Money("price", "Price"),
    "position": Number("position", "Place"),
}
table(shown, key, columns=[*(headings[field] for field in kept.fields), Text("state", "State")])
chosen = st.selectbox(
    "Change",
    [None, *range(len(found))],
    key=f"change {key}",
    placeholder="Choose one",
    format_func=lambda number: "Choose one" if number is None else found[number].name,
)
if chosen is not None:
    row = found[chosen]
    with st.form(f"change {row.id}"):
        st.markdown(f"**{escape_markdown(row.name)}**")
        values = fields(row)
        values["active"] = st.toggle(
            "In use",
            value=row.active,
            help="Off: it can no longer be chosen; what refers to it stays.",
        )
        if st.form_submit_button("Save", type="primary", key=f"save {row.id}"):
            save(row, values)
