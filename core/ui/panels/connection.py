"""One connection: its address, whether it works and why not, and what an admin does with it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st
from sqlalchemy.orm import Session

from core.deliveries.actions import (
    delete_connection,
    end_previous_secret,
    pause,
    rename_connection,
    replay_deliveries,
    resume,
    rotate_secret,
)
from core.deliveries.models import DeliveryStatus, WebhookConnection
from core.deliveries.queries import connection_state, count_replayable, last_by_previous_secret
from core.operations.trial_delivery import send_test_delivery
from core.platform.clock import now, today
from core.platform.errors import InvalidInput
from core.platform.notation import notation
from core.providers import registry
from core.providers.connections import check_signing_secret
from core.tenancy.access.viewers import Viewer
from core.ui.page import act, require
from core.ui.panels.action import Action
from core.ui.panels.deliveries import as_sentence
from core.ui.parts.confirmation import confirm_by_typing
from core.ui.parts.format import escape_markdown, plural, when
from core.ui.parts.popovers import closing_popover
from core.ui.parts.secret_field import forget, secret_field

HEALTH = {
    "well": "Deliveries arrive and are processed.",
    "never used": "Nothing has arrived yet.",
    "off": "Switched off: deliveries are refused.",
    "paused": "Paused: deliveries are accepted and held until you resume.",
    "refusing": "Deliveries arrive and are refused.",
    "failing": "Some deliveries could not be processed; see why below.",
    "silent": "Nothing has arrived for days.",
    "deleted": "Deleted: nothing is accepted at its address any more. Its deliveries stay.",
}
# What the receiver says of a delivery that it refuses, in words that help.
REFUSALS = {
    "no matching signature": "The signature does not fit the signing secret that is stored here."
    " Copy the secret from the provider again and enter it with “Rotate secret”.",
    "no signature": "They are not signed. Switch signing on at the provider, or check whether"
    " something else posts to this address.",
}
OTHER = (
    "The signature cannot be checked. Check whether the address and the signing secret are those of"
    " this provider's account."
)
TYPED = "new signing secret"
OLD_ENDS = (
    "The secret of before the last rotation is still valid. Another rotation ends it at once:"
    " deliveries signed with it are then refused. Tick the box to go on."
)
USUALLY_WITHIN_S, NEWS_FOR = 15, timedelta(hours=1)
# Which of its results was the latest when a test was asked for, and since when it is waited for.
ASKED = "test delivery asked for"


def show_state(viewer: Viewer, connection: WebhookConnection) -> None:
    """Whether it works, looked at again every few seconds, and more often while a test runs."""
    is_waiting = ASKED in st.session_state
    st.fragment(_show_state, run_every=1 if is_waiting else 5)(connection.id)


def _show_state(connection_id: UUID) -> None:
    viewer = require("connections", live=True)
    with viewer.transaction() as db:
        state = connection_state(db, connection_id)
    if state is None:
        return
    zone = viewer.timezone
    count = plural(state["webhook_count"], "delivery", "deliveries")
    st.markdown(f"{HEALTH[state['health']]} {count} so far.")
    if state["held"]:
        st.info(f"{plural(state['held'], 'delivery', 'deliveries')} on hold.")
    if state["refused_count"]:
        st.error(
            f"{plural(state['refused_count'], 'delivery', 'deliveries')} refused since"
            f" {when(state['refused_since'], zone)}: {REFUSALS.get(state['refusal'], OTHER)}"
        )
    if state["last_error"] and state["dead"]:
        st.warning(
            f"Last failure, {when(state['last_error_at'], zone)}:"
            f" {escape_markdown(as_sentence(state['last_error']))}"
        )
    _show_test(connection_id, state, zone)


def _show_test(connection_id: UUID, state: dict[str, Any], zone: str) -> None:
    """How the latest test delivery ended, or that one is on its way."""
    asked = st.session_state.get(ASKED)
    if asked and asked[:2] == (connection_id, state["tested_at"]):
        st.info("Sending a test delivery …", icon=":material/hourglass_top:")
        if (now() - asked[2]).total_seconds() > USUALLY_WITHIN_S:
            st.warning("No worker has sent it yet. Check on Go-live that a worker is running.")
        return
    if asked:
        del st.session_state[ASKED]
        st.rerun()
    if state["tested_at"] is None:
        return
    at = when(state["tested_at"], zone)
    if state["test_error"]:
        st.error(f"Test delivery failed, {at}: {escape_markdown(state['test_error'])}")
    elif state["tested_at"] > now() - NEWS_FOR:
        st.success(
            f"Test delivery received, {at}. The address and the receiver work. Only a delivery from"
            " the provider itself can show that the signing secret is the right one."
        )
    else:
        st.caption(f"Last test delivery received, {at}.")


def offer_actions(viewer: Viewer, connection: WebhookConnection) -> Action | None:
    """What an admin does with a connection; returns what was asked for."""
    with st.container(horizontal=True):
        tested = st.button("Send test delivery", type="primary", disabled=not connection.active)
        action = _offer_pause(connection)
        with closing_popover("Rename", "rename"):
            action = _offer_rename(connection) or action
        with closing_popover("Rotate secret", "rotate secret"):
            action = _offer_rotation(connection) or action
        with closing_popover("Replay", "replay"):
            action = _offer_replay(viewer, connection) or action
    if tested:
        _ask_for_test(viewer, connection)
    if _has_previous_secret(connection):
        action = _show_previous_secret(viewer, connection) or action
    return action


def _ask_for_test(viewer: Viewer, connection: WebhookConnection) -> None:
    with act(viewer) as db:
        state = connection_state(db, connection.id) or {}
        send_test_delivery.later(db, connection.id)
    st.session_state[ASKED] = (connection.id, state.get("tested_at"), now())
    st.rerun()


def _offer_pause(connection: WebhookConnection) -> Action | None:
    if connection.active and connection.paused_at is None:
        label, do, done = "Pause", pause, "Paused: deliveries are held until you resume."
    else:
        label, do, done = "Resume", resume, "Resumed: held deliveries are being processed."
    if not st.button(label):
        return None
    return Action(st.container(), lambda db: do(db, connection.id), done)


def _offer_rename(connection: WebhookConnection) -> Action | None:
    with st.form("rename", border=False):
        name = st.text_input("Name", value=connection.name, key="another name")
        place = st.container()
        sent = st.form_submit_button("Save", type="primary")
    if not sent:
        return None
    return Action(place, lambda db: rename_connection(db, connection.id, name), "Renamed.")


def _has_previous_secret(connection: WebhookConnection) -> bool:
    """Whether the secret of before the last rotation is still valid."""
    until = connection.previous_secret_until
    return until is not None and until > now()


def _offer_rotation(connection: WebhookConnection) -> Action | None:
    """While an old secret is valid, another rotation ends it, and so is asked about."""
    with st.form("secret", border=False):
        hint = registry.inbound(connection.provider).signing_hint
        secret = secret_field("New signing secret", TYPED, hint=hint)
        of_secret = st.container()
        st.caption(
            "For 24 hours deliveries signed with the old or the new secret are accepted, so"
            " that none is lost while the provider changes over. You can end the old one earlier."
        )
        is_sure = not _has_previous_secret(connection) or st.checkbox(
            "End the old secret, which is still valid", help=OLD_ENDS
        )
        place = st.container()
        sent = st.form_submit_button("Rotate", type="primary")
    if not sent:
        return None
    forget(TYPED)

    def rotate(db: Session) -> None:
        check_signing_secret(connection.provider, secret)
        if not is_sure:
            raise InvalidInput(OLD_ENDS)
        rotate_secret(db, connection.id, secret)

    done = "The new secret is stored. Both are valid for 24 hours."
    return Action(place, rotate, done, {"secret": of_secret})


def _show_previous_secret(viewer: Viewer, connection: WebhookConnection) -> Action | None:
    with viewer.transaction() as db:
        last = last_by_previous_secret(db, connection)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        used = f"last used {when(last, viewer.timezone)}" if last else "not used since the rotation"
        until = when(connection.previous_secret_until, viewer.timezone)
        st.markdown(f"The old secret is valid until {until}; {used}.")
        if not st.button("End it now"):
            return None
    done = "The old secret is no longer valid."
    return Action(st.container(), lambda db: end_previous_secret(db, connection.id), done)


def _offer_replay(viewer: Viewer, connection: WebhookConnection) -> Action | None:
    """The count stands before the button, since nobody takes a replay back."""
    zone = ZoneInfo(viewer.timezone)
    states = {
        state.label: state
        for state in (DeliveryStatus.DEAD, DeliveryStatus.PROCESSED, DeliveryStatus.IGNORED)
    }
    day = st.date_input(
        "Received since",
        today(viewer.timezone) - timedelta(days=1),
        min_value=connection.created_at.astimezone(zone).date() - timedelta(days=1),
        key="replay since",
        format=notation().typed_day,
    )
    at = st.time_input("Time", time(0), key="replay from")
    chosen = st.pills(
        "Outcome",
        list(states),
        selection_mode="multi",
        default=list(states),
        key="replay outcomes",
    )
    since = datetime.combine(day, at, zone)
    wanted = [states[label] for label in chosen]
    with viewer.transaction() as db:
        count = count_replayable(db, connection.id, since, wanted) if wanted else 0
    st.caption("Replaying again makes the same rows, never second ones.")
    number = plural(count, "delivery", "deliveries")
    if not st.button(f"Replay {number}", type="primary", disabled=not count):
        return None
    return Action(
        st.container(),
        lambda db: replay_deliveries(db, connection.id, since=since, states=wanted),
        f"{number} to be replayed.",
    )


def offer_replay_of_failed(connection: WebhookConnection, failed: int) -> Action | None:
    """All that failed at once, after what stood in their way is mended."""
    label = f"Replay {plural(failed, 'failed delivery', 'failed deliveries')}"
    if not failed or not st.button(label, icon=":material/replay:"):
        return None
    return Action(
        st.container(),
        lambda db: replay_deliveries(db, connection.id, states=[DeliveryStatus.DEAD]),
        "The failed deliveries are being replayed.",
    )


def offer_deletion(viewer: Viewer, connection: WebhookConnection) -> None:
    """The name is typed, since the address is gone for good."""
    name = escape_markdown(connection.name)
    typed = confirm_by_typing(
        "Delete connection",
        "delete connection",
        warning="Nothing is accepted at its address from then on, and its secret is deleted. Its"
        " deliveries stay, with all bookings and payments that came over it.",
        prompt=f"Type {name} to confirm",
        button="Delete",
    )
    if typed is not None:
        with act(viewer, f"{connection.name} is deleted.") as db:
            delete_connection(db, connection.id, typed)
        del st.query_params["id"]
        st.rerun()
