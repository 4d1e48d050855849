"""Figures as people read them: with unit, with "–" for none, money with its currency, times in the
organisation's zone; by the organisation's locale, see ``core.platform.notation``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.metrics.catalog import METRICS
from core.platform.clock import now
from core.platform.labels import NONE, LabelledEnum, capitalized
from core.platform.money import shown
from core.platform.normalization import JOINER
from core.platform.notation import notation

# One letter of each address that Streamlit would make a link, and of its own logo's name.
STIRRING = re.compile(
    r"(?i)(?<=http)s(?=://)|(?<=htt)p(?=://)|(?<=ww)w(?=\.)|(?<=:)s(?=treamlit:)|(?<=@)[a-z0-9]"
)
RARE = re.compile(r"(?<=@)(?=[-_])")  # no letter follows
APART = "~~"  # marks deleted text, which style.css shows like any other


def word(value: str | None, of: type[LabelledEnum] | Mapping[str, str] | None = None) -> str:
    """A stored word as people read it: by the labels of its enumeration, or of ``of``; a word that
    has none there is capitalised.
    """
    if not isinstance(value, str) or not value:
        return NONE
    labels = of.labels() if isinstance(of, type) else of or {}
    return labels.get(value) or capitalized(value)


def escape_markdown(text: str) -> str:
    """Somebody's words inside Markdown, shown as they are: no link, formula, icon or emphasis comes
    of them.

    Marks become character references, which Streamlit shows and never interprets. Bare addresses,
    of pages and of e-mail, would become links all the same, and its own logo a picture: a letter
    inside that is an element of its own keeps them words, and copies as it is written.
    """
    parts, end = [], 0
    quiet = RARE.sub(JOINER, text)
    for letter in STIRRING.finditer(quiet):
        parts += [_referred(quiet[end : letter.start()]), f"{APART}{letter[0]}{APART}"]
        end = letter.end()
    return "".join((*parts, _referred(quiet[end:])))


def _referred(text: str) -> str:
    return "".join(
        (
            f"&#{ord(letter)};"
            if letter.isascii() and not letter.isalnum() and letter != " "
            else letter
        )
        for letter in text
    )


def plural(count: int, one: str, many: str) -> str:
    """``1 delivery``, ``2,000 deliveries``."""
    return f"{notation().number(count)} {one if count == 1 else many}"


def enumerated(words: Sequence[str]) -> str:
    """``Ana``, ``Ana and Bo``, ``Ana, Bo and Cy``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def when(at: datetime | None, timezone: str) -> str:
    """``today 15:30``, ``tomorrow 09:00``, ``Tue 4 Nov 15:30``, in the organisation's zone; where
    the month comes first, ``Tue, Nov 4, 3:30 PM``.
    """
    if at is None:
        return NONE
    zone = ZoneInfo(timezone)
    local, today = at.astimezone(zone), now().astimezone(zone).date()
    near = {
        today: "today",
        today + timedelta(days=1): "tomorrow",
        today - timedelta(days=1): "yesterday",
    }
    style = notation()
    if name := near.get(local.date()):
        return f"{name} {style.clock(local)}"
    day = style.day(local, weekday=True, year=local.year != today.year)
    return f"{day}{',' * style.month_first} {style.clock(local)}"


def on(day: date) -> str:
    """A day with its year: ``4 Nov 2026``."""
    return notation().day(day)


def days(start: date, end: date) -> str:
    """A half-open period by its first and last day: ``1 Oct – 31 Oct 2026``, ``5 Nov 2026``."""
    last = end - timedelta(days=1)
    if start == last:
        return on(last)
    return f"{notation().day(start, year=start.year != last.year)} – {on(last)}"


def countdown(at: datetime) -> str:
    """How soon something starts: ``now``, ``in 25 min``, ``in 3 h``; nothing when it is more than a
    day away.
    """
    minutes = int((at - now()).total_seconds() // 60)
    if minutes <= 0:
        return "now"
    if minutes < 60:
        return f"in {minutes} min"
    return f"in {minutes // 60} h" if minutes < 24 * 60 else ""


def place_change(places: float | None, is_new: bool) -> str:
    """Places won or lost on a leaderboard since the period before; nothing where nothing can be
    compared.
    """
    if places is None or places != places:  # a missing number is not equal to itself
        return "new" if is_new else ""
    return "·" if not places else f"{'▲' if places > 0 else '▼'} {abs(int(places))}"


def based_on(sample: float | None) -> str:
    """How many cases a rate is based on; nothing for what is no rate."""
    return "" if sample is None or sample != sample else plural(int(sample), "booking", "bookings")


def money(amounts: Mapping[str, Decimal], *, whole: bool = False) -> str:
    """Every currency on its own, never added together."""
    return (
        " + ".join(shown(amount, currency, whole=whole) for currency, amount in amounts.items())
        or NONE
    )


def explained(key: str, value: Any) -> str:
    """What stands behind a card: the formula, the exact amount where the card rounds it, and why it
    is counted so.
    """
    metric = METRICS[key]
    amount = metric.unit.exact(value)
    exact = f"Exactly {amount}. " if amount else ""
    why = f"[Why](decisions#{metric.decision.lower().replace(' ', '-')})"
    return f"{exact}{metric.formula}. {why}".replace("$", r"\$")
