"""The user guide on screen: each topic of it is a heading that a link can lead to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs/guide.md"
TOPIC = re.compile(r"^\*\*([^*]+)\*\*: (\w?)", re.MULTILINE)
HEADING = re.compile(r"^(##|###) (.+)$", re.MULTILINE)
PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n+", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\.md[^)]*\)")


@cache
def guide_text() -> str:
    """The guide without its pictures, which are of the demo, and without links to other documents;
    every topic is a heading, and its first sentence begins like one.
    """
    text = LINK.sub(r"\1", PICTURE.sub("", GUIDE.read_text("utf-8")))
    return TOPIC.sub(lambda topic: f"### {topic[1]}\n\n{topic[2].upper()}", text)


@cache
def contents() -> dict[str, list[str]]:
    """The sections of the guide in their order, each with its topics."""
    found: dict[str, list[str]] = {}
    for marks, heading in HEADING.findall(guide_text()):
        if marks == "##":
            found[heading] = []
        else:
            found[list(found)[-1]].append(heading)
    return found


def anchor_of(heading: str) -> str:
    """By what an address leads to a heading of the guide."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def guide_address(topic: str) -> str:
    """Where the guide explains the topic."""
    return f"guide#{anchor_of(topic)}"
