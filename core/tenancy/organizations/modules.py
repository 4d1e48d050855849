"""Modules: the optional parts of the product. Super admins decide which of them an organisation
has.
"""

from __future__ import annotations

from collections.abc import Collection

from core.platform.errors import NotAllowed

BOOKINGS = "bookings"
MODULES = {BOOKINGS: "Bookings", "phone": "Phone", "jobs": "Jobs", "deals": "Deals"}


class SwitchedOff(NotAllowed):
    """The request needs a module that the organisation does not have."""

    code = "module_switched_off"


def switched_off(module: str, organization: str) -> str:
    """The sentence that the organisation does not have the module, and who can change that."""
    return (
        f"{MODULES[module]} is switched off for {organization}. Those who run the installation can"
        " switch it on."
    )


def require_module(module: str | None, modules: Collection[str], organization: str) -> None:
    """Raises SwitchedOff unless ``modules`` contains the module; None is in every organisation."""
    if module is not None and module not in modules:
        raise SwitchedOff(switched_off(module, organization))
