"""Scopes of API keys: ``read``, ``write`` or ``all``; or one resource, followed by ``:read`` or
``:write``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.platform.errors import InvalidInput

RESOURCES = (
    "metrics",
    "export",
    "events",
    "payments",
    "pcf",
    "payouts",
    "leads",
    "calls",
    "deals",
    "sales",
)
GENERAL = ("read", "write", "all")
EVERY = (
    *GENERAL,
    *(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write")),
)


def check_scopes(scopes: Sequence[str]) -> list[str]:
    """The scopes, trimmed and without repetition. Raises InvalidInput for an unknown scope, or for
    none.
    """
    wanted = list(dict.fromkeys(scope.strip() for scope in scopes if scope.strip()))
    if not wanted:
        raise InvalidInput("Give the key at least one scope, for example read.", field="scopes")
    for scope in wanted:
        resource, _, right = scope.partition(":")
        if scope not in GENERAL and (
            resource not in RESOURCES or right not in ("", "read", "write")
        ):
            allowed = ", ".join((*GENERAL, *RESOURCES))
            raise InvalidInput(
                f"“{scope}” is not a scope; use {allowed}, or one with :read or :write behind it.",
                field="scopes",
            )
    return wanted


def allows(scopes: Iterable[str], resource: str, right: str) -> bool:
    """Whether one of ``scopes`` gives ``right``, which is ``read`` or ``write``, on the resource.
    The right to write includes the right to read.
    """
    granted = set(scopes)
    if (
        "all" in granted
        or resource in granted
        or f"{resource}:write" in granted
        or "write" in granted
    ):
        return True
    return right == "read" and ("read" in granted or f"{resource}:read" in granted)
