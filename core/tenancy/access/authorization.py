"""Who may open a screen, a route or an endpoint: one check for all three."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from core.tenancy.access.models import Role


@dataclass(frozen=True)
class Access:
    """Who may open something.

    With a ``module``, only organisations that have the module; None means every organisation.
    ``public``: everybody who has the address. ``own_account``: a page of the person's own account.
    It stays open while their second factor is missing, and is closed to an admin who views as them.
    ``scope`` is what an API key needs: a resource and a right, like ``events:read``.
    """

    roles: tuple[Role, ...]
    module: str | None = None
    public: bool = False
    own_account: bool = False
    scope: str | None = None


class Refusal(Enum):
    """Why access is refused. The screen, route or endpoint puts it into words."""

    SIGNED_OUT = auto()
    ROLE = auto()
    MODULE = auto()
    VIEW_AS = auto()
    SECOND_FACTOR = auto()
    SCOPE = auto()


class Visiting(Protocol):
    """A person or program that asks for access."""

    @property
    def seen_by(self) -> UUID | None: ...

    @property
    def second_factor_missing(self) -> bool: ...

    def is_one_of(self, *roles: Role) -> bool: ...

    def has(self, module: str | None) -> bool: ...

    def covers(self, scope: str) -> bool: ...


def may_open(visiting: Visiting | None, access: Access) -> Refusal | None:
    """Why access is refused, or None when it is granted. ``visiting`` is None for somebody who is
    not signed in.
    """
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
