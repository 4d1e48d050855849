"""What every page begins with: its guard, its title, its transactions, and the states written for
people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import NoReturn
from urllib.parse import urlencode

import streamlit as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from core.platform.errors import NotAllowed, SalesOpsError
from core.platform.notation import DEFAULT, choose, written_in
from core.tenancy.access.authorization import Refusal, may_open
from core.tenancy.access.models import Role
from core.tenancy.access.roles import SUPER_ADMINS
from core.tenancy.access.sessions import viewer_of
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.modules import switched_off
from core.ui.navigation import ACCOUNT, BY_KEY, PAGES, Screen
from core.ui.parts.format import escape_markdown
from core.ui.parts.forms import Form
from core.ui.parts.popovers import note_done
from core.ui.parts.query_params import ORGANIZATION, id_from_address
from core.ui.parts.reader import page_is_read_by
from core.ui.server.middleware import COOKIE

DONE = "what was done"
SHOWN = "organisation of this tab"


_run_viewer: ContextVar[Viewer | None] = ContextVar("the viewer of this run")


@contextmanager
def viewer_of_run() -> Iterator[Viewer | None]:
    """Who is signed in on this browser, looked up anew at each run of the script, so that an ended
    session ends here too.

    What runs inside finds the same one by ``current_viewer``, and writes numbers and dates by the
    locale of their organisation; nothing of it outlives the run.
    """
    viewer = _viewer_of_tab()
    before = _run_viewer.set(viewer)
    page_is_read_by(None)
    try:
        with written_in(viewer.locale if viewer else DEFAULT):
            yield viewer
    finally:
        page_is_read_by(None)
        _run_viewer.reset(before)


def current_viewer(*, in_use: bool = True) -> Viewer | None:
    """Who is signed in on this browser: as the run of the whole script found it, and looked up anew
    by a part that draws itself without it.
    """
    try:
        return _run_viewer.get()
    except LookupError:
        return _viewer_of_tab(in_use=in_use)


def _viewer_of_tab(*, in_use: bool = True) -> Viewer | None:
    """Who is signed in, in the organisation that this tab shows: the one of its address, else the
    one chosen last when it was opened, and from then on no other.

    A browser's tabs share one session, and each may show another organisation: what is chosen in
    one of them must not move what is typed in another.
    """
    shown = st.session_state.get(SHOWN) or id_from_address(ORGANIZATION)
    try:
        viewer = viewer_of(own_token(), shown, in_use=in_use)
    except NotAllowed as error:
        st.title("Not your organisation")
        st.warning(error.message)
        link_to_start("Go on in one of yours")
        st.stop()
    if viewer is not None:
        st.session_state[SHOWN] = viewer.organization_id
    return viewer


def write_organization_into_address(viewer: Viewer) -> None:
    """For whoever has several: a reload, a bookmark and a link lead to the organisation that the
    tab shows.
    """
    if len(viewer.places) > 1:
        st.query_params[ORGANIZATION] = str(viewer.organization_id)


def export_address(viewer: Viewer, table: str, asked: dict[str, str]) -> str:
    """Where a table of the organisation that the page shows is downloaded."""
    return f"/exports/{table}?{urlencode(asked | {ORGANIZATION: str(viewer.organization_id)})}"


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
    refusal = may_open(viewer, BY_KEY[screen].access)
    if refusal is not None:
        st.title(BY_KEY[screen].title)
        _show_refusal(refusal, viewer, BY_KEY[screen])
        link_to_start("← Back to your start page", viewer)
        st.stop()
    choose(viewer.locale)
    page_is_read_by(viewer)
    return viewer


def _show_refusal(refusal: Refusal, viewer: Viewer, screen: Screen) -> None:
    organization = escape_markdown(viewer.organization_name)
    if refusal is Refusal.ROLE:
        st.warning(
            f"Your role ({shown_role(viewer.role)}) does not include this page."
            f" {_who_can_help(organization, screen)}"
        )
    elif refusal is Refusal.MODULE and screen.module is not None:
        st.warning(switched_off(screen.module, organization))
    elif refusal is Refusal.VIEW_AS:
        st.warning("You cannot open somebody else's account. Stop viewing as them to see yours.")
    elif refusal is Refusal.SECOND_FACTOR:
        st.warning(f"{organization} requires a second factor. Set yours up to open this page.")
        go(ACCOUNT, "Set up the second factor")


def _who_can_help(organization: str, screen: Screen) -> str:
    if screen.roles == SUPER_ADMINS:
        return "It is for those who run the whole installation."
    return f"An admin of {organization} can change that."


def open_to_all(screen: str) -> None:
    """The first line of a public page, in place of ``require``: only a page that is listed as
    public goes on.
    """
    if may_open(None, BY_KEY[screen].access) is not None:
        st.stop()


def show_pending_toast() -> None:
    """Show what ``say`` stored for this run."""
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
def act(
    viewer: Viewer,
    done: str = "",
    form: Form | None = None,
    places: Mapping[str, DeltaGenerator] | None = None,
) -> Iterator[Session]:
    """A transaction for one action: a refusal is shown as its sentence, in the place of the field
    that it names if ``places`` has one, else here; nothing is half done.

    The refusal of what was typed into a ``form`` stands at its field, and the page is drawn whole
    with what was typed. Success is announced as ``done``, see ``say``.
    """
    try:
        with viewer.transaction() as db:
            yield db
    except SalesOpsError as error:
        if form is not None:
            form.refuse(error)
            st.rerun()
        place = (places or {}).get(getattr(error, "field", None) or "")
        (place or st).error(escape_markdown(error.message))
        st.stop()
    except OperationalError:
        st.error("The database is away, so nothing was saved. Try again in a minute.")
        st.stop()
    note_done()
    if form is not None:
        form.finish()
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


def link_to_start(label: str, viewer: Viewer | None = None) -> None:
    """A link to the start, from a public page maybe to the sign-in before it. It loads the page
    afresh, without a token, in the organisation of a ``viewer``.
    """
    where = f"?{urlencode({ORGANIZATION: str(viewer.organization_id)})}" if viewer else ""
    st.html(f'<a class="so-rows" href="./{where}">{escape(label)}</a>')
