"""The sentences that are recorded with payments and payouts, as people read them.

They are recorded as parts of sentences in one style, whoever caused them, and the API gives them as
they are; screens write them as sentences, with dates by the notation of whoever reads.
"""

from __future__ import annotations

import re
from datetime import datetime

from core.platform.notation import notation

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# ``of 4 Nov``, ``on 4 Nov 2026``, ``to 4 Nov, 13:00``: as the database's functions write them
RECORDED = re.compile(
    r"\b(?P<before>of|on|to|dated) (?P<day>\d{1,2}) (?P<month>" + "|".join(MONTHS) + r")\b"
    r"(?: (?P<year>\d{4})\b)?(?:, (?P<hour>\d{2}):(?P<minute>\d{2})\b)?"
)
LEAP = 2000  # has every day that one without its year may be
# What somebody typed, up to where our words go on.
TYPED = re.compile(
    r"(?:the same money as an entry that was )?chosen by .*?(?=; that booking was moved to |$)",
    re.DOTALL,
)


def sentence_in_words(recorded: str | None) -> str:
    """``matched ana@example.com to the booking of 4 Nov, 13:00`` as ``Matched ana@example.com to
    the booking of Nov 4, 1:00 PM.``; what a person typed as the reason stays as it is. Nothing for
    no sentence.
    """
    if not recorded:
        return ""
    typed = TYPED.match(recorded)
    kept = typed[0] if typed else ""
    said = kept + RECORDED.sub(_anew, recorded[len(kept) :])
    return f"{said[0].upper()}{said[1:]}" + ("" if said.endswith((".", "!", "?")) else ".")


def _anew(found: re.Match[str]) -> str:
    month, year = MONTHS.index(found["month"]) + 1, int(found["year"] or LEAP)
    hour, minute = int(found["hour"] or 0), int(found["minute"] or 0)
    try:
        at = datetime(year, month, int(found["day"]), hour, minute)  # noqa: DTZ001 - local already
    except ValueError:  # no such day: somebody's words that look like one
        return found[0]
    day = notation().day(at.date(), year=found["year"] is not None)
    time = f", {notation().clock(at)}" if found["hour"] else ""
    return f"{found['before']} {day}{time}"
