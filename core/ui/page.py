"""What every page begins with: its guard, its title, its transactions, and the states written for
people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import NoReturn

import streamlit as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.platform.errors import SalesOpsError
from core.tenancy.access.models import Role
from core.tenancy.access.roles import SUPER_ADMINS
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.modules import switched_off
from core.ui.navigation import ACCOUNT, BY_KEY, PAGES, may_see
from core.ui.parts.format import escape_markdown
from core.ui.server.middleware import COOKIE

DONE = "what was done"


def current_viewer(*, in_use: bool = True) -> Viewer | None:
    """Who is signed in on this browser, looked up anew at each run, so that an ended session ends
    here too.
    """
    return viewer_of(own_token(), in_use=in_use)


def own_token() -> str:
    """The token of this browser's session: what a person does with their own account goes by it."""
    return st.context.cookies.get(COOKIE) or ""


def own_address() -> str:
    """Where this browser is in the network, for limits on tries."""
    return st.context.ip_address or "local"


def require(screen: str, *, live: bool = False) -> Viewer:
    """The first line of a page: the viewer, if their role and organisation include ``screen``; else
    it ends with a sentence.

    The first line, too, of a part of it that is ``live``: one that draws itself anew, which keeps
    no session from ending.
    """
    show_pending_toast()
    viewer = current_viewer(in_use=not live)
    if viewer is None:
        st.info("You are signed out. Reload the page to sign in.")
        st.stop()
    if not viewer.is_one_of(*BY_KEY[screen].roles):
        st.warning(
            f"Your role ({shown_role(viewer.role)}) does not include this page."
            f" {_who_can_help(viewer, screen)}"
        )
        st.stop()
    module = BY_KEY[screen].module
    if module is not None and not viewer.has(module):
        st.warning(switched_off(module, escape_markdown(viewer.organization_name)))
        st.stop()
    if viewer.seen_by is not None and screen == ACCOUNT:
        st.warning("An account is its owner's own. Stop looking as somebody else to see yours.")
        st.stop()
    if not may_see(viewer, BY_KEY[screen]):
        st.warning(
            f"{escape_markdown(viewer.organization_name)} asks everybody for a second factor. Set"
            " yours up, then this page opens."
        )
        go(ACCOUNT, "Set up the second factor")
        st.stop()
    return viewer


def _who_can_help(viewer: Viewer, screen: str) -> str:
    if BY_KEY[screen].roles == SUPER_ADMINS:
        return "It is for those who run the whole installation."
    return f"An admin of {escape_markdown(viewer.organization_name)} can change that."


def open_to_all(screen: str) -> None:
    """The first line of a public page, in place of ``require``: only a page that is listed as
    public goes on.
    """
    if not BY_KEY[screen].public:
        st.stop()


def show_pending_toast() -> None:
    """What ``say`` kept for this run."""
    if done := st.session_state.pop(DONE, None):
        st.toast(escape_markdown(done))


def shown_role(role: Role) -> str:
    """The role in words."""
    return role.replace("_", " ")


def title(text: str, viewer: Viewer, note: str = "") -> None:
    """The page's title, and once per page the zone in which its times are."""
    st.title(escape_markdown(text))
    st.caption(escape_markdown(" · ".join(filter(None, (note, f"Times in {viewer.timezone}")))))


@contextmanager
def act(viewer: Viewer, done: str = "") -> Iterator[Session]:
    """A transaction for one action: a refusal is shown as its sentence; nothing is half done.

    Success is said as ``done``, see ``say``.
    """
    try:
        with viewer.transaction() as db:
            yield db
    except SalesOpsError as error:
        st.error(escape_markdown(error.message))
        st.stop()
    except OperationalError:
        st.error("The database is away, so nothing was saved. Try again in a minute.")
        st.stop()
    if done:
        say(done)


def say(done: str) -> None:
    """Tell what was done when this page, or the next, runs again: what is shown right before a
    rerun is often lost.
    """
    st.session_state[DONE] = done


def empty(headline: str, explanation: str, link: tuple[str, str] | None = None) -> None:
    """What will appear here, why it is empty, and the one thing to do about it (``link``: screen
    key and words).
    """
    with st.container(border=True):
        st.markdown(f"**{headline}**")
        st.caption(explanation)
        if link is not None:
            go(link[0], link[1])


def no_such(thing: str, why: str, link: tuple[str, str]) -> NoReturn:
    """The whole page of something that is not there, or not for the viewer."""
    st.title(thing.capitalize())
    empty(f"There is no such {thing}", why, link)
    st.stop()


def go(screen: str, label: str, **parameters: str) -> None:
    """A link to another screen, with what it is narrowed to in its address."""
    st.page_link(PAGES / BY_KEY[screen].file, label=label, query_params=parameters or None)


def link_to_start(label: str) -> None:
    """A link from a public page to the start, or to the sign-in before it. It loads the page
    afresh, without the token.
    """
    st.html(f'<a class="so-rows" href="./">{escape(label)}</a>')
