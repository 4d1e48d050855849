"""Lists that the organisation keeps: closers, setters, sources, packages, reasons; added to,
renamed, switched off.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st

from core.bookings.lists import BY_KEY, LISTS, NameTaken, entries, save_entry, values_of
from core.bookings.models import Closer
from core.bookings.roster import setters_by_name, unmapped_setters
from core.bookings.setter_reassignment import name_setter
from core.platform.dataframes import records
from core.platform.money import shown as shown_amount
from core.platform.names import LONGEST_NAME
from core.tenancy.access.members import members
from core.ui.page import act, empty, require, say, title
from core.ui.parts.columns import Column, Money, Number, Text
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.forms import Form, shown_value
from core.ui.parts.tables import table

POSITIONS = {"min_value": 0, "max_value": 999}

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


def in_words(field: str, value: Any) -> str:
    """What a field of an entry has, as people read it."""
    if field == "user_id":
        return people.get(value, "Nobody")
    if field == "price" and value is not None:
        return shown_amount(value, viewer.currency if chosen is None else found[chosen].currency)
    return shown_value(field, value)


def draw_fields(form: Form, row: Any | None) -> None:
    """The list's fields, filled with what the entry has."""
    has = form.read
    form.field("name", "Name", st.text_input, value=has.get("name", ""), max_chars=LONGEST_NAME)
    if form.refused_with(NameTaken) and kept.table is Closer:
        form.field("is_namesake", "They are two people of one name", st.checkbox)
    if "email" in kept.fields:
        form.field(
            "email",
            "E-mail address (optional)",
            st.text_input,
            value=has.get("email") or "",
            autocomplete="off",
        )
    if "aliases" in kept.fields:
        draw_words(form, "aliases", "Other names that bookings use for them")
    if "utm_values" in kept.fields:
        draw_words(form, "utm_values", "UTM values")
    if "price" in kept.fields:
        currency = has.get("currency") or viewer.currency
        price = has.get("price")
        text = "" if price is None else shown_amount(price, currency)
        form.amount("price", "Price, optional", currency, text)
        form.typed["currency"] = currency
    if "position" in kept.fields:
        place = has.get("position", len(found))
        form.field("position", "Position", st.number_input, value=place, step=1, **POSITIONS)
    if "user_id" in kept.fields:
        draw_user(form)
    if row is not None:
        form.field(
            "active",
            "Active",
            st.toggle,
            value=has["active"],
            help="Off: it can no longer be chosen; what refers to it stays.",
        )


def draw_user(form: Form) -> None:
    """As which member a closer or setter signs in."""
    known = form.read.get("user_id")
    held = known if known in people else None
    # also of somebody who is off now: it is still their row
    choices = [None, *(user for user in people if user not in off or user == held)]
    form.field(
        "user_id",
        "Signs in as",
        st.selectbox,
        options=choices,
        index=choices.index(held),
        format_func=lambda user: people.get(user, "Nobody"),
        help="They see the bookings and payments of this row as their own.",
    )


def draw_words(form: Form, name: str, label: str) -> None:
    """A field for several words, one a line."""
    present = "\n".join(form.read.get(name, []))
    form.field(name, label, st.text_area, value=present, help="One per line.", height=100)
    form.typed[name] = form.typed[name].splitlines()


def save(form: Form, row: Any | None) -> None:
    """Save what was entered, and say how many bookings changed hands by it."""
    with act(viewer, form=form) as db:
        values = {"is_namesake": False} | form.typed
        if "price" in values:
            values["price"] = values["price"].checked("price")
        moved = save_entry(db, kept, row and row.id, values, form.read if row else None)
    say(
        "Saved."
        + (
            f" {plural(moved, 'booking is', 'bookings are')} matched again; payments follow."
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
            st.markdown(f"**{plural(len(unknown), 'setter name is', 'setter names are')} unknown**")
            st.caption(
                "Bookings name somebody who is on no list. Choose who is meant, for all their"
                " bookings, or add a setter of this name below."
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
                    "Name in bookings", list(mentions), format_func=mentions.__getitem__
                )
                meant = st.selectbox(
                    "Setter", list(known), index=None, placeholder="Choose a setter"
                )
                sent = st.form_submit_button("Match", type="primary")
            if sent and mention and meant:
                with act(viewer) as db:
                    moved = name_setter(db, mention, known[meant])
                say(f"{plural(moved, 'booking is', 'bookings are')} theirs now; payments follow.")
                st.rerun()

with st.expander(f"Add a {kept.one}", expanded=not found):
    form = Form(f"new {key}")
    with form.drawn(border=False):
        draw_fields(form, None)
        sent = st.form_submit_button("Add", type="primary", key=f"add {key}")
    if sent:
        save(form, None)
if not found:
    empty(f"No {kept.title.lower()} yet", "Add the first one above.")
    st.stop()

shown = pd.DataFrame(
    [
        {
            "name": row.name,
            "state": "Active" if row.active else "Inactive",
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
    "user_id": Text("user", "Signs in as"),
    "price": Money("price", "Price"),
    "position": Number("position", "Position"),
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
    form = Form(f"change {row.id}", values_of(kept, row), in_words=in_words)
    with form.drawn():
        st.markdown(f"**{escape_markdown(row.name)}**")
        draw_fields(form, row)
        sent = st.form_submit_button("Save", type="primary", key=f"save {row.id}")
    if sent:
        save(form, row)
