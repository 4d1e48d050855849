"""An organisation's logo: a small picture that its own people see beside its name."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput, NotAllowed
from core.tenancy.organizations.models import Organization

MOST_BYTES = 128 * 1024
# By how such files begin: what a file is called says nothing. SVG can hold scripts, so it is none.
KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}


def set_logo(db: Session, picture: bytes | None) -> None:
    """Give the transaction's organisation another logo, or with None none.

    Raises:
        InvalidInput: the file is too large, or not a picture of one of ``KINDS``.
        NotAllowed: only admins change it.
    """
    values: dict[str, bytes | str | None] = dict.fromkeys(("logo", "logo_type", "logo_version"))
    if picture is not None:
        version = sha256(picture).hexdigest()[:12]
        values = {"logo": picture, "logo_type": _kind_of(picture), "logo_version": version}
    change = update(Organization).where(Organization.id == organization_id_of(db)).values(values)
    if db.execute(change.returning(Organization.id)).first() is None:
        raise NotAllowed("Only an admin can change the logo.")


def _kind_of(picture: bytes) -> str:
    if len(picture) > MOST_BYTES:
        raise InvalidInput("The logo is too large. Use a file of 128 KB or less.", field="logo")
    for beginning, kind in KINDS.items():
        if picture.startswith(beginning) and (kind != "image/webp" or picture[8:12] == b"WEBP"):
            return kind
    raise InvalidInput("The logo has to be a PNG, JPEG or WebP file.", field="logo")


def logo_of(db: Session) -> Row[bytes | None, str | None]:
    """The logo of the transaction's organisation and its media type; None for both without one."""
    mine = Organization.id == organization_id_of(db)
    return db.execute(select(Organization.logo, Organization.logo_type).where(mine)).one()
