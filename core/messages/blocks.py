"""The blocks of Slack's Block Kit that our messages use, within Slack's limits.

Source: Slack Block Kit reference. If one text is too long, or there is one block too many, Slack
refuses the whole message.
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
MAX_BLOCKS = 48  # Slack allows 50; a header and a closing line are added to these
MAX_LENGTH = 11_000  # of their JSON: Slack refuses messages of more than about 13,000 characters
MAX_NAME = 40  # of a name from outside; escaping may make it five times as long
INVISIBLE = "\N{ZERO WIDTH SPACE}"


def escaped(text: str | None) -> str:
    """Text from outside, shortened and escaped so that it neither mentions anybody nor changes how
    the message looks. A dash for no text.
    """
    shortened = _cut(" ".join((text or "").split()), MAX_NAME) or "—"
    shortened = shortened.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", rf"{INVISIBLE}\1{INVISIBLE}", shortened)


def linked(label: str, url: str) -> str:
    """A link; ``url`` must be one of our own."""
    return f"<{url}|{escaped(label).replace('|', '/')}>"


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": _cut(text, MAX_HEADER)}}


def section(text: str) -> Block:
    return {"type": "section", "text": _markdown(text)}


def figures(pairs: list[tuple[str, str]]) -> Block:
    """Up to ten figures with their names, two per line."""
    return {
        "type": "section",
        "fields": [
            _markdown(f"*{name}*\n{value}", MAX_FIELD) for name, value in pairs[:MAX_FIELDS]
        ],
    }


def small_print(text: str) -> Block:
    return {"type": "context", "elements": [_markdown(text)]}


def packed(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks in order, with as many in each message as it can hold."""
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
