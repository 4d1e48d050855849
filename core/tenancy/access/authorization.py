"""Who may open a screen, a route or an endpoint: one check for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from core.tenancy.access.models import Role


@dataclass(frozen=True)
class Access:
    """Whom something is open to.

    Organisations without the ``module`` do not have it; None is for every organisation. ``public``
    is open to whoever has the address. ``own_account`` is a person's alone: it stays open while
    their second factor is missing, and is closed to an admin who looks as them. ``scope`` is what
    an API key needs: a resource and a right, like ``events:read``.
    """

    roles: tuple[Role, ...]
    module: str | None = None
    public: bool = False
    own_account: bool = False
    scope: str | None = None


class Refusal(Enum):
    """Why something is closed; the sentence is the screen's, the route's or the endpoint's."""

    SIGNED_OUT = auto()
    ROLE = auto()
    MODULE = auto()
    VIEW_AS = auto()
    SECOND_FACTOR = auto()
    SCOPE = auto()


class Visiting(Protocol):
    """A person or a program that asks for something."""

    @property
    def seen_by(self) -> UUID | None: ...

    @property
    def second_factor_missing(self) -> bool: ...

    def is_one_of(self, *roles: Role) -> bool: ...

    def has(self, module: str | None) -> bool: ...

    def covers(self, scope: str) -> bool: ...


def may_open(visiting: Visiting | None, access: Access) -> Refusal | None:
    """Why it is closed to whoever asks, None being nobody signed in; None when it is open."""
    if access.public:
        return None
    if visiting is None:
        return Refusal.SIGNED_OUT
    if not visiting.is_one_of(*access.roles):
        return Refusal.ROLE
    if not visiting.has(access.module):
        return Refusal.MODULE
    if access.own_account:
        return Refusal.VIEW_AS if visiting.seen_by is not None else None
    if visiting.second_factor_missing:
        return Refusal.SECOND_FACTOR
    if access.scope is not None and not visiting.covers(access.scope):
        return Refusal.SCOPE
    return None
