"""The viewer: the signed-in member for whom pages, routes and actions work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from core.platform.database import as_member, as_viewed_member
from core.tenancy.access.models import AccessSettings, Role


class FormFiler(Protocol):
    """Whoever files a post-call form: a signed-in person, or the holder of a closer's link."""

    @property
    def user_id(self) -> UUID | None: ...

    @property
    def signature(self) -> str:
        """How the timeline names whoever filed the form."""

    def may_file(self, closer_id: UUID | None, closer_user_id: UUID | None) -> bool:
        """Whether they may file forms of this closer's events."""


@dataclass(frozen=True)
class Place:
    """An organisation that a user can switch to."""

    id: UUID
    name: str
    slug: str
    role: str


@dataclass(frozen=True)
class Viewer:
    """A signed-in person in their active organisation, with the facts of the organisation that
    every screen needs.

    ``modules`` are the organisation's. ``seen_by`` is the admin who views as this person, and who
    may change nothing meanwhile. With ``second_factor_missing`` the person sees only their own
    account until they have set up a second factor. ``locale`` is the organisation's. ``places`` are
    the organisations that they can switch to, by name; it is empty while an admin views as them.
    """

    user_id: UUID
    name: str
    email: str
    organization_id: UUID
    organization_name: str
    timezone: str
    currency: str
    locale: str
    role: Role
    modules: frozenset[str] = frozenset()
    seen_by: UUID | None = None
    second_factor_missing: bool = False
    places: tuple[Place, ...] = field(default=(), compare=False)

    def is_one_of(self, *roles: Role | str) -> bool:
        """Whether the viewer has one of ``roles``; a super admin has every one."""
        return self.role == Role.SUPER_ADMIN or self.role in roles

    def has(self, module: str | None) -> bool:
        """Whether the organisation has the module; True for None, which stands for what every
        organisation has.
        """
        return module is None or module in self.modules

    def covers(self, scope: str) -> bool:
        """Always true: scopes limit keys, and roles limit people."""
        return True

    @property
    def is_admin(self) -> bool:
        return self.is_one_of(Role.OWNER, Role.ADMIN)

    @property
    def is_manager(self) -> bool:
        """Whether the viewer is a manager or above."""
        return self.is_one_of(Role.OWNER, Role.ADMIN, Role.MANAGER)

    def sees_everybody(self, access: AccessSettings) -> bool:
        """Whether the viewer reads everybody's rows, and not only their own or their team's."""
        is_of_a_team = self.role == Role.MANAGER and access.managers_see_their_team_only
        return self.role != Role.SALES_REP and not is_of_a_team

    @property
    def signature(self) -> str:
        return f"by {self.name}"

    def may_file(self, closer_id: UUID | None, closer_user_id: UUID | None) -> bool:
        """A closer may file the forms of their own events, a manager everybody's."""
        return self.is_manager or closer_user_id == self.user_id

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction under this viewer's identity; read-only while an admin views as them.

        Raises NotAllowed when the membership has ended, and for changes while viewing as somebody.
        """
        entered = as_member if self.seen_by is None else partial(as_viewed_member, self.seen_by)
        with entered(self.user_id, self.organization_id) as db:
            yield db
