"""Addresses that nothing is sent to any more, why and since when, and the way back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.orm import Session

from core.deliveries.models import SuppressedEmail
from core.people.models import Contact, ContactEmail
from core.platform.clock import now
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer

MOST = 100
# One line for each address, with its gravest reason. Of who was erased only a stand-in is left,
# which is nobody's address.
BLOCKED = text("""
    select found.id, found.email, found.reason, found.at from (
      select distinct on (each.email) each.id, each.email, each.reason, each.at from (
        select s.id, s.email_normalized as email, s.reason, s.at from app.suppressed_emails s
         where s.email_normalized not like '%@erased.invalid'
         union all
        select a.id, a.email_normalized, 'unsubscribed', c.unsubscribed_at from app.contacts c
          join app.contact_emails a on a.organization_id = c.organization_id and a.contact_id = c.id
         where c.unsubscribed_at is not null and c.erased_at is null) each
       where strpos(each.email, :search) > 0
       order by each.email,
         array_position(array['complained', 'bounced', 'unsubscribed'], each.reason), each.at) found
     order by found.at desc, found.email limit :limit
""")


def blocked_addresses(db: Session, search: str = "") -> list[Row[Any]]:
    """The latest ``MOST`` blocked addresses that contain ``search``.

    Columns: id (UUID), email (normal form), reason (bounced, complained or unsubscribed), at (UTC).
    """
    return list(
        db.execute(BLOCKED, {"search": search.replace("\0", "").strip().lower(), "limit": MOST})
    )


def unreachable(db: Session, emails: Collection[str]) -> dict[str, str]:
    """Which of these addresses, in their normal form, not even an invitation reaches, and why:
    bounced or complained.
    """
    known = select(SuppressedEmail.email_normalized, SuppressedEmail.reason).where(
        SuppressedEmail.email_normalized.in_(emails), SuppressedEmail.reason != "unsubscribed"
    )
    return {row.email_normalized: row.reason for row in db.execute(known)}


def unsubscribe(db: Session, viewer: Viewer, email: str) -> None:
    """Note that the contact with this address, given in its normal form, wants no news any more, by
    no channel.

    Raises NotAllowed for who is no admin, and NotFound where no contact has the address, or has
    unsubscribed before.
    """
    _admins_only(viewer)
    theirs = select(ContactEmail.contact_id).where(ContactEmail.email_normalized == email)
    asked = (
        update(Contact)
        .where(Contact.id.in_(theirs), Contact.unsubscribed_at.is_(None))
        .values(unsubscribed_at=now())
    )
    if db.execute(asked).rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound("Nobody with this address is written to.")


def lift(db: Session, viewer: Viewer, email: str) -> None:
    """Send to an address again, given in its normal form; also what is waiting for it from now on.

    Raises NotAllowed for who is no admin, and NotFound for an address that is not blocked.
    """
    _admins_only(viewer)
    theirs = select(ContactEmail.contact_id).where(ContactEmail.email_normalized == email)
    lifted = [
        *db.scalars(
            delete(SuppressedEmail)
            .where(SuppressedEmail.email_normalized == email)
            .returning(SuppressedEmail.id)
        ),
        *db.scalars(
            update(Contact)
            .where(
                Contact.id.in_(theirs),
                Contact.unsubscribed_at.is_not(None),
                Contact.erased_at.is_(None),
            )
            .values(unsubscribed_at=None)
            .returning(Contact.id)
        ),
    ]
    if not lifted:
        raise NotFound("This address is not blocked.")


def _admins_only(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise NotAllowed("Only an admin may do this.")
