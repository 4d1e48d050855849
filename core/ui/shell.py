"""The script behind every screen: who is it, which organisation, which pages; then the page itself."""
from __future__ import annotations

from html import escape

import streamlit as st

from core.tenancy.sign_in import places_of
from core.tenancy.view_as import stop_looking
from core.tenancy.viewers import Viewer
from core.ui.format import plain
from core.ui.gate import COOKIE
from core.ui.navigation import ACCOUNT, is_public, pages_for
from core.ui.page import current_viewer, jump, shown_role
from core.ui.sign_in_form import show_sign_in

FAVICON = "/app/static/favicon.png"
STYLE = """
<style>
  [data-testid="stMainBlockContainer"] { max-width: 1280px; padding-top: 3.5rem; }
  [data-testid="stMetricValue"], [data-testid="stDataFrame"] { font-variant-numeric: tabular-nums; }
  [data-testid="stMetric"] { border-radius: 8px; }
  [data-testid="stCaptionContainer"], [data-testid="stMetricLabel"] { opacity: .75; }
  .so-form { margin: 0 } .so-form button { margin-top: 8px } .so-form button, .so-form select {
    width: 100%; font: inherit; padding: 6px 10px; border-radius: 8px; border: 1px solid rgba(128,138,155,.4);
    background: transparent; color: inherit; cursor: pointer }
  .so-form button:focus-visible, .so-form select:focus-visible { outline: 2px solid light-dark(#2F5BD8, #9DB6FF); outline-offset: 1px }
  [data-testid="stPageLink"] a { padding-left: 0; }
  .so-rows { text-decoration: none; } .so-rows:hover { text-decoration: underline; }
  .so-rows, [data-testid="stPageLink"] a p { color: light-dark(#2F5BD8, #9DB6FF); }
  [data-testid="stMain"] [data-testid="stHorizontalBlock"] [data-testid="stPageLink"] { margin-left: auto; }
  @media (max-width: 640px) {
    [data-testid="stColumn"]:has([data-testid="stMetric"]) { min-width: calc(50% - 1rem); flex: 1 1 calc(50% - 1rem); }
    [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  }
</style>
"""


def show_account(viewer: Viewer) -> None:
    """The active organisation, always in sight, the way to another one, and the way out."""
    with st.sidebar:
        st.markdown(f"**{plain(viewer.organization_name)}**")
        st.caption(f"{plain(viewer.name)} · {shown_role(viewer.role)}")
        places = places_of(viewer.user_id)
        if len(places) > 1:
            chosen = {viewer.organization_id: " selected"}
            options = "".join(
                f'<option value="{place.id}"{chosen.get(place.id, "")}>{escape(place.name)}</option>' for place in places
            )
            st.html(
                '<form class="so-form" method="post" action="/auth/organization"><label>Organisation '
                f'<select name="organization">{options}</select></label><button>Switch</button></form>'
            )
        st.html('<form class="so-form" method="post" action="/auth/sign-out"><button>Sign out</button></form>')


def show_whose_eyes(viewer: Viewer) -> None:
    """On every page while an admin looks as somebody: whose eyes these are, and the way back."""
    if viewer.seen_by is None:
        return
    with st.container(key="view-as banner"):
        st.warning(
            f"You are looking as **{plain(viewer.name)}** ({shown_role(viewer.role)}). You see what they see and can change nothing.",
            icon=":material/visibility:",
        )
        if st.button("Stop", key="stop looking"):
            stop_looking(st.context.cookies.get(COOKIE) or "")
            st.rerun()


def main() -> None:
    """Run once for every look at any page."""
    st.set_page_config(page_icon=FAVICON, layout="wide")
    st.html(STYLE)
    viewer = current_viewer()
    if viewer is None:
        page = st.navigation(pages_for(None), position="hidden")
        if is_public(page.url_path):
            page.run()
        else:
            show_sign_in()
        st.stop()
    page = st.navigation(pages_for(viewer), expanded=True)
    show_account(viewer)
    show_whose_eyes(viewer)
    if viewer.second_factor_missing and page.url_path != ACCOUNT and not is_public(page.url_path):
        jump(ACCOUNT)
    page.run()


main()
