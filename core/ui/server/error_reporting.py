"""When a page breaks: the visitor gets a sentence and a number, the log gets the rest."""

from __future__ import annotations

import secrets
from typing import Any

import streamlit as st

from core.platform.log import logger
from core.platform.outage import is_outage

log = logger("screens")


def report(error: BaseException, *_: Any) -> bool:
    """Called by Streamlit with whatever a script raised; True keeps its own box, with links to
    search engines, away.
    """
    if is_outage(error):  # which is in the log once, however many pages ask
        st.error("The database is away, so this page could not be shown. Try again in a minute.")
        return True
    reference = secrets.token_hex(4)
    log.error("page broke", reference=reference, exc_info=error)
    st.error(
        "This page could not be shown. Nothing was changed. Try again; if it happens twice, report"
        f" number {reference}."
    )
    return True
