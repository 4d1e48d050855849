"""What people read where a booking or a payment has a closer or setter, and where it has none.

Three cases, called the same on every screen: somebody of the organisation's list, by their name; a
name that only the booking has, as it was written there; and nobody.
"""

from __future__ import annotations

from core.platform.labels import none_of

UNLISTED = "“{}” (not in your list)"


def rep_in_words(name: str | None, part: str, *, is_listed: bool) -> str:
    """``Ana``, ``“new-setter” (not in your list)``, ``No setter``; ``part`` is ``closer`` or
    ``setter``.
    """
    if not name:
        return none_of(part)
    return name if is_listed else UNLISTED.format(name)
