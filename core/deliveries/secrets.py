"""Provider secrets: people write them; only the receiver and the jobs read them."""

from __future__ import annotations

import hmac
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from core.platform.database import as_system, organization_id_of
from core.platform.errors import InvalidInput, Misconfigured, NotFound
from core.platform.models import VaultSecret
from core.platform.vault import seal, unseal

SHOWN = 4


def belongs_to(organization_id: UUID, row_id: UUID) -> tuple[str, ...]:
    """What a sealed value is bound to: organisation, table, column, row."""
    return (str(organization_id), "vault_secrets", "sealed", str(row_id))


def store_secret(db: Session, provider: str, owner_id: UUID, name: str, secret: str) -> None:
    """Seal ``secret`` under ``name`` for ``owner_id``, a connection or an integration, in place of
    an earlier one.

    Raises:
        InvalidInput: the secret is empty.
        Misconfigured: no master key is set.
    """
    text = secret.strip()
    if not text:
        raise InvalidInput("The secret is empty.", field="secret")
    known = select(VaultSecret.id).where(VaultSecret.owner_id == owner_id, VaultSecret.name == name)
    row_id = db.scalars(known).first()
    bound_to = row_id or uuid4()
    values = {
        "sealed": seal(text, *belongs_to(organization_id_of(db), bound_to)),
        "last_four": text[-SHOWN:] if len(text) > 2 * SHOWN else "",
        "verified_at": None,
    }
    if row_id is None:
        key = {
            "organization_id": organization_id_of(db),
            "id": bound_to,
            "owner_id": owner_id,
            "name": name,
            "provider": provider,
        }
        db.execute(insert(VaultSecret).values(key | values))
    else:
        db.execute(update(VaultSecret).where(VaultSecret.id == row_id).values(values))


def retire_secret(db: Session, owner_id: UUID, name: str, retired: str) -> None:
    """Store the secret ``name`` under the name ``retired``, in place of an earlier one of that
    name. Its seal stays as it is, which people cannot open.
    """
    owned = VaultSecret.owner_id == owner_id
    db.execute(delete(VaultSecret).where(owned, VaultSecret.name == retired))
    db.execute(update(VaultSecret).where(owned, VaultSecret.name == name).values(name=retired))


def read_secret(db: Session, owner_id: UUID, name: str) -> str:
    """The unsealed secret, only for calling the provider. Needs the system's identity. Raises
    NotFound.
    """
    known = select(VaultSecret.organization_id, VaultSecret.id, VaultSecret.sealed).where(
        VaultSecret.owner_id == owner_id, VaultSecret.name == name
    )
    row = db.execute(known).first()
    if row is None:
        raise NotFound("No secret is stored for this connection; enter it again.")
    return unseal(row.sealed, *belongs_to(row.organization_id, row.id))


def is_stored(db: Session, owner_id: UUID, name: str, secret: str) -> bool:
    """Whether ``secret`` is the one that is stored. People cannot open a seal, so it is opened in a
    transaction of the system; one that no configured key opens is another.
    """
    with as_system(organization_id_of(db)) as system:
        try:
            known = read_secret(system, owner_id, name)
        except (NotFound, Misconfigured):
            return False
    return hmac.compare_digest(known.encode(), secret.strip().encode())


def count_unreadable(db: Session) -> int:
    """How many of the organisation's secrets cannot be unsealed with any configured key. Needs the
    system's identity.
    """
    sealed = db.execute(select(VaultSecret.id, VaultSecret.sealed)).all()
    return sum(not _opens(row.sealed, belongs_to(organization_id_of(db), row.id)) for row in sealed)


def _opens(sealed: bytes, bound_to: tuple[str, ...]) -> bool:
    try:
        unseal(sealed, *bound_to)
    except Misconfigured:
        return False
    return True
