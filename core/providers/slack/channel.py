"""The outbox's way to Slack: the organisation's own incoming webhook, else the installation's."""

from __future__ import annotations

from functools import partial

from sqlalchemy.orm import Session

from core.deliveries.channels import Channel, Send, register
from core.deliveries.models import OutboxMessage
from core.deliveries.secrets import read_secret
from core.messages.actions import WEBHOOK_URL
from core.messages.reports import CHANNEL
from core.messages.settings import REPORTS
from core.platform.database import organization_id_of
from core.platform.errors import AuthenticationFailed, NotFound, SalesOpsError
from core.platform.settings import settings
from core.providers.slack import messages as slack
from core.tenancy.organizations.settings import change_settings


def _prepare(db: Session, message: OutboxMessage) -> Send:
    return partial(slack.post_message, _address(db), message.body)


def _address(db: Session) -> str:
    try:
        return read_secret(db, organization_id_of(db), WEBHOOK_URL)
    except NotFound:
        return _address_of_installation()


def _address_of_installation() -> str:
    if (url := settings().slack_webhook_url) is None:
        raise NotFound("No Slack webhook is set up.")
    return url.get_secret_value()


def _stop_reports(db: Session, message: OutboxMessage, error: SalesOpsError) -> None:
    """When Slack refuses the webhook for good, the daily posts stop until an admin switches them on
    again.
    """
    if isinstance(error, AuthenticationFailed):
        change_settings(db, REPORTS, {"slack_report_enabled": False})


register(Channel(CHANNEL, _prepare, on_refusal=_stop_reports))
