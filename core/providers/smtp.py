"""E-mail through any mail server, by the address in ``SMTP_URL``, and as a file where no server is
set up.

``smtps://`` is encrypted from the first byte, ``smtp://`` by STARTTLS, without which nothing is
sent; ``smtp+plain://`` is not encrypted and allowed to this machine only.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from core.messages.email_templates import Email
from core.platform.clock import now
from core.platform.errors import (
    AuthenticationFailed,
    Misconfigured,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedAnswer,
)
from core.platform.normalization import mailable_email, smtp_address
from core.platform.settings import settings

TIMEOUT_S = 30.0
GREYLISTED_S = 300.0
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
HERE = {"localhost", "127.0.0.1", "::1"}
TEMPORARY, PERMANENT = 400, 500
EVERY_LETTER = "smtputf8"


def build_message(to: str, email: Email, *, key: str) -> EmailMessage:
    """The e-mail with its headers; ``key`` makes its Message-ID, so that a repetition is known as
    one. Raises Misconfigured.
    """
    sender, recipient = _sender(), smtp_address(to)
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit", utf8=not recipient.isascii()))
    message["From"], message["To"], message["Subject"] = (
        settings().email_from,
        recipient,
        email.subject,
    )
    message["Date"], message["Message-ID"] = (
        format_datetime(now()),
        f"<{key}@{sender.partition('@')[2]}>",
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    return message


def _sender() -> str:
    address = parseaddr(settings().email_from)[1]
    if mailable_email(address) is None and not address.endswith("@localhost"):
        raise Misconfigured(
            "EMAIL_FROM must be an address, for example: Sales Operations <no-reply@example.com>"
        )
    return address


def send(url: str, to: str, email: Email, *, key: str) -> None:
    """Hand one e-mail to the mail server at ``url``.

    Raises:
        RateLimited, ProviderUnavailable: not sent; safe to try again.
        OutcomeUnknown: the line broke after everything was sent.
        AuthenticationFailed: the server refuses the name or the password.
        UnexpectedAnswer: it refuses the e-mail or the recipient for good.
        Misconfigured: the address is none, or the server offers less than it asks for.
    """
    message = build_message(to, email, key=key)
    server = _connected(_checked(url))
    try:
        _hand_over(server, to, message)
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPServerDisconnected, OSError):
        raise ProviderUnavailable("The mail server ended the conversation.") from None
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise Misconfigured(
            "SMTP_URL must look like smtps://name:password@mail.example.com:465 or smtp://…."
        )
    if parts.scheme == "smtp+plain" and parts.hostname not in HERE:
        raise Misconfigured(
            "SMTP_URL: without encryption, mail is handed over on this machine only; use smtp:// or"
            " smtps://."
        )
    return parts


def _connected(parts: SplitResult) -> smtplib.SMTP:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    safe = ssl.create_default_context()
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=safe)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        if parts.scheme == "smtp":
            server.starttls(context=safe)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < PERMANENT:
            raise ProviderUnavailable(
                f"The mail server answered {error.smtp_code} to the sign-in."
            ) from None
        raise AuthenticationFailed(
            "The mail server refuses the name or the password of SMTP_URL."
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise Misconfigured(
            "The mail server offers no encryption or no sign-in, so nothing was sent; check"
            " SMTP_URL."
        ) from None
    except ssl.SSLCertVerificationError:
        raise ProviderUnavailable("The mail server's certificate cannot be trusted.") from None
    except (smtplib.SMTPException, OSError):
        raise ProviderUnavailable("The mail server cannot be reached.") from None
    return server


def accepts_unicode_addresses(url: str) -> bool:
    """Whether the mail server at ``url`` takes recipients with letters beyond ASCII before the @
    (RFC 6531).

    Raises what ``send`` raises before anything is sent.
    """
    server = _connected(_checked(url))
    try:
        server.ehlo_or_helo_if_needed()
        return server.has_extn(EVERY_LETTER)
    except (smtplib.SMTPException, OSError):
        raise ProviderUnavailable("The mail server ended the conversation.") from None
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()


def _hand_over(server: smtplib.SMTP, to: str, message: EmailMessage) -> None:
    recipient = smtp_address(to)
    server.ehlo_or_helo_if_needed()
    if not recipient.isascii() and not server.has_extn(EVERY_LETTER):
        raise UnexpectedAnswer(
            "The mail server takes no letters beyond ASCII before the @ of an address."
        )
    _accepted(server.mail(_sender(), [] if recipient.isascii() else [EVERY_LETTER]))
    _accepted(server.rcpt(recipient))
    try:
        answer = server.data(message.as_bytes())
    except smtplib.SMTPDataError:  # the server did not want to hear it
        raise
    except (smtplib.SMTPServerDisconnected, OSError):
        raise OutcomeUnknown("The mail server did not say whether it took the e-mail.") from None
    _accepted(answer)


def _accepted(answer: tuple[int, bytes]) -> None:
    if answer[0] >= TEMPORARY:
        raise smtplib.SMTPResponseException(*answer)


def _refusal(code: int, said: bytes | str) -> ProviderError:
    words = (said.decode(errors="replace") if isinstance(said, bytes) else said)[:160]
    if code < PERMANENT:
        return RateLimited(
            f"The mail server asks to try later: {code} {words}", retry_after_s=GREYLISTED_S
        )
    return UnexpectedAnswer(f"The mail server refused the e-mail: {code} {words}")


def write_to_file(to: str, email: Email, *, key: str) -> Path:
    """The e-mail as a file that mail programs open, in the folder ``mail`` of the data folder; only
    its owner may read it.
    """
    content = build_message(to, email, key=key).as_bytes()
    folder = settings().data_dir / "mail"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{now():%Y%m%d-%H%M%S}-{key}.eml"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    return path
