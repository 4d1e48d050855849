"""What a public page begins with: whoever holds the link in its address, or clear words and the end
of the page.
"""

from __future__ import annotations

import streamlit as st

from core.links.access_links import Visitor, open_link
from core.links.kinds import LinkPurpose
from core.platform.errors import NotAllowed, TooManyRequests
from core.platform.notation import choose
from core.ui.page import own_address
from core.ui.parts.format import escape_markdown


def visitor_of(purpose: LinkPurpose) -> Visitor:
    """Who holds the link that ``?token=`` names, looked up anew at each run, so that a revoked link
    ends here too. The page is written by the locale of the link's organisation.
    """
    try:
        visitor = open_link(st.query_params.get("token", ""), purpose, address=own_address())
        choose(visitor.locale)
        return visitor
    except TooManyRequests as error:
        _end(f"{error.message} It works again in {error.retry_after_s // 60 + 1} minutes.")
    except NotAllowed as error:
        _end(error.message)
    raise AssertionError("st.stop() does not return")


def _end(sentence: str) -> None:
    st.title("Link")
    st.warning(escape_markdown(sentence))
    st.stop()


def heading(text: str, visitor: Visitor, note: str = "") -> None:
    """The page's title, whose page it is, and the zone of its times."""
    st.title(escape_markdown(text))
    st.caption(
        escape_markdown(
            " · ".join(
                filter(None, (visitor.organization_name, note, f"Times in {visitor.timezone}"))
            )
        )
    )
