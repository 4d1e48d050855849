"""E-mails about people's accounts: composing them with their single-use links, and how far they
got.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID, uuid4

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from core.deliveries.models import OutboxMessage
from core.links.access_links import NewLink
from core.links.kinds import OPENS, LinkPurpose
from core.messages import email_templates
from core.messages.email_outbox import post_email
from core.platform.clock import now
from core.platform.dataframes import fetched
from core.platform.errors import TooManyRequests
from core.platform.rate_limits import take_hit
from core.platform.settings import settings
from core.platform.tasks import task
from core.tenancy.access.invitations import DAYS, Issued
from core.tenancy.access.models import Invitation
from core.tenancy.access.password_resets import MINUTES, account_address, issue_link_token
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization

if TYPE_CHECKING:
    import pandas as pd

LINKS_AN_HOUR, HOUR_S = 60, 3600


def _link(page: str, token: str) -> str:
    return f"{settings().public_url}/{page}?{urlencode({'token': token})}"


def send_invitation(db: Session, viewer: Viewer, issued: Issued) -> None:
    """Have the invitation sent after this transaction commits. Raises Misconfigured without a
    master key.
    """
    invitation = issued.invitation
    email = email_templates.invitation(
        viewer.organization_name,
        viewer.name,
        invitation.role,
        _link("invitation", issued.token),
        days=DAYS,
    )
    key = f"invitation {invitation.id} {invitation.sent_count}"
    post_email(db, "invitation", invitation.email, email, key)


def send_link(
    db: Session, viewer: Viewer, link: NewLink, purpose: LinkPurpose, recipient: str, *, days: int
) -> None:
    """E-mail a new link to somebody.

    Raises InvalidInput unless ``recipient`` is one address, and TooManyRequests after many in an
    hour.
    """
    if wait_s := take_hit(db, f"link-mail:{viewer.organization_id}", LINKS_AN_HOUR, HOUR_S):
        raise TooManyRequests(
            f"More than {LINKS_AN_HOUR} links by e-mail in an hour; wait a little.",
            retry_after_s=wait_s,
        )
    email = email_templates.link(
        viewer.organization_name, viewer.name, OPENS[purpose].in_an_email, link.address, days=days
    )
    post_email(db, "link", recipient, email, f"link {link.id}")


def open_invitations(db: Session) -> pd.DataFrame:
    """Open invitations, the latest first.

    Columns: id (UUID), email, role (str), expires_at, last_sent_at (UTC), sent_count (int), expired
    (bool), mail (str: the status of the latest e-mail, empty when unknown), why (str: why it was
    not sent, or empty).
    """
    key = func.concat("invitation ", cast(Invitation.id, String), " ", Invitation.sent_count)
    query = (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            Invitation.expires_at,
            Invitation.last_sent_at,
            Invitation.sent_count,
            (Invitation.expires_at <= now()).label("expired"),
            OutboxMessage.status.label("mail"),
            func.coalesce(OutboxMessage.last_error, "").label("why"),
        )
        .outerjoin(OutboxMessage, OutboxMessage.dedupe_key == key)
        .where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
        .order_by(Invitation.last_sent_at.desc(), Invitation.id)
    )
    rows = db.execute(query)
    return fetched(rows)


@task()
def send_password_reset(db: Session, user_id: UUID | None) -> None:
    """Create a link to a new password and have it sent to the account's address. Needs the system's
    identity.

    Without ``user_id`` nothing happens: the address that somebody entered belongs to no account,
    which they must not be able to notice.
    """
    issued = None if user_id is None else issue_link_token(db, user_id)
    if issued is None:
        return
    address, token = issued
    email = email_templates.password_reset(
        current_organization(db).name, _link("reset", token), minutes=MINUTES
    )
    post_email(db, "password_reset", address, email, f"password_reset {uuid4()}")


@task()
def send_password_changed(db: Session, user_id: UUID) -> None:
    """Notify the owner of an account that its password was changed. Needs the system's identity."""
    address = account_address(db, user_id)
    if address is not None:
        email = email_templates.password_changed(current_organization(db).name)
        post_email(db, "password_changed", address, email, f"password_changed {uuid4()}")
