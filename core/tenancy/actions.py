"""Organisations, users, memberships and API keys: made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.platform.clock import check_timezone, now
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.money import check_currency
from core.platform.names import normalize_email
from core.tenancy.models import MEMBER_ROLES, ApiKey, Organization, OrganizationMember, Role, User
from core.tenancy.passwords import check_password, hash_password
from core.tenancy.scopes import check_scopes

KEY_PREFIX = "so_live_"
SHOWN = 12


def find_organization(db: Session, slug_or_id: str) -> UUID:
    """The organisation that a person or program names. Raises NotFound."""
    found = db.execute(text("select app.find_organization(:name)"), {"name": slug_or_id}).scalar()
    if found is None:
        raise NotFound(f"There is no organisation “{slug_or_id}”.")
    return found


def create_organization(
    *, name: str, slug: str, timezone: str, currency: str, region: str = "US", is_demo: bool = False
) -> UUID:
    """A new tenant. ``slug`` is its name in addresses; days are cut in ``timezone``; ``currency``
    is its usual one.

    Raises:
        InvalidInput: a name is missing, or the slug, time zone or currency is none.
        Conflict: the slug is taken, also by one that was deleted and can still come back.
    """
    organization_id = uuid4()
    facts = organization_facts(name=name, slug=slug, timezone=timezone, currency=currency)
    try:
        with as_system(organization_id) as db:
            db.add(Organization(id=organization_id, region=region, is_demo=is_demo, **facts))
    except IntegrityError as error:
        raise Conflict(f"The slug “{slug}” is taken.") from error
    return organization_id


def organization_facts(*, name: str, slug: str, timezone: str, currency: str) -> dict[str, str]:
    """What a new organisation is, checked. Raises InvalidInput."""
    if not name.strip():
        raise InvalidInput("Give the organisation a name.", field="name")
    if not _is_slug(slug):
        raise InvalidInput(
            "A slug has lower-case letters, digits and hyphens, at most 63.", field="slug"
        )
    return {
        "name": name.strip(),
        "slug": slug,
        "timezone": check_timezone(timezone),
        "currency": check_currency(currency),
    }


def _is_slug(slug: str) -> bool:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 0 < len(slug) <= 63 and set(slug) <= allowed and not slug.startswith("-")


@dataclass(frozen=True)
class NewUser:
    """The user that ``create_user`` made or found."""

    id: UUID
    is_new: bool


def create_user(
    db: Session,
    organization_id: UUID,
    *,
    email: str,
    password: str,
    role: str,
    name: str | None = None,
) -> NewUser:
    """A person who can sign in, as a member of the organisation with ``role``.

    Somebody who is known by the address keeps their name and password, and becomes a member here
    too; doing it again changes the role. ``super_admin`` is a role on the whole platform.

    Raises:
        InvalidInput: no address, an unknown role, or a password that is too easy.
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
    add_member(db, organization_id, user_id, member_role, name=shown, email=email.strip())
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


def add_member(
    db: Session, organization_id: UUID, user_id: UUID, role: Role, *, name: str, email: str
) -> None:
    """Make the user a member with ``role``; a member's role is changed."""
    values = {"role": role, "active": True}
    member = insert(OrganizationMember).values(
        organization_id=organization_id, user_id=user_id, name=name, email=email, **values
    )
    db.execute(
        member.on_conflict_do_update(index_elements=["organization_id", "user_id"], set_=values)
    )


@dataclass(frozen=True)
class NewKey:
    """An API key as it is shown this once; only its hash is stored."""

    id: UUID
    key: str


def create_api_key(
    db: Session,
    organization_id: UUID,
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
) -> NewKey:
    """A program's key to the organisation. Raises InvalidInput without a name, or for a scope that
    does not exist.
    """
    if not name.strip():
        raise InvalidInput(
            "Give the key a name, so that you can tell it from others.", field="name"
        )
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        organization_id=organization_id,
        id=uuid4(),
        name=name.strip(),
        key_hash=hashlib.sha256(key.encode()).digest(),
        prefix=key[:SHOWN],
        scopes=check_scopes(scopes),
        expires_at=expires_at,
    )
    db.add(row)
    db.flush()
    return NewKey(row.id, key)


def revoke_api_key(db: Session, key_id: UUID) -> None:
    """The key opens nothing from now on. Raises NotFound for one that is not the organisation's, or
    was revoked before.
    """
    revoked = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(ApiKey.id)
    )
    if db.scalars(revoked).first() is None:
        raise NotFound("That key has been revoked already.")


def api_keys(db: Session) -> list[ApiKey]:
    """The organisation's keys: those that open something first, then by age."""
    return list(
        db.scalars(
            select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc())
        )
    )


def members(db: Session) -> list[OrganizationMember]:
    """Everybody in the organisation, by name."""
    return list(
        db.scalars(
            select(OrganizationMember).order_by(OrganizationMember.name, OrganizationMember.user_id)
        )
    )
