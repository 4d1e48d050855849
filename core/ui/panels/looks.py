"""Looks at what providers sent: each stands in the audit log before anything is shown."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from uuid import UUID

import streamlit as st

from core.deliveries.actions import record_look, record_search
from core.platform.clock import now
from core.tenancy.access.viewers import Viewer

PAGE, NOTED = "page that is open", "look that was noted"
AGAIN_AFTER = timedelta(minutes=10)


def page_is_shown(address: str) -> None:
    """Called at each run of a page. A run at another address than that of the run before begins by
    navigation, and after that every look counts anew.
    """
    if st.session_state.get(PAGE) != address:
        st.session_state[PAGE] = address
        st.session_state.pop(NOTED, None)


def note_look(viewer: Viewer, delivery_id: UUID) -> None:
    """Write into the audit log that the viewer opens a delivery: each time that the page is opened,
    and every ten minutes while it is in use.
    """
    if _is_new(delivery_id):
        with viewer.transaction() as db:
            record_look(db, delivery_id)
        _noted(delivery_id)


def note_search(viewer: Viewer, connection_id: UUID, words: str) -> None:
    """Write into the audit log that the viewer searches what came over a connection, as often. What
    they look for, mostly a person's address, stays out of it.
    """
    if _is_new((connection_id, words)):
        with viewer.transaction() as db:
            record_search(db, connection_id)
        _noted((connection_id, words))


def _is_new(look: Hashable) -> bool:
    before, at = st.session_state.get(NOTED, (None, now()))
    return before != look or at < now() - AGAIN_AFTER


def _noted(look: Hashable) -> None:
    st.session_state[NOTED] = (look, now())
