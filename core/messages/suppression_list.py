"""The suppression list: the recipients to whom nothing is sent any more, why and since when, and
how they are removed from it.

An address is on the list because it bounced, or its owner complained or unsubscribed
(``suppressed_emails``). A contact who unsubscribed is on the list with all addresses and the phone
number (``contacts.unsubscribed_at``).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, case, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage, SuppressedEmail, SuppressionReason
from core.people.actions import contacts_with_phone
from core.people.models import Contact, ContactEmail
from core.platform.clock import now
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, NotAllowed, NotFound
from core.tenancy.access.viewers import Viewer

MOST = 100
GRAVITY = (  # the least serious reason first
    SuppressionReason.UNSUBSCRIBED,
    SuppressionReason.BOUNCED,
    SuppressionReason.COMPLAINED,
)
# One line for each address, with its most serious reason. Of an erased person only a placeholder is
# left, which is nobody's address.
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
         array_position(cast(:gravity as text[]), each.reason) desc, each.at) found
     order by found.at desc, found.email limit :limit
""")


class Suppressed(Conflict):
    """Nothing is sent to this recipient any more."""


class OptedOut(Suppressed):
    """The recipient has asked the provider to stop, which our own list does not record yet."""


def suppress(db: Session, email_normalized: str, reason: str, at: datetime) -> None:
    """Send nothing to this address any more. A more serious reason replaces a lesser one, and of
    equal ones the earliest stays, so that the order in which they arrive does not matter.
    """
    new = insert(SuppressedEmail).values(
        organization_id=organization_id_of(db),
        email_normalized=email_normalized,
        reason=reason,
        at=at,
    )
    gravity = {each: place for place, each in enumerate(GRAVITY)}
    known, reported = (
        case(gravity, value=SuppressedEmail.reason),
        gravity[SuppressionReason(reason)],
    )
    db.execute(
        new.on_conflict_do_update(
            index_elements=["organization_id", "email_normalized"],
            set_={"reason": reason, "at": at},
            where=or_(known < reported, and_(known == reported, SuppressedEmail.at > at)),
        )
    )


def check_may_be_mailed(db: Session, message: OutboxMessage, *, personal: bool) -> None:
    """Raises Suppressed when the address bounced or its owner complained, or when they unsubscribed
    and the message is not personal.
    """
    known = select(SuppressedEmail.reason).where(
        SuppressedEmail.email_normalized == message.recipient
    )
    reason = db.scalars(known).first() or _unsubscribed(db, message)
    if reason is None or (reason == "unsubscribed" and personal):
        return
    raise Suppressed(f"Nothing is sent to this address any more: it {reason}.")


def _unsubscribed(db: Session, message: OutboxMessage) -> str | None:
    """``unsubscribed`` when the contact with this address is; that applies to all addresses of the
    contact.
    """
    contact = (
        select(Contact.id)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(
            ContactEmail.email_normalized == message.recipient, Contact.unsubscribed_at.is_not(None)
        )
    )
    return "unsubscribed" if db.scalars(contact).first() else None


def check_may_be_texted(db: Session, message: OutboxMessage) -> None:
    """Raises Suppressed when a contact with this number wants no messages. If two people share a
    number, one of them is enough.
    """
    unwilling = select(Contact.id).where(
        Contact.id.in_(contacts_with_phone(message.recipient or "")),
        Contact.unsubscribed_at.is_not(None),
    )
    if db.scalars(unwilling).first() is not None:
        raise Suppressed("Nothing is sent to this number any more: a contact with it unsubscribed.")


def stop_texts(db: Session, number: str, at: datetime) -> None:
    """Record for every contact with this number (E.164) that they want no messages, neither texts
    nor e-mails, since ``at``.

    A contact who unsubscribed earlier stays with the earlier instant.
    """
    theirs = (
        Contact.organization_id == organization_id_of(db),
        Contact.id.in_(contacts_with_phone(number)),
        Contact.unsubscribed_at.is_(None),
    )
    db.execute(update(Contact).where(*theirs).values(unsubscribed_at=at))


def blocked_addresses(db: Session, search: str = "") -> list[Row[Any]]:
    """The latest ``MOST`` blocked addresses that contain ``search``.

    Columns: id (UUID), email (normal form), reason (bounced, complained or unsubscribed), at (UTC).
    """
    asked = {
        "search": search.replace("\0", "").strip().lower(),
        "gravity": list(GRAVITY),
        "limit": MOST,
    }
    return list(db.execute(BLOCKED, asked))


def unreachable(db: Session, emails: Collection[str]) -> dict[str, str]:
    """Which of these normalised addresses not even an invitation can reach, and why: bounced or
    complained.
    """
    known = select(SuppressedEmail.email_normalized, SuppressedEmail.reason).where(
        SuppressedEmail.email_normalized.in_(emails), SuppressedEmail.reason != "unsubscribed"
    )
    return {row.email_normalized: row.reason for row in db.execute(known)}


def unsubscribe(db: Session, viewer: Viewer, email: str) -> None:
    """Record that the contact with this normalised address wants no more messages, on any channel.

    Raises NotAllowed unless the viewer is an admin, and NotFound where no contact has the address,
    or the contact has unsubscribed before.
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
    """Remove a normalised address from the list. Messages that wait for it are sent as well from
    now on.

    Raises NotAllowed unless the viewer is an admin, and NotFound for an address that is not
    blocked.
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
