"""That somebody is not written to any more, whichever way."""

from __future__ import annotations

from core.platform.errors import Conflict


class Suppressed(Conflict):
    """Nothing is sent to this recipient any more."""


class OptedOut(Suppressed):
    """The recipient told the provider to stop; nobody here has noted it yet."""
