"""Slack's Block Kit in the few forms that our messages use, within its limits.

Source: Slack Block Kit reference. One text too long or one block too many, and Slack refuses the whole message.
"""
from __future__ import annotations

import re
from typing import Any

Block = dict[str, Any]
MAX_HEADER = 150
MAX_TEXT = 3000
MAX_FIELDS = 10
MAX_ITEMS = 40
INVISIBLE = "\N{ZERO WIDTH SPACE}"


def escaped(text: str | None) -> str:
    """Words of strangers, so that they neither mention anybody nor change how the message looks; a dash for nothing."""
    said = " ".join((text or "").split()) or "—"
    said = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", rf"{INVISIBLE}\1{INVISIBLE}", said)


def linked(label: str, url: str) -> str:
    """A link; ``url`` is our own."""
    return f"<{url}|{escaped(label).replace('|', '/')}>"


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, MAX_HEADER)}}


def section(text: str) -> Block:
    return {"type": "section", "text": _markdown(text)}


def figures(pairs: list[tuple[str, str]]) -> Block:
    """Up to ten figures with their names, two to a line."""
    return {"type": "section", "fields": [_markdown(f"*{name}*\n{value}") for name, value in pairs[:MAX_FIELDS]]}


def small_print(text: str) -> Block:
    return {"type": "context", "elements": [_markdown(text)]}


def _markdown(text: str) -> Block:
    return {"type": "mrkdwn", "text": _cut(text, MAX_TEXT)}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
