"""API keys: creating, listing and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.errors import NotFound
from core.platform.names import check_name
from core.tenancy.access.models import ApiKey
from core.tenancy.access.scopes import check_scopes

KEY_PREFIX = "so_live_"


SHOWN = 12


@dataclass(frozen=True)
class NewKey:
    """A new API key. It is shown only this once, since only its hash is stored."""

    id: UUID
    key: str


def create_api_key(
    db: Session,
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: datetime | None = None,
) -> NewKey:
    """Create a program's key to the transaction's organisation.

    Raises InvalidInput without a name, or for a scope that does not exist.
    """
    called = check_name(name, "Give the key a name, so that you can tell it from others.")
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        organization_id=organization_id_of(db),
        id=uuid4(),
        name=called,
        key_hash=hashlib.sha256(key.encode()).digest(),
        prefix=key[:SHOWN],
        scopes=check_scopes(scopes),
        expires_at=expires_at,
    )
    db.add(row)
    db.flush()
    return NewKey(row.id, key)


def revoke_api_key(db: Session, key_id: UUID) -> None:
    """Revoke a key at once. Raises NotFound for a key that is not the organisation's, or was
    revoked before.
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
    """The organisation's keys: valid ones first, then by age."""
    return list(
        db.scalars(
            select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc())
        )
    )
