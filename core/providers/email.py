"""Which way e-mails leave: Resend when its key is set, else the mail server of ``SMTP_URL``, else
as files in the data folder.
"""

from __future__ import annotations

from uuid import UUID

from core.messages.email_templates import Email
from core.platform.errors import InvalidInput
from core.platform.log import logger
from core.platform.settings import settings
from core.providers import smtp
from core.providers.registry import provider
from core.providers.resend import sending as resend

log = logger("email")
IN_WORDS = {
    "resend": "Sent through Resend",
    "smtp": "Sent through a mail server",
    "folder": "Written into a folder: nobody receives it until RESEND_API_KEY or SMTP_URL is set",
}


def delivery_method() -> str:
    """``resend``, ``smtp`` or ``folder``."""
    if settings().resend_api_key is not None:
        return "resend"
    return "smtp" if settings().smtp_url is not None else "folder"


def delivery_in_words() -> str:
    """What becomes of e-mails, as a sentence without its full stop."""
    return IN_WORDS[delivery_method()]


def keeper_of_a_list() -> str | None:
    """Who refuses blocked addresses by a list of their own, whatever stands in ours."""
    return provider("resend").label if delivery_method() == "resend" else None


def check_reachable(address: str) -> None:
    """That the way out can say this address: some can say no letters beyond ASCII before the @.

    Raises InvalidInput, and ProviderUnavailable when the mail server cannot be asked.
    """
    if address.partition("@")[0].isascii():
        return
    url = settings().smtp_url
    if settings().resend_api_key is not None or (
        url is not None and not smtp.accepts_unicode_addresses(url.get_secret_value())
    ):
        raise InvalidInput(
            f"“{address.strip()}” has letters before the @ that the mail server does not take. Ask"
            " for an address without them.",
            field="email",
        )


def send(to: str, email: Email, *, organization_id: UUID, message_id: UUID) -> None:
    """Send one e-mail the way that is set up. Raises what ``resend.send`` and ``smtp.send``
    raise.
    """
    key = str(message_id)
    if (api_key := settings().resend_api_key) is not None:
        resend.send(api_key.get_secret_value(), to, email, organization_id=organization_id, key=key)
    elif (url := settings().smtp_url) is not None:
        smtp.send(url.get_secret_value(), to, email, key=key)
    else:
        path = smtp.write_to_file(to, email, key=key)
        log.warning("no mail server is set up, so the e-mail lies in a file", file=str(path))
