"""What replaces a table on a phone: a list of cards, each with the three facts that matter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MOST = 100


@dataclass(frozen=True)
class Card:
    """One row as a phone shows it: ``headline`` above two ``facts``; a touch opens the address
    ``opens``.
    """

    headline: Any
    facts: tuple[Any, ...]
    opens: str | None = None


def wide(key: str) -> DeltaGenerator:
    """A place for what a phone has no room for."""
    return st.container(key=f"wide {key}")


def cards(shown: Iterable[Card]) -> None:
    """The list that stands on a phone in place of what is in ``wide``; the first ``MOST`` of it."""
    listed = list(shown)
    more = (
        f"<li>{len(listed) - MOST:,} more: choose a shorter period, or download them.</li>"
        if len(listed) > MOST
        else ""
    )
    st.html(f'<ul class="so-cards">{"".join(map(_drawn, listed[:MOST]))}{more}</ul>')


def _drawn(card: Card) -> str:
    facts = "".join(f"<span>{_text(fact)}</span>" for fact in card.facts)
    inside = f"<b>{_text(card.headline)}</b><small>{facts}</small>"
    return (
        f'<li><a href="{escape(card.opens)}">{inside}</a></li>'
        if card.opens
        else f"<li><div>{inside}</div></li>"
    )


def _text(value: Any) -> str:
    missing = value is None or value != value  # a missing number is not equal to itself
    return "–" if missing or value == "" else escape(str(value))
