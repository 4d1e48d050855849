"""Rotating the master key: every secret is sealed again under the current key."""

from __future__ import annotations

from sqlalchemy import select, update

from core.deliveries.secrets import belongs_to
from core.messages.sealing import reseal_waiting
from core.platform.database import WORKER_ROLE, as_guest, as_system
from core.platform.models import VaultSecret
from core.platform.vault import seal, sealed_with_current_key, unseal
from core.tenancy.identity.second_factor import belongs_to as belongs_to_user
from core.tenancy.identity.second_factor import sealed_factors, store_sealed
from core.tenancy.organizations.queries import unpurged_organization_ids


def reseal_secrets() -> tuple[int, int]:
    """Seal again every secret that an older key sealed. Returns how many those were, and how many
    the current key had sealed already.

    Safe to repeat and to interrupt: each organisation is one transaction. When the key that sealed
    a secret is not configured, neither as the current key nor as an old one, it raises
    Misconfigured without naming the secret and leaves that organisation unchanged.
    """
    resealed = current = 0
    for organization_id in unpurged_organization_ids():
        with as_system(organization_id) as db:
            secrets = db.execute(select(VaultSecret.id, VaultSecret.sealed).with_for_update()).all()
            stale = [row for row in secrets if not sealed_with_current_key(row.sealed)]
            for row in stale:
                bound_to = belongs_to(organization_id, row.id)
                fresh = seal(unseal(row.sealed, *bound_to), *bound_to)
                db.execute(update(VaultSecret).where(VaultSecret.id == row.id).values(sealed=fresh))
            resealed += len(stale) + reseal_waiting(db)
            current += len(secrets) - len(stale)
    return resealed + _reseal_second_factors(), current


def _reseal_second_factors() -> int:
    """People's authenticators, which belong to no organisation."""
    with as_guest(WORKER_ROLE) as db:
        stale = [row for row in sealed_factors(db) if not sealed_with_current_key(row.sealed)]
        for row in stale:
            bound_to = belongs_to_user(row.user_id)
            store_sealed(db, row.user_id, seal(unseal(row.sealed, *bound_to), *bound_to))
        return len(stale)
