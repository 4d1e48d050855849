"""The script behind every screen: who is it, which organisation, which pages; then the page
itself.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core.tenancy.access.authorization import may_open
from core.tenancy.access.view_as import stop_view_as
from core.tenancy.access.viewers import Viewer
from core.ui.brand import PRODUCT, whose
from core.ui.guide import guide_address
from core.ui.navigation import ACCOUNT, BY_KEY, SETTINGS, is_public, jump, pages_for
from core.ui.page import go, shown_role, viewer_of_run, write_organization_into_address
from core.ui.panels.looks import page_is_shown
from core.ui.panels.sign_in import show_sign_in
from core.ui.parts.finder.component import finder
from core.ui.parts.format import escape_markdown
from core.ui.server.middleware import COOKIE

FAVICON = "/app/static/favicon.png"
MARK = (Path(__file__).parent / "static/mark.svg").read_text()
WORDMARK = (Path(__file__).parent / "static/wordmark.svg").read_text()
STYLE = Path(__file__).with_name("style.css")


def show_sidebar_account(viewer: Viewer) -> None:
    """The search, the active organisation, always in sight, the way to another one, and the way
    out.
    """
    with st.sidebar:
        with st.container(key="find"):
            found = finder(viewer.organization_id)
        if found and found["screen"] in BY_KEY:
            jump(found["screen"], **found["parameters"])
        st.html(whose(viewer, shown_role(viewer.role)))
        if len(viewer.places) > 1:
            chosen = {viewer.organization_id: " selected"}
            options = "".join(
                "<option"
                f' value="{place.id}"{chosen.get(place.id, "")}>{escape(place.name)}</option>'
                for place in viewer.places
            )
            st.html(
                '<form class="so-form" method="post"'
                ' action="/auth/organization"><label>Organisation <select'
                f' name="organization">{options}</select></label><button>Switch</button></form>'
            )
        st.html(
            '<form class="so-form" method="post" action="/auth/sign-out"><button>Sign'
            " out</button></form>"
        )


def show_view_as_banner(viewer: Viewer) -> None:
    """On every page while an admin looks as somebody: whose eyes these are, and the way back."""
    if viewer.seen_by is None:
        return
    with st.container(key="view-as banner"):
        st.warning(
            f"You are viewing as **{escape_markdown(viewer.name)}** ({shown_role(viewer.role)})."
            " You see what they see and cannot change anything.",
            icon=":material/visibility:",
        )
        if st.button("Stop viewing", key="stop looking"):
            stop_view_as(st.context.cookies.get(COOKIE) or "")
            st.rerun()


def show_ways_around(viewer: Viewer, address: str) -> None:
    """Above the page: back to the settings that it is one of, and on to what the guide says."""
    screen = BY_KEY.get(address)
    if screen is None or may_open(viewer, screen.access) is not None:
        return
    if screen.guide:
        with st.container(key="help"):
            st.markdown(f'[?]({guide_address(screen.guide)} "Help with this page")')
    if screen.about:
        go(SETTINGS, "← Settings")


def main() -> None:
    """Run once for every look at any page."""
    st.set_page_config(page_title=PRODUCT, page_icon=FAVICON, layout="wide")
    st.html(STYLE)
    with viewer_of_run() as viewer:
        if viewer is None:
            show_to_nobody()
        else:
            show_to(viewer)


def show_to_nobody() -> None:
    """A public page, or the sign-in before any other."""
    page = st.navigation(pages_for(None), position="hidden")
    if is_public(page.url_path):
        page.run()
    else:
        show_sign_in()
    st.stop()


def show_to(viewer: Viewer) -> None:
    """The page, with what stands around every one."""
    page = st.navigation(pages_for(viewer), expanded=True)
    st.set_page_config(page_title=f"{page.title} · {viewer.organization_name}")
    st.logo(WORDMARK, size="large", icon_image=MARK)
    if not is_public(page.url_path):
        write_organization_into_address(viewer)
    show_sidebar_account(viewer)
    show_view_as_banner(viewer)
    if viewer.second_factor_missing and page.url_path != ACCOUNT and not is_public(page.url_path):
        jump(ACCOUNT)
    page_is_shown(page.url_path)
    show_ways_around(viewer, page.url_path)
    page.run()


main()
