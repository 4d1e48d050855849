"""Who is acting: the signed-in member that pages, routes and actions are handed."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from core.platform.database import as_member
from core.tenancy.models import Role


@dataclass(frozen=True)
class Viewer:
    """A signed-in person in their active organisation, with the organisation's facts that every screen needs.

    With ``second_factor_missing`` they see nothing but their own account until they have set one up.
    """

    user_id: UUID
    name: str
    email: str
    organization_id: UUID
    organization_name: str
    timezone: str
    currency: str
    role: Role
    second_factor_missing: bool = False

    def is_one_of(self, *roles: Role | str) -> bool:
        """Whether the viewer has one of ``roles``; a super admin has every one."""
        return self.role == Role.SUPER_ADMIN or self.role in roles

    @property
    def is_admin(self) -> bool:
        return self.is_one_of(Role.OWNER, Role.ADMIN)

    @property
    def is_manager(self) -> bool:
        """A manager or above: reads everything in the organisation."""
        return self.is_one_of(Role.OWNER, Role.ADMIN, Role.MANAGER)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction under this viewer's identity. Raises NotAllowed when the membership has ended."""
        with as_member(self.user_id, self.organization_id) as db:
            yield db
