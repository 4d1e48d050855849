"""Text messages through Twilio.

Twilio has no key with which to ask again safely, so what may have been sent is not sent again.
Facts: Twilio documentation (“Message resource”, “Error and warning dictionary”), ``twilio`` 9.13.0.
"""

from __future__ import annotations

import httpx
from sqlalchemy.orm import Session

from core.messages.suppression_list import OptedOut
from core.platform.errors import NotFound, UnexpectedAnswer
from core.providers.credentials import client_of
from core.providers.integrations import Access, access_to

OPTED_OUT = "21610"
SERVICE_LENGTH = len("MG") + 32  # numbers and names are shorter
REFUSALS = {
    "21211": "Twilio knows no such number.",
    "21408": "The Twilio account may not send texts to this country.",
    "21606": "Twilio does not send texts from this sender.",
    "21608": "A trial account of Twilio sends to verified numbers only.",
    "21612": "Twilio cannot reach this number from this sender.",
    "21614": "This is no mobile number.",
}


def account_of(db: Session) -> Access:
    """What the organisation sends texts with. Needs the system's identity. Raises NotFound when
    something is missing.
    """
    account = access_to(db, "twilio")
    if account is None:
        raise NotFound("No Twilio key is stored: enter one on Integrations.")
    if "sender" not in account.settings:
        raise NotFound("Twilio has no sender of texts: add one on Integrations.")
    return account


def send(
    account: Access, to: str, words: str, *, transport: httpx.BaseTransport | None = None
) -> None:
    """Send one text to ``to`` (E.164).

    Raises:
        OptedOut: the recipient has answered STOP to this sender. RateLimited, ProviderUnavailable:
        not sent; safe to try again.
        OutcomeUnknown: it may have been sent. AuthenticationFailed, UnknownToProvider: the key or
        the account is refused.
        UnexpectedAnswer: Twilio refuses the text itself.
    """
    sender, path = (
        account.settings["sender"],
        f"/Accounts/{account.settings['account_sid']}/Messages.json",
    )
    by = "MessagingServiceSid" if len(sender) == SERVICE_LENGTH else "From"
    try:
        with client_of("twilio", account.secret, account.settings, transport=transport) as client:
            client.request(
                "POST", path, repeatable=False, data={"To": to, by: sender, "Body": words}
            )
    except UnexpectedAnswer as error:
        if error.provider_code == OPTED_OUT:
            raise OptedOut("The recipient has told Twilio to send no more texts.") from None
        code = error.provider_code or ""
        raise UnexpectedAnswer(
            REFUSALS.get(code, error.message), provider_code=error.provider_code
        ) from None
