"""Adding people to an organisation."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.normalization import normalize_email
from core.tenancy.access.models import MEMBER_ROLES, OrganizationMember, Role
from core.tenancy.identity.models import User
from core.tenancy.identity.passwords import check_password, hash_password


@dataclass(frozen=True)
class NewUser:
    """The user that ``create_user`` created or found."""

    id: UUID
    is_new: bool


def create_user(
    db: Session,
    *,
    email: str,
    password: str,
    role: str,
    name: str | None = None,
) -> NewUser:
    """Create a person who can sign in, as a member of the transaction's organisation with ``role``.

    An existing user with this address becomes a member as well, with their own name and password;
    calling it again changes the role. ``super_admin`` is a role on the whole platform.

    Raises:
        InvalidInput: no valid address, an unknown role, or a password that is too easy.
    """
    normalized = normalize_email(email)
    if normalized is None:
        raise InvalidInput(f"“{email}” is not an e-mail address.", field="email")
    if role not in (*MEMBER_ROLES, Role.SUPER_ADMIN):
        raise InvalidInput(
            f"“{role}” is not a role; use one of {', '.join((*MEMBER_ROLES, Role.SUPER_ADMIN))}.",
            field="role",
        )
    known = db.execute(
        text("select user_id, name from app.find_sign_in(:email)"), {"email": normalized}
    ).first()
    shown = name or (known.name if known else email.strip().partition("@")[0])
    user_id = known.user_id if known else _add_user(db, email.strip(), normalized, shown, password)
    member_role = Role.OWNER if role == Role.SUPER_ADMIN else Role(role)
    add_member(db, user_id, member_role, name=shown, email=email.strip())
    if role == Role.SUPER_ADMIN:
        db.execute(text("select app.make_super_admin(:user)"), {"user": user_id})
    return NewUser(user_id, known is None)


def _add_user(db: Session, email: str, normalized: str, name: str, password: str) -> UUID:
    check_password(password, email=email)
    user = User(
        id=uuid4(),
        email=email,
        email_normalized=normalized,
        name=name,
        password_hash=hash_password(password),
        password_changed_at=now(),
    )
    db.add(user)
    db.flush()
    return user.id


def add_member(db: Session, user_id: UUID, role: Role, *, name: str, email: str) -> None:
    """Make the user a member of the transaction's organisation with ``role``, or change a member's
    role.
    """
    values = {"role": role, "active": True}
    member = insert(OrganizationMember).values(
        organization_id=organization_id_of(db), user_id=user_id, name=name, email=email, **values
    )
    db.execute(
        member.on_conflict_do_update(index_elements=["organization_id", "user_id"], set_=values)
    )


def members(db: Session) -> list[OrganizationMember]:
    """All members of the organisation, by name."""
    return list(
        db.scalars(
            select(OrganizationMember).order_by(OrganizationMember.name, OrganizationMember.user_id)
        )
    )
