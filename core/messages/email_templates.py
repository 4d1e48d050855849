"""E-mail templates: each e-mail as text and as HTML that loads nothing from the internet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LONGEST_NAME = 80
STIRRING = re.compile(r"(?<=\.)(?=\w)|(?<=:)(?=//)")
BODY = (
    "margin:0;padding:24px;background:#ffffff;color:#1b2333;font:16px/1.5 -apple-system,'Segoe"
    " UI',Roboto,sans-serif"
)
BUTTON = (
    "display:inline-block;padding:10px"
    " 18px;border-radius:8px;background:#2f5bd8;color:#ffffff;text-decoration:none"
)
SMALL = "color:#5b6472;font-size:14px"


@dataclass(frozen=True)
class Email:
    """One e-mail, ready to be sent."""

    subject: str
    text: str
    html: str


def quiet(words: str) -> str:
    """Text from outside on one line, shortened. An invisible joiner prevents mail programs from
    making links of it.
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    short = line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"
    return STIRRING.sub("\u2060", short)


def invitation(organization: str, inviter: str, role: str, url: str, *, days: int) -> Email:
    """The e-mail with the link for joining the organisation."""
    who, team = quiet(inviter), quiet(organization)
    return _written(
        f"{who} invites you to {team}",
        team,
        [f"{who} invites you to join {team} as {role.replace('_', ' ')}."],
        ("Accept the invitation", url),
        [
            f"The link works once, for {days} days. If you do not know what this is about, do"
            " nothing: nothing happens then."
        ],
    )


def password_reset(organization: str, url: str, *, minutes: int) -> Email:
    """The e-mail with the link that leads to a new password."""
    team = quiet(organization)
    return _written(
        "A new password for your account",
        team,
        [
            "Somebody, probably you, asked for a new password for the account with this e-mail"
            " address."
        ],
        ("Choose a new password", url),
        [
            f"The link works once, for {minutes} minutes. If it was not you, do nothing: your"
            " password stays as it is."
        ],
    )


def password_changed(organization: str) -> Email:
    """Notifies the owner of an account that its password was changed, in case somebody else did
    it.
    """
    team = quiet(organization)
    return _written(
        "Your password was changed",
        team,
        [
            "The password of your account was changed a moment ago, and other browsers that were"
            " signed in are signed out."
        ],
        None,
        [
            "If it was not you, choose a new one at once with “Forgot your password?” on the"
            " sign-in, and tell an admin."
        ],
    )


def link(organization: str, sender: str, opens: str, url: str, *, days: int) -> Email:
    """The e-mail with a link that opens one thing without a password; ``opens`` names it, as in
    ``your statement``.
    """
    who, team = quiet(sender), quiet(organization)
    return _written(
        f"{who} sent you a link to {opens}",
        team,
        [f"{who} of {team} sent you a link to {opens}."],
        ("Open it", url),
        [
            f"Whoever has the link needs no password, so keep it to yourself. It works for {days}"
            " days, unless it is revoked before."
        ],
    )


def _written(
    subject: str,
    team: str,
    says: Sequence[str],
    button: tuple[str, str] | None,
    small: Sequence[str],
) -> Email:
    link = [f"{button[0]}:\n{button[1]}"] if button else []
    text = "\n\n".join([*says, *link, *small, f"-- \n{team}"]) + "\n"
    pieces = [
        f'<p style="font-weight:600">{escape(team)}</p>',
        *(f"<p>{escape(line)}</p>" for line in says),
        *(
            [f'<p><a href="{escape(button[1])}" style="{BUTTON}">{escape(button[0])}</a></p>']
            if button
            else []
        ),
        *(f'<p style="{SMALL}">{escape(line)}</p>' for line in small),
    ]
    html = (
        '<!doctype html><html lang="en"><head><meta'
        f' charset="utf-8"><title>{escape(subject)}</title></head><body style="{BODY}"><div'
        f' style="max-width:560px;margin:0 auto">{"".join(pieces)}</div></body></html>'
    )
    return Email(subject, text, html)
