"""An organisation's keys at providers: entered, verified at the provider by a worker, replaced,
removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import KeyStatus, OrganizationIntegration
from core.deliveries.secrets import read_secret, store_secret
from core.platform.clock import now
from core.platform.database import as_system, organization_id_of
from core.platform.errors import (
    AuthenticationFailed,
    InvalidInput,
    Misconfigured,
    NotFound,
    ProviderError,
    UnknownToProvider,
)
from core.platform.log import logger
from core.platform.models import VaultSecret
from core.platform.tasks import by, task
from core.providers.credentials import check_key, validate_key, validate_settings

log = logger("integrations")
KEY = "key"
VERIFIED_ANEW_AFTER = timedelta(hours=24)
TRIED_AGAIN_AFTER = timedelta(minutes=50)


def integrations(db: Session) -> list[Row[Any]]:
    """The organisation's keys, by provider.

    Columns: id, provider, settings, status, account_name, remark, last_verified_at, last_error,
    created_at, updated_at (when it was last tried), last_four (of the key).
    """
    of = OrganizationIntegration
    return list(
        db.execute(
            select(
                of.id,
                of.provider,
                of.settings,
                of.status,
                of.account_name,
                of.remark,
                of.last_verified_at,
                of.last_error,
                of.created_at,
                of.updated_at,
                func.coalesce(VaultSecret.last_four, "").label("last_four"),
            )
            .outerjoin(VaultSecret, (VaultSecret.owner_id == of.id) & (VaultSecret.name == KEY))
            .order_by(of.provider)
        )
    )


def enter_key(db: Session, provider: str, secret: str, answers: Mapping[str, str | None]) -> UUID:
    """Seal a provider's key in place of an earlier one, and have it verified; an empty ``secret``
    keeps the one that is stored.

    Raises:
        InvalidInput: it cannot be a key of this provider, or something that the provider is asked
        with is missing or wrong.
        Misconfigured: no master key is set.
    """
    fresh = {
        "settings": validate_settings(provider, answers),
        "status": KeyStatus.CHECKING,
        "account_name": None,
        "remark": None,
        "last_verified_at": None,
        "last_error": None,
    }
    row_id = db.scalars(
        insert(OrganizationIntegration)
        .values(organization_id=organization_id_of(db), id=uuid4(), provider=provider, **fresh)
        .on_conflict_do_update(index_elements=["organization_id", "provider"], set_=fresh)
        .returning(OrganizationIntegration.id)
    ).one()
    if secret.strip() or not _has_key(db, row_id):
        store_secret(db, provider, row_id, KEY, validate_key(provider, secret))
    verify_integration.later(db, row_id)
    return row_id


def _has_key(db: Session, row_id: UUID) -> bool:
    return (
        db.scalars(select(VaultSecret.id).where(VaultSecret.owner_id == row_id)).first() is not None
    )


def verify_soon(db: Session, integration_id: UUID) -> None:
    """Have the provider asked again. Raises NotFound."""
    asked = update(OrganizationIntegration).where(OrganizationIntegration.id == integration_id)
    if db.execute(asked.values(status=KeyStatus.CHECKING)).rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound("There is no such key any more.")
    verify_integration.later(db, integration_id)


def remove_key(db: Session, integration_id: UUID) -> None:
    """Delete a key with all that was asked with it. Raises NotFound."""
    db.execute(delete(VaultSecret).where(VaultSecret.owner_id == integration_id))
    gone = db.execute(
        delete(OrganizationIntegration).where(OrganizationIntegration.id == integration_id)
    )
    if gone.rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound("There is no such key any more.")


@task(name="verify_integrations", cron="17 * * * *")
def verify_due(organization_id: UUID) -> int:
    """Have those keys verified again that were not within a day, or, when their provider could not
    be asked, an hour; how many.
    """
    at = OrganizationIntegration.updated_at
    settled = OrganizationIntegration.status.in_([KeyStatus.VERIFIED, KeyStatus.REFUSED])
    due = case((settled, at < now() - VERIFIED_ANEW_AFTER), else_=at < now() - TRIED_AGAIN_AFTER)
    with as_system(organization_id) as db:
        ids = db.scalars(select(OrganizationIntegration.id).where(due)).all()
        for integration_id in ids:
            verify_integration.later(db, integration_id)
    return len(ids)


@dataclass(frozen=True)
class Access:
    """With what a provider is asked for something: the key and what goes with it."""

    secret: str = field(repr=False)
    settings: dict[str, str]


def access_to(db: Session, provider: str) -> Access | None:
    """What the organisation asks this provider with; None when no key is stored. Needs the system's
    identity.
    """
    of = OrganizationIntegration
    row = db.execute(select(of.id, of.settings).where(of.provider == provider)).first()
    return None if row is None else Access(read_secret(db, row.id, KEY), row.settings)


@dataclass(frozen=True)
class Question:
    """What a provider is asked with. ``sealed_at`` tells this key from one that is entered
    meanwhile.
    """

    provider: str
    settings: dict[str, str]
    sealed_at: datetime | None


@task(once=by("integration_id"), retry=False)  # an admin waits for the answer and can ask again
def verify_integration(organization_id: UUID, integration_id: UUID) -> None:
    """Ask the provider whose key this is and write down what it says; a key that is gone meanwhile
    is left alone.

    No transaction is open while the provider is asked. What was replaced meanwhile is asked again.
    """
    with as_system(organization_id) as db:
        question = _question(db, integration_id)
    if question is None:
        return
    outcome = _outcome(organization_id, integration_id, question)
    with as_system(organization_id) as db:
        if _question(db, integration_id) != question:
            verify_integration.later(db, integration_id)
            return
        db.execute(
            update(OrganizationIntegration)
            .where(OrganizationIntegration.id == integration_id)
            .values(outcome)
        )
    log.info(
        "key verified",
        integration=str(integration_id),
        provider=question.provider,
        status=outcome["status"],
    )


def _question(db: Session, integration_id: UUID) -> Question | None:
    """Locks the row, so that what is then written belongs to what was asked."""
    of = OrganizationIntegration
    row = db.execute(
        select(of.provider, of.settings).where(of.id == integration_id).with_for_update()
    ).first()
    if row is None:
        return None
    sealed_at = select(VaultSecret.updated_at).where(
        VaultSecret.owner_id == integration_id, VaultSecret.name == KEY
    )
    return Question(row.provider, row.settings, db.scalars(sealed_at).first())


def _outcome(organization_id: UUID, integration_id: UUID, question: Question) -> dict[str, Any]:
    try:
        with as_system(organization_id) as db:
            secret = read_secret(db, integration_id, KEY)
        found = check_key(question.provider, secret, question.settings)
    except (
        AuthenticationFailed,
        UnknownToProvider,
        InvalidInput,
        Misconfigured,
        NotFound,
    ) as error:
        return {"status": KeyStatus.REFUSED, "last_error": error.message}
    except ProviderError as error:
        return {"status": KeyStatus.UNVERIFIED, "last_error": error.message}
    return {
        "status": KeyStatus.VERIFIED,
        "account_name": found.name,
        "remark": " ".join(found.remarks) or None,
        "last_error": None,
        "last_verified_at": now(),
    }
