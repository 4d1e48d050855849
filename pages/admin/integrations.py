"""Integrations: the keys with which the product asks other systems, whose accounts they open, and
whether they are still accepted.
"""

from __future__ import annotations

from typing import Any

import streamlit as st
from sqlalchemy import Row
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from core.deliveries.models import KeyStatus
from core.deliveries.queries import recent_messages
from core.messages.actions import slack_webhook_ends_with
from core.messages.sms_outbox import CHANNEL as TEXTS
from core.messages.sms_outbox import post_test_text
from core.platform.clock import now
from core.platform.dataframes import records
from core.providers import registry
from core.providers.credentials import credentials_of
from core.providers.email import delivery_in_words
from core.providers.integrations import enter_key, integrations, remove_key, verify_soon
from core.providers.provider import Field, Provider
from core.ui.page import empty, go, require, title
from core.ui.panels.action import Action
from core.ui.panels.syncs import show_syncs
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.secret_field import forget, secret_field

LOOKED_AT_EVERY_S = 2
USUALLY_WITHIN_S = 40
DONE = (  # after which every form is another one, closed and with what is stored now
    "times that something was done"
)
TEXT_SAID = {
    "sent": "accepted by {by}",
    "uncertain": "it may or may not have been sent, and is not sent again",
    "failed": "not sent",
}
viewer = require("integrations")
title("Integrations", viewer, "Keys are encrypted when you save them and never shown again")


def times_done() -> int:
    """How often something was done on this page: part of the forms' keys."""
    return st.session_state.get(DONE, 0)


def present(field: Field, settings: dict[str, str]) -> str:
    """The field's value in words."""
    return (field.choices or {}).get(settings[field.key], settings[field.key])


def asked(field: Field, provider: str, settings: dict[str, str]) -> str | None:
    """One thing that is asked beside the key, with its present value."""
    key, value = f"{provider} {field.key} {times_done()}", settings.get(field.key)
    if field.choices:
        choices = list(field.choices)
        index = choices.index(value) if value in choices else 0
        return st.selectbox(
            field.label, choices, index=index, format_func=field.choices.__getitem__, key=key
        )
    return st.text_input(
        field.label, value=value or "", placeholder=field.example, autocomplete="off", key=key
    )


def form(provider: str, row: Row[Any] | None) -> Action | None:
    """The key, and what else the provider is asked with. What was typed is forgotten before
    anything is done with it.
    """
    of, place = credentials_of(provider), st.container()
    typed = f"{provider} key {times_done()}"
    with st.form(f"{provider} form {times_done()}", border=False, clear_on_submit=True):
        st.caption(of.where)
        answers = {
            field.key: asked(field, provider, row.settings if row else {}) for field in of.fields
        }
        hint = "Leave empty to keep the stored one" if row and of.fields else None
        secret = secret_field(of.key_name, typed, placeholder=hint)
        sent = st.form_submit_button("Save and verify", type="primary", key=f"{provider} save")
    if not sent:
        return None
    forget(typed)
    return Action(
        place,
        lambda db: enter_key(db, provider, secret, answers),
        f"Saved. The key is being checked with {registry.provider(provider).label}.",
    )


def how_it_stands(row: Row[Any], of: Provider) -> None:
    """What the provider answered when it was last asked."""
    known = (
        f"accepted {when(row.last_verified_at, viewer.timezone)} for"
        f" {escape_markdown(row.account_name or '')}"
        if row.last_verified_at
        else ""
    )
    if row.status == KeyStatus.VERIFIED:
        st.markdown(f":material/check_circle: Verified: {known}")
        if row.remark:
            st.warning(escape_markdown(row.remark), icon=":material/warning:")
        return
    tried = when(row.updated_at, viewer.timezone)
    before = f"  \nBefore that it was {known}." if known else ""
    if row.status == KeyStatus.REFUSED:
        st.error(
            f"**Not accepted**, {tried}. {escape_markdown(row.last_error)}{before}",
            icon=":material/error:",
        )
    else:
        again = "It is tried again every hour."
        st.warning(
            f"**Could not be verified**, {tried}. {escape_markdown(row.last_error)}"
            f" {again}{before}",
            icon=":material/warning:",
        )


@st.fragment(run_every=LOOKED_AT_EVERY_S)
def wait_for(provider: str) -> None:
    """Looked at again every moment until the provider has answered."""
    viewer = require("integrations", live=True)
    with viewer.transaction() as db:
        row = next((row for row in integrations(db) if row.provider == provider), None)
    if row is None or row.status != KeyStatus.CHECKING:
        st.rerun()
    label = registry.provider(provider).label
    st.markdown(f":material/hourglass_top: Checking the key with {label} …")
    if (now() - row.updated_at).total_seconds() > USUALLY_WITHIN_S:
        st.caption(
            "This takes longer than usual: check on Go-live that a worker is running. The key is"
            " saved."
        )


@st.fragment(run_every=LOOKED_AT_EVERY_S)
def wait_for_text() -> None:
    """Looked at again every moment until it is known what became of the last text."""
    viewer = require("integrations", live=True)
    with viewer.transaction() as db:
        last = last_text(db)
    if last is None or last["status"] in TEXT_SAID:
        st.rerun()
    st.caption(
        f"Last text, {when(last['created_at'], viewer.timezone)}: on its way."
        f" {escape_markdown(last['last_error'] or '')}"
    )


def last_text(db: Session) -> dict[str, Any] | None:
    """The last text to anybody, with what became of it."""
    return next(iter(records(recent_messages(db, TEXTS, limit=1))), None)


def how_texts_went(by: str) -> None:
    """What became of the last text, in words."""
    if text is None:
        return
    if text["status"] not in TEXT_SAID:
        wait_for_text()
        return
    why = f": {text['last_error']}" if text["last_error"] else "."
    outcome = TEXT_SAID[text["status"]].format(by=by)
    st.caption(
        f"Last text, {when(text['created_at'], viewer.timezone)}: {outcome}{escape_markdown(why)}"
    )


def test_text(place: DeltaGenerator, by: str) -> Action | None:
    """The number that a test text is sent to."""
    with st.form(f"test text {times_done()}", border=False, clear_on_submit=True):
        number = st.text_input(
            "Phone number",
            placeholder="+45 20 12 34 56",
            autocomplete="off",
            key=f"number {times_done()}",
        )
        st.caption(f"{by} charges for this text. People who unsubscribed receive none.")
        sent = st.form_submit_button("Send", type="primary", key="test text send")
    if not sent:
        return None
    said = "The test text is on its way."
    return Action(place, lambda db: post_test_text(db, number, viewer.name), said)


def texting(row: Row[Any], place: DeltaGenerator) -> Action | None:
    """A test text, where the key is good for one."""
    sender = credentials_of(row.provider).text_sender
    if sender is None or row.status != KeyStatus.VERIFIED:
        return None
    if sender not in row.settings:
        st.caption("No texts are sent yet: add a sender with Replace.", width="content")
        return None
    with st.popover("Send a test text", key=f"test text {times_done()} open"):
        return test_text(place, registry.provider(row.provider).label)


def show_stored(row: Row[Any]) -> Action | None:
    """A key that is stored: how it stands, and what can be done with it."""
    of, action = registry.provider(row.provider), None
    credentials = credentials_of(row.provider)
    with st.container(border=True):
        place = st.container()
        st.markdown(
            f"**{of.label}** · {of.use}"
            + (f" · key ending in {escape_markdown(row.last_four)}" if row.last_four else "")
        )
        if told := [
            f"{field.label}: {present(field, row.settings)}"
            for field in credentials.fields
            if field.key in row.settings
        ]:
            st.caption(escape_markdown(" · ".join(told)))
        if row.status == KeyStatus.CHECKING:
            wait_for(row.provider)
        else:
            how_it_stands(row, of)
        if credentials.text_sender:
            how_texts_went(of.label)
        if of.syncs and row.status == KeyStatus.VERIFIED:
            action = show_syncs(viewer, row.provider, place)
        with st.container(horizontal=True):
            if st.button("Verify now", key=f"{row.provider} verify"):
                action = Action(place, lambda db: verify_soon(db, row.id), "")
            with st.popover("Replace", key=f"{row.provider} replace {times_done()}"):
                action = form(row.provider, row) or action
            action = texting(row, place) or action
            with st.popover("Remove", key=f"{row.provider} remove"):
                st.markdown(
                    f"The key is deleted here. At {of.label} it stays valid until you revoke it"
                    " there."
                )
                if st.button("Remove key", key=f"{row.provider} removed", type="primary"):
                    action = Action(
                        place,
                        lambda db: remove_key(db, row.id),
                        f"The {of.label} key is removed.",
                    )
    return action


def offered(provider: str) -> Action | None:
    """A provider of which no key is stored."""
    of = registry.provider(provider)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown(f"**{of.label}** · {of.use}", width="content")
        with st.popover("Add key", key=f"{provider} enter"):
            return form(provider, None)


with viewer.transaction() as db:
    rows = integrations(db)
    slack, text = slack_webhook_ends_with(db), last_text(db)
st.subheader("Keys")
if not rows:
    empty(
        "No keys yet",
        "Add one below. It is checked with its provider at once, and then once a day.",
    )
actions = [show_stored(row) for row in rows]
stored = {row.provider for row in rows}
if missing := [provider for provider in registry.with_credentials() if provider not in stored]:
    st.subheader("Add a key")
    with st.container(border=True):
        actions += [offered(provider) for provider in missing]

st.subheader("Set up elsewhere")
with st.container(border=True):
    st.markdown(
        "**Slack** · Reports · "
        + (
            f"the webhook ends with {escape_markdown(slack)}"
            if slack
            else "no webhook of your own yet"
        )
    )
    go("reports", "Slack reports")
    st.markdown(
        f"**E-mail** · {delivery_in_words()}. It is set up by whoever runs the installation."
    )
    st.markdown("**Webhooks** · deliveries from providers have signing secrets of their own.")
    go("connections", "Connections")

for action in filter(None, actions):
    action.run(viewer)
    st.session_state[DONE] = times_done() + 1
    st.rerun()
