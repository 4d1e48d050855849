"""Edits know what they replace: somebody who changes a value that another has changed meanwhile is
asked, and nobody's change is lost without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.platform.errors import Conflict

Values = Mapping[str, Any]


class Changed(Conflict):
    """Somebody else has changed what an edit replaces; ``now`` is what stands by now, by field."""

    code = "changed"

    def __init__(self, now: Values) -> None:
        super().__init__(
            "Somebody else has changed this while you were editing it. Nothing of yours is lost:"
            " check both, and save again to replace theirs."
        )
        self.now = dict(now)


def merged(now: Values, wanted: Values, read: Values | None) -> dict[str, Any]:
    """The values of a row after an edit of somebody who read it as ``read``: theirs where they
    changed one, else what stands by now. Without ``read`` everything that is wanted.

    The caller has locked the row. Raises Changed where a value that they changed is another by now
    than the one that they read.
    """
    if read is None:
        return {**now, **wanted}
    changed = {
        name: value for name, value in wanted.items() if name not in read or read[name] != value
    }
    crossed = {
        name: now[name]
        for name, value in changed.items()
        if name in read and now[name] not in (read[name], value)
    }
    if crossed:
        raise Changed(crossed)
    return {**now, **changed}
