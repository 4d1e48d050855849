"""Modules: the parts of the product that an organisation has or has not; those who run the
installation say which.
"""

from __future__ import annotations

from collections.abc import Collection

from core.platform.errors import NotAllowed

BOOKINGS = "bookings"
MODULES = {BOOKINGS: "Bookings", "phone": "Phone", "jobs": "Jobs", "deals": "Deals"}


class SwitchedOff(NotAllowed):
    """What was asked for belongs to a module that the organisation has not."""

    code = "module_switched_off"


def switched_off(module: str, organization: str) -> str:
    """That the organisation has not the module, and who can change that."""
    return (
        f"{MODULES[module]} is switched off for {organization}. Those who run the installation can"
        " switch it on."
    )


def require_module(module: str | None, modules: Collection[str], organization: str) -> None:
    """Raises SwitchedOff where ``modules`` are without it; None belongs to every organisation."""
    if module is not None and module not in modules:
        raise SwitchedOff(switched_off(module, organization))
