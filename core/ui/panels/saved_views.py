"""Saved views of a list, above its table: what the address shows, under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.metrics.custom import custom_dimensions
from core.tenancy.access.list_views import (
    GONE,
    Address,
    SavedView,
    choose_default,
    delete_view,
    list_choice,
    rename_view,
    replace_view,
    save_view,
    saved_views,
    share_view,
)
from core.tenancy.access.viewers import Viewer
from core.ui.navigation import jump
from core.ui.page import act
from core.ui.parts.drill import address, link_to_rows, switch_to_rows
from core.ui.parts.format import escape_markdown
from core.ui.parts.own_columns import know_columns, own_columns
from core.ui.parts.popovers import closing_popover
from core.ui.parts.query_params import ORGANIZATION, id_from_address

OPEN = "open"  # the view to open, in a link to it
SAVED = "saved"  # the view that was opened, beside what it shows
WHOLE = "all"  # no view, not even the reader's own default
# What the address says of any list. What somebody searches for is mostly a person's name: a view
# does not hold it.
OF_LIST = ("sort", "columns")


@dataclass(frozen=True)
class SavedList:
    """A list with saved views: its screen, the key of its table, and by which parameters of the
    address the screen narrows it. A view holds these, the order and the columns, and nothing else
    that stands in an address.
    """

    screen: str
    key: str
    filters: tuple[str, ...]

    def held(self, address: Address) -> dict[str, Sequence[str]]:
        """What a view holds of an address."""
        known = {*self.filters, *(f"{self.key}.{what}" for what in OF_LIST)}
        return {name: values for name, values in address.items() if name in known}


def offer_saved_views(viewer: Viewer, screen: str, key: str, *filters: str) -> None:
    """The control above the list ``key`` of ``screen``, which is narrowed by these parameters and
    by the organisation's own questions. It comes before the list's filters, since it may lead to
    another address: that of the view which the address names, or of the one that the list opens
    with for the viewer when the address is bare.
    """
    with viewer.transaction() as db:
        this = SavedList(screen, key, (*filters, *custom_dimensions(db)))
        views = saved_views(db, key, viewer)
        choice = list_choice(db, key, viewer)
        default = choice.default_view_id if choice else None
        know_columns(key, choice.columns if choice else [])
    _open_asked(this, views, default)
    current = _by_id(views, id_from_address(SAVED))
    with closing_popover(_label(current), f"{key} views", icon=":material/bookmark:"):
        _list_views(screen, views, default)
        if current is not None:
            _offer_changes(viewer, this, current, is_default=current.id == default)
        _offer_to_save(viewer, this)


def link_saved_views(viewer: Viewer, screen: str, key: str) -> None:
    """The views of the list as links on the page itself, for a screen that is mostly opened for
    one of them.
    """
    with viewer.transaction() as db:
        views = saved_views(db, key, viewer)
    if not views:
        return
    st.caption("Saved selections")
    with st.container(horizontal=True):
        for view in views:
            link_to_rows(address(screen, {OPEN: str(view.id)}), view.name)


def _open_asked(this: SavedList, views: Sequence[SavedView], default: UUID | None) -> None:
    here = {
        name: st.query_params.get_all(name) for name in (ORGANIZATION,) if st.query_params.get(name)
    }
    is_bare = not set(st.query_params) - {ORGANIZATION}
    asked = default if is_bare else id_from_address(OPEN)
    view = _by_id(views, asked)
    if view is not None:
        _open(this, view, here)
    if default is not None and not is_bare and SAVED not in st.query_params:
        # When the reader takes the last filter off, this is not to be the default view.
        st.query_params[SAVED] = WHOLE
    if OPEN in st.query_params:
        st.warning(GONE)
        st.query_params.pop(OPEN)


def _open(this: SavedList, view: SavedView, here: Mapping[str, Sequence[str]]) -> NoReturn:
    """Within a window Streamlit gives no new value to a parameter that a widget is bound to: then
    the page is loaded afresh.
    """
    try:
        jump(this.screen, **{**this.held(view.address), **here, SAVED: str(view.id)})
    except StreamlitAPIException:
        _load(this.screen, view.id)


def _load(screen: str, view_id: UUID) -> NoReturn:
    switch_to_rows(address(screen, {OPEN: str(view_id)}))
    st.stop()


def _by_id(views: Sequence[SavedView], view_id: UUID | None) -> SavedView | None:
    return next((view for view in views if view.id == view_id), None)


def _label(current: SavedView | None) -> str:
    return f"View: {escape_markdown(current.name)}" if current else "Views"


def _list_views(screen: str, views: Sequence[SavedView], default: UUID | None) -> None:
    if not views:
        st.caption("No saved views yet. Choose filters, sorting and columns, then save them here.")
        return
    link_to_rows(address(screen, {SAVED: WHOLE}), "No view")
    for view in views:
        facts = (
            "opens by default" if view.id == default else None,
            f"shared by {view.maker}" if view.maker else "shared" if view.shared else None,
        )
        note = ", ".join(filter(None, facts))
        label = f"{view.name} ({note})" if note else view.name
        link_to_rows(address(screen, {OPEN: str(view.id)}), label)


def _offer_changes(viewer: Viewer, this: SavedList, view: SavedView, *, is_default: bool) -> None:
    key = this.key
    st.divider()
    wanted = st.toggle("Open this list with this view", is_default, key=f"{key} default {view.id}")
    if wanted != is_default:
        with act(viewer, "Saved.") as db:
            choose_default(db, key, view.id if wanted else None, viewer)
        st.rerun()
    if not view.may_change:
        return
    name = st.text_input("Rename", view.name, key=f"{key} rename {view.id}")
    if name != view.name:
        with act(viewer, f"Renamed to {name}.") as db:
            rename_view(db, view.id, name)
        st.rerun()
    with st.container(horizontal=True):
        if st.button("Update this view", key=f"{key} replace"):
            with act(viewer, "View updated.") as db:
                replace_view(db, view.id, _shown_address(this))
            st.rerun()
        if view.maker is None and st.button(
            "Stop sharing" if view.shared else "Share", key=f"{key} share"
        ):
            with act(viewer, "Shared no longer." if view.shared else "View shared.") as db:
                share_view(db, view.id, viewer, shared=not view.shared)
            st.rerun()
        if st.button("Delete", key=f"{key} delete"):
            with act(viewer, "View deleted.") as db:
                delete_view(db, view.id)
            st.query_params[SAVED] = WHOLE
            st.rerun()


def _offer_to_save(viewer: Viewer, this: SavedList) -> None:
    key = this.key
    st.divider()
    with st.form(f"{key} save", border=False, clear_on_submit=False):
        name = st.text_input("Save this view as", key=f"{key} name", placeholder="My team's week")
        shared = st.checkbox("Share with everyone in the organisation", key=f"{key} shared")
        if st.query_params.get("search"):
            st.caption("A view does not hold what you search for.")
        pressed = st.form_submit_button("Save view")
    if pressed:
        shown = _shown_address(this)
        with act(viewer, "View saved.") as db:
            view_id = save_view(db, key, name, shown, viewer, shared=shared)
        _load(this.screen, view_id)


def _shown_address(this: SavedList) -> dict[str, Sequence[str]]:
    """The filters, the order and the columns that are shown, from the first page on."""
    shown = this.held({name: st.query_params.get_all(name) for name in st.query_params})
    columns = own_columns(this.key)
    return ({f"{this.key}.columns": [",".join(columns)]} if columns else {}) | shown
