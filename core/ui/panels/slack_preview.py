"""A Slack message as it will look in the channel, near enough to judge it by."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import streamlit as st

from core.messages.blocks import INVISIBLE, Block

LINK = re.compile(r"<(https?://[^|>\s]+)\|([^>]*)>")
BOLD = re.compile(rf"(?<!{INVISIBLE})\*([^*\n]+)\*")


def show_message(body: dict[str, Any]) -> None:
    """Draw ``body`` (``text`` and ``blocks``)."""
    with st.container(border=True):
        st.html("".join(_drawn(block) for block in body["blocks"]))


def _drawn(block: Block) -> str:
    if block["type"] == "header":
        return f'<p style="font-weight:600;font-size:1.1rem">{escape(block["text"]["text"])}</p>'
    if block["type"] == "context":
        return (
            f'<p style="opacity:.7;font-size:.875rem">{_marked(block["elements"][0]["text"])}</p>'
        )
    if "fields" in block:
        cells = "".join(f"<div>{_marked(field['text'])}</div>" for field in block["fields"])
        return (
            '<div style="display:grid;grid-template-columns:1fr 1fr;gap:8px'
            f' 16px;margin-bottom:8px">{cells}</div>'
        )
    return f"<p>{_marked(block['text']['text'])}</p>"


def _marked(text: str) -> str:
    """Slack's mark-up as HTML. Strangers' words in it are escaped already, by the same three rules
    as HTML's.
    """
    linked = LINK.sub(
        r'<a style="color:light-dark(#2F5BD8,#9DB6FF)" href="\1" target="_blank"'
        r' rel="noopener">\2</a>',
        text,
    )
    return BOLD.sub(r"<b>\1</b>", linked).replace("\n", "<br>")
