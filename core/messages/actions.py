"""Settings of an organisation's Slack messages: which are posted, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.deliveries.outbox import post
from core.deliveries.secrets import store_secret
from core.messages.blocks import escaped, section
from core.messages.reports import CHANNEL
from core.messages.settings import REPORTS
from core.platform.database import organization_id_of
from core.platform.errors import InvalidInput
from core.platform.models import VaultSecret
from core.tenancy.organizations.settings import change_settings

WEBHOOK_URL = "webhook_url"
HOURS = range(24)


def set_slack_report(
    db: Session, *, enabled: bool, hour: int, read: Mapping[str, Any] | None = None
) -> None:
    """Switch the daily posts on or off. They are posted from ``hour`` (0 to 23) of the
    organisation's day. ``read`` are the settings that this replaces.

    Raises:
        InvalidInput: there is no such hour.
        NotAllowed: only an admin may change it.
        Changed: somebody else has changed it since it was read.
    """
    if hour not in HOURS:
        raise InvalidInput("Choose an hour from 0 to 23.", field="hour")
    wanted = {"slack_report_enabled": enabled, "slack_report_hour": hour}
    change_settings(db, REPORTS, wanted, read)


def set_slack_webhook(db: Session, url: str) -> None:
    """Store the organisation's incoming webhook, sealed, in place of an earlier one. The caller has
    checked that ``url`` is one of Slack's.
    """
    store_secret(db, CHANNEL, organization_id_of(db), WEBHOOK_URL, url)


def slack_webhook_ends_with(db: Session) -> str | None:
    """The last four characters of the organisation's own incoming webhook; None without one."""
    known = select(VaultSecret.last_four).where(
        VaultSecret.owner_id == organization_id_of(db), VaultSecret.name == WEBHOOK_URL
    )
    return db.scalars(known).first()


def post_test(db: Session, sender: str) -> None:
    """Have a test message posted now; ``sender`` is who asked for it."""
    body = {
        "text": "Test message",
        "blocks": [
            section(f"*Test message*\n{escaped(sender)} asked for it; the channel is set up.")
        ],
    }
    post(db, CHANNEL, "test", None, body, f"test {uuid4()}")
