"""A person with an authenticator app, in tests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from core.platform.clock import now
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.second_factor import begin, confirm, waiting_secret
from core.tenancy.identity.totp import STEP_S, totp
from tests.ports import owner
from tests.ui.screens import token_of

PASSWORD = "amber-birch-cobalt-1234"


@dataclass(frozen=True)
class App:
    """The phone's app: the codes that it shows, and the recovery codes that were written down."""

    person: Viewer
    secret: bytes
    recovery: list[str]

    def code(self) -> str:
        """The current code, as if none had been used before."""
        with owner() as db:
            db.execute(
                text("update app.second_factors set last_step = 0 where user_id = :user"),
                {"user": self.person.user_id},
            )
        return self.shown()

    def shown(self, steps: int = 0) -> str:
        """The code that the app shows now, or so many time steps later."""
        return totp(self.secret, int(now().timestamp()) // STEP_S + steps)

    def wrong(self) -> Iterator[str]:
        """A code that belongs to no time step near this one."""
        near = {self.shown(steps) for steps in range(-3, 4)}
        return (f"{number:06}" for number in range(10**6) if f"{number:06}" not in near)


def with_app(person: Viewer, password: str = PASSWORD) -> App:
    """The person sets up a second factor."""
    token = token_of(person)
    with person.transaction() as db:
        begin(db, token, password, address="192.0.2.99")
        secret = base64.b32decode(waiting_secret(db, token) or "")
        recovery = confirm(db, token, totp(secret, int(now().timestamp()) // STEP_S))
    return App(person, secret, recovery)
