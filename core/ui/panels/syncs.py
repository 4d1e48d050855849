"""What is read from a provider: how the last run of each sync went, its progress while it runs, and
starting, stopping and looking back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from core.deliveries.models import OPEN_SYNCS, SyncStatus
from core.platform.clock import day_start, today
from core.platform.notation import notation
from core.providers import registry
from core.providers.provider import Sync
from core.providers.sync_runs import cancel, is_dead, latest_runs, runs_of
from core.providers.syncs import ask_for_run
from core.tenancy.access.viewers import Viewer
from core.ui.page import require
from core.ui.panels.action import Action
from core.ui.parts.columns import Moment, Number, Text, Word
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.tables import plain_table

LOOKED_AT_EVERY_S = 2
LOOKED_BACK = 20
COLUMNS = ["asked_at", "label", "status", "seen", "written", "error"]


def show_syncs(viewer: Viewer, provider: str, place: DeltaGenerator) -> Action | None:
    """The provider's syncs, each with what can be done; refusals are shown in ``place``."""
    with viewer.transaction() as db:
        latest = latest_runs(db)
    action = None
    for sync in registry.provider(provider).syncs:
        run = latest.get((provider, sync.what))
        if run is not None and _is_open(run):
            _wait_for(provider, sync.what)
        else:
            st.markdown(_how_it_went(viewer, sync, run))
        with st.container(horizontal=True):
            action = _offered(viewer, provider, sync, run, place) or action
    with st.popover("History", key=f"{provider} history"):
        _show_history(viewer, provider)
    return action


def _is_open(run: Any) -> bool:
    return run.status in OPEN_SYNCS and not is_dead(run)


def _offered(
    viewer: Viewer, provider: str, sync: Sync, run: Any, place: DeltaGenerator
) -> Action | None:
    key = f"{provider} {sync.what}"
    if run is not None and _is_open(run):
        stops = st.button("Stop", key=f"{key} stop", disabled=run.cancel_asked_at is not None)
        done = "It stops after the page in hand. What was read stays."
        return Action(place, lambda db: cancel(db, run.id), done) if stops else None
    done = f"{sync.label} are being read."
    if st.button("Sync now", key=f"{key} sync"):
        return Action(place, lambda db: ask_for_run(db, provider, sync.what), done)
    with st.popover("Read a period again", key=f"{key} period"):
        day = st.date_input(
            "From this day on",
            today(viewer.timezone) - timedelta(days=90),
            max_value=today(viewer.timezone),
            format=notation().typed_day,
            key=f"{key} since",
        )
        st.caption("What is known already is not doubled.")
        if st.button("Read", key=f"{key} read", type="primary"):
            since = day_start(day, viewer.timezone)
            return Action(place, partial(_read_again, provider, sync.what, since), done)
    return None


def _read_again(provider: str, what: str, since: datetime, db: Session) -> None:
    ask_for_run(db, provider, what, since)


def _how_it_went(viewer: Viewer, sync: Sync, run: Any) -> str:
    """The last run in a sentence, an unfinished one as such."""
    if run is None:
        return f"**{sync.label}** · not read yet"
    at = when(run.ended_at or run.leased_until, viewer.timezone)
    counted = f"{notation().number(run.seen)} read, {notation().number(run.written)} changed"
    match run.status:
        case SyncStatus.SUCCESS:
            return f":material/check_circle: **{sync.label}** · {at} · {counted}"
        case SyncStatus.CANCELLED:
            return f":material/stop_circle: **{sync.label}** · stopped {at} · {counted}"
        case SyncStatus.DEFERRED:
            again = when(run.retry_at, viewer.timezone)
            said = escape_markdown(run.error or "")
            return (
                f":material/hourglass_top: **{sync.label}** · {said} It goes on {again} · {counted}"
            )
    said = escape_markdown(run.error or "The process that ran it ended before it was done.")
    return f":material/error: **{sync.label}** · failed {at} · {counted}  \n{said}"


@st.fragment(run_every=LOOKED_AT_EVERY_S)
def _wait_for(provider: str, what: str) -> None:
    """Looked at again every moment until the run has ended."""
    viewer = require("integrations", live=True)
    with viewer.transaction() as db:
        run = latest_runs(db).get((provider, what))
    if run is None or not _is_open(run):
        st.rerun()
    label = next(each.label for each in registry.provider(provider).syncs if each.what == what)
    if run.status == SyncStatus.WAITING:
        st.markdown(f":material/hourglass_top: **{label}** · waiting for a worker …")
        return
    counted = f"{notation().number(run.seen)} read, {notation().number(run.written)} changed"
    reached = f" · {escape_markdown(run.reached)}" if run.reached else ""
    st.markdown(f":material/sync: **{label}** · reading … {counted}{reached}")


def _show_history(viewer: Viewer, provider: str) -> None:
    with viewer.transaction() as db:
        runs = runs_of(db, provider, LOOKED_BACK)
        labels = {each.what: each.label for each in registry.provider(provider).syncs}
        listed = [
            {
                "asked_at": run.asked_at,
                "label": labels.get(run.what, run.what),
                "status": str(run.status),
                "seen": run.seen,
                "written": run.written,
                "error": run.error or "",
            }
            for run in runs
        ]
    if not listed:
        st.caption("Nothing was read yet.")
        return
    plain_table(
        pd.DataFrame(listed, columns=COLUMNS),
        f"{provider} runs",
        columns=[
            Moment("asked_at", "Asked", viewer.timezone),
            Text("label", "What"),
            Word("status", "Outcome", SyncStatus),
            Number("seen", "Read"),
            Number("written", "Changed"),
            Text("error", "Why"),
        ],
    )
