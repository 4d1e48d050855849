"""Who is acting: the signed-in member that pages, routes and actions are handed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from core.platform.database import as_member, as_viewed_member
from core.tenancy.access.models import Role


class FormFiler(Protocol):
    """Whoever files the form of a call: a signed-in person, or the holder of a closer's link."""

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def signature(self) -> str:
        """How the timeline says who filed."""

    def may_file(self, closer_id: UUID | None, closer_user_id: UUID | None) -> bool:
        """Whether they file the forms of this closer's calls."""


@dataclass(frozen=True)
class Place:
    """An organisation that a user can switch to."""

    id: UUID
    name: str
    slug: str
    role: str


@dataclass(frozen=True)
class Viewer:
    """A signed-in person in their active organisation, with the organisation's facts that every
    screen needs.

    ``modules`` are the organisation's. ``seen_by`` is the admin who looks at the product as this
    person, and may change nothing meanwhile. With ``second_factor_missing`` they see nothing but
    their own account until they have set one up. ``places`` are the organisations that they can
    switch to, by name; none while somebody looks as them.
    """

    user_id: UUID
    name: str
    email: str
    organization_id: UUID
    organization_name: str
    timezone: str
    currency: str
    role: Role
    modules: frozenset[str] = frozenset()
    seen_by: UUID | None = None
    second_factor_missing: bool = False
    places: tuple[Place, ...] = field(default=(), compare=False)

    def is_one_of(self, *roles: Role | str) -> bool:
        """Whether the viewer has one of ``roles``; a super admin has every one."""
        return self.role == Role.SUPER_ADMIN or self.role in roles

    def has(self, module: str | None) -> bool:
        """Whether the organisation has the module; None is what every organisation has."""
        return module is None or module in self.modules

    def covers(self, scope: str) -> bool:
        """People are bound by their role; scopes are for keys."""
        return True

    @property
    def is_admin(self) -> bool:
        return self.is_one_of(Role.OWNER, Role.ADMIN)

    @property
    def is_manager(self) -> bool:
        """A manager or above: reads everything in the organisation."""
        return self.is_one_of(Role.OWNER, Role.ADMIN, Role.MANAGER)

    @property
    def signature(self) -> str:
        return f"by {self.name}"

    def may_file(self, closer_id: UUID | None, closer_user_id: UUID | None) -> bool:
        """A closer files the forms of their own calls, a manager everybody's."""
        return self.is_manager or closer_user_id == self.user_id

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction under this viewer's identity; read-only while an admin looks as them.

        Raises NotAllowed when the membership has ended, and for a change by somebody who only
        looks.
        """
        entered = as_member if self.seen_by is None else partial(as_viewed_member, self.seen_by)
        with entered(self.user_id, self.organization_id) as db:
            yield db
