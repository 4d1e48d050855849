"""Privacy: what is known of a person, handed out or erased."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from uuid import UUID

import streamlit as st
from sqlalchemy.orm import Session

from core.deliveries.models import DeliverySettings
from core.messages.suppression_list import unsubscribe
from core.operations.person_erasure import accept_again, erase_person, erase_person_of
from core.operations.personal_data import KnownPerson, find_person, find_person_of, name_of
from core.platform.errors import SalesOpsError
from core.platform.normalization import normalize_email
from core.tenancy.organizations.queries import settings_of
from core.ui.page import act, empty, go, require, title
from core.ui.parts.confirmation import confirm_by_typing
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.query_params import ORGANIZATION, id_from_address

Erase = Callable[[Session, str], None]
viewer = require("privacy")
title("Privacy", viewer, "Exports and erasures are recorded in the audit log.")
with viewer.transaction() as db:
    days = settings_of(db, DeliverySettings).raw_delivery_days
kept = f"for {plural(days, 'day', 'days')}" if days else "without a time limit"
st.caption(f"Raw deliveries and links to recordings are kept {kept}.")
contact_id = id_from_address("contact")
with st.form("find"):
    email = (st.text_input("E-mail address of the person", key="whose") or "").strip()
    st.form_submit_button("Find", type="primary")


def show_consent(person: KnownPerson) -> None:
    """Whether they are written to, and the button for who asks not to be."""
    if person.unsubscribed_at:
        st.caption(
            "Unsubscribed from e-mails and text messages"
            f" {when(person.unsubscribed_at, viewer.timezone)}."
        )
        go("blocked-addresses", "Blocked addresses")
    elif person.emails and st.button(
        "Unsubscribe",
        help="Stops e-mails and text messages. What they request themselves is still sent.",
    ):
        with act(viewer, "Unsubscribed.") as db:
            unsubscribe(db, viewer, normalize_email(email) or person.emails[0])
        st.rerun()


def erase_of(contact_id: UUID) -> Erase:
    """The erasure of the person whose contact this is."""
    return lambda db, typed: erase_person_of(db, contact_id, typed=typed)


def show(person: KnownPerson, asked: dict[str, str], proof: str, erase: Erase) -> None:
    """What is known, and what can be done with it: ``asked`` is how the export finds the person,
    and ``proof`` what is typed to have ``erase`` erase them.
    """
    with st.container(border=True):
        facts = {
            "Addresses": person.emails,
            "Names": person.names,
            "Phones": person.phones,
            "Bookings": [str(person.rows["events"])],
            "Payments": [str(person.rows["payments"])],
        }
        for name, values in facts.items():
            st.text(f"{name}: {', '.join(values) or '–'}")
        if person.contacts:
            show_consent(person)
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value, quote=True)}">'
        for name, value in (asked | {ORGANIZATION: str(viewer.organization_id)}).items()
    )
    st.html(
        f'<form class="so-form" method="post" action="/exports/person">{fields}<button>Download'
        " this person's data</button></form>"
    )
    typed = confirm_by_typing(
        "Erase this person",
        "erase",
        warning=(
            "Names, addresses, phone numbers, answers, notes and recording links are removed, also"
            " from raw deliveries and the audit log. Bookings, payments, payouts and all figures"
            " stay. This cannot be undone. Later deliveries about these addresses are stored"
            " without personal details until you accept the address again here."
        ),
        prompt=f"Type {proof} to confirm",
        button="Erase",
    )
    if typed is not None:
        with act(viewer, "Erased.") as db:
            erase(db, typed)
        st.rerun()


if contact_id and not email:
    try:
        with viewer.transaction() as db:
            found, name = find_person_of(db, contact_id), name_of(db, contact_id)
    except SalesOpsError as error:
        st.info(escape_markdown(error.message))
        st.stop()
    show(
        found,
        {"contact": str(contact_id)},
        f"“{escape_markdown(name)}”",
        erase_of(contact_id),
    )
    go("contact", "View the contact", id=str(contact_id))
    st.stop()
if not email:
    empty("No person selected", "Enter an e-mail address to view, export or erase a person's data.")
    st.stop()
try:
    with viewer.transaction() as db:
        found = find_person(db, email)
except SalesOpsError as error:
    st.info(escape_markdown(error.message))
    st.stop()
if found.erased:
    st.success("This address is erased. Deliveries about it are stored without personal details.")
    if st.button(
        "Accept this address again",
        help="For a person who comes back. What was erased stays erased.",
    ):
        with act(
            viewer, "Accepted. Deliveries about this address are stored in full from now on."
        ) as db:
            accept_again(db, email)
        st.rerun()
if found.is_known or not found.erased:
    show(
        found,
        {"email": email},
        "the address",
        lambda db, typed: erase_person(db, email, typed=typed),
    )
go("settings", "Change how long data is kept in Settings")
