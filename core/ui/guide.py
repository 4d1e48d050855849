"""The user guide on screen: each topic of it is a heading that a link can lead to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs/guide.md"
TOPIC = re.compile(r"^\*\*([^*]+)\*\*: ", re.MULTILINE)
PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n+", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\.md[^)]*\)")


@cache
def guide_text() -> str:
    """The guide without its pictures, which are of the demo, and without links to other documents;
    every topic is a heading.
    """
    text = LINK.sub(r"\1", PICTURE.sub("", GUIDE.read_text("utf-8")))
    return TOPIC.sub(r"### \1\n\n", text)


def guide_address(topic: str) -> str:
    """Where the guide explains the topic."""
    return f"guide#{topic.lower().replace(' ', '-')}"
