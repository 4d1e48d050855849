"""Slack's Block Kit in the few forms that our messages use, within its limits.

Source: Slack Block Kit reference. One text too long or one block too many, and Slack refuses the
whole message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

Block = dict[str, Any]
MAX_HEADER = 150
MAX_TEXT = 3000
MAX_FIELDS = 10
MAX_FIELD = 2000
MAX_BLOCKS = 48  # Slack takes 50; a header and a closing line stand beside them
MAX_LENGTH = 11_000  # of their JSON: Slack refuses messages from about 13,000 characters on
MAX_NAME = 40  # of a stranger's words, which escaping may make five times as long
INVISIBLE = "\N{ZERO WIDTH SPACE}"


def escaped(text: str | None) -> str:
    """Words of strangers, so that they neither mention anybody nor change how the message looks; a
    dash for nothing.
    """
    said = _cut(" ".join((text or "").split()), MAX_NAME) or "—"
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
    return {
        "type": "section",
        "fields": [
            _markdown(f"*{name}*\n{value}", MAX_FIELD) for name, value in pairs[:MAX_FIELDS]
        ],
    }


def small_print(text: str) -> Block:
    return {"type": "context", "elements": [_markdown(text)]}


def packed(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks in order, as many to a message as it holds."""
    messages: list[list[Block]] = []
    length = 0
    for block in blocks:
        longer = length + len(json.dumps(block))
        if not messages or len(messages[-1]) == MAX_BLOCKS or longer > MAX_LENGTH:
            messages.append([])
            longer = len(json.dumps(block))
        messages[-1].append(block)
        length = longer
    return messages


def _markdown(text: str, limit: int = MAX_TEXT) -> Block:
    return {"type": "mrkdwn", "text": _cut(text, limit)}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
