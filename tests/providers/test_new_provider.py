"""A provider is one folder: a new one is received, shown and processed without any other change."""

from __future__ import annotations

import textwrap

import pytest
from sqlalchemy import text

import core.providers
from core.platform.database import as_system
from core.platform.errors import InvalidInput
from core.providers import registry
from core.providers.connections import create_connection
from core.providers.payloads import example, payload
from tests import factories as make
from tests.flow import sender, work
from tests.ui.screens import opened, sent

DECLARATION = """
    import hashlib
    import hmac
    from datetime import datetime

    from core.bookings.intake import Booking, record_booking
    from core.people.actions import Person
    from core.providers.account import looks_at
    from core.providers.credentials import bearer
    from core.providers.provider import PROCESSED, Credentials, Inbound, Provider, Sample, Use
    from core.providers.signatures import BadSignature


    def sign(body, secret, at):
        return {"x-lantern": hmac.digest(secret.encode(), body, "sha256").hex()}


    def verify(headers, body, secret, now):
        if headers.get("x-lantern") != sign(body, secret, now)["x-lantern"]:
            raise BadSignature("no matching signature")


    def handle(db, connection, payload):
        said = payload["booking"]
        booking = Booking(
            Person(said["who"], said["email"]),
            datetime.fromisoformat(said["at"]),
            datetime.fromisoformat(said["made_at"]),
            platform="lantern",
            external_id=said["number"],
        )
        record_booking(db, booking)
        return PROCESSED


    PROVIDER = Provider(
        name="lantern",
        label="Lantern",
        use=Use.BOOKINGS,
        address="https://api.lantern.example",
        inbound=Inbound(
            verify=verify,
            sign=sign,
            delivery_key=lambda headers, body: hashlib.sha256(body).hexdigest(),
            event_type=lambda payload: payload["what"],
            handle=handle,
            signing_hint="lan_…",
            rate_limit=7,
            headers=("x-lantern-id",),
            samples=(Sample("booked"),),
        ),
        credentials=Credentials(
            key_name="Lamp key",
            where="Lantern: Settings",
            check=looks_at("/me", "name"),
            headers=bearer,
        ),
    )
"""
BOOKED = """
    {"what": "booked", "booking": {"number": "{key}", "who": "{name}", "email": "{email}",
     "at": "{start:iso}", "made_at": "{booked_at:iso}"}}
"""


def forget_providers():
    for each in vars(registry).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


@pytest.fixture
def lantern(tmp_path, monkeypatch):
    """A second folder of providers, with one that the product does not have."""
    folder = tmp_path / "lantern"
    (folder / "payloads").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "provider.py").write_text(textwrap.dedent(DECLARATION))
    (folder / "payloads" / "booked.json").write_text(BOOKED)
    monkeypatch.setattr(core.providers, "__path__", [*core.providers.__path__, str(tmp_path)])
    forget_providers()
    yield
    monkeypatch.undo()
    forget_providers()


def test_a_delivery_of_a_new_provider_comes_in_and_becomes_an_event(lantern, running):
    org = make.organization()
    to, values = sender(org, "lantern"), example(key="L-1")

    async def conversation():
        sent = payload("lantern", "booked", values)
        return [
            (await to.post(sent)).status_code,
            (await to.post(sent)).status_code,
            (await to.post(sent, headers={"x-lantern": "forged"})).status_code,
        ]

    assert running(conversation) == [200, 200, 401]
    work()
    with as_system(org) as db:
        events = db.execute(
            text("select booking_platform, external_id, lead_email, scheduled_at from app.events")
        ).all()
        deliveries = db.execute(text("select event_type, status from app.webhook_deliveries")).all()
    assert deliveries == [("booked", "processed")]
    assert events == [("lantern", "L-1", values["email"], values["start"])]


def test_its_settings_limits_and_screens_are_there_without_being_listed(lantern, monkeypatch):
    monkeypatch.setenv("LANTERN_BASE_URL", "http://lantern.example.com")
    org = make.organization()
    admin = make.viewer(org, "admin")

    assert registry.base_urls()["LANTERN_BASE_URL"] == "http://lantern.example.com"
    with as_system(org) as db:
        assert create_connection(db, "lantern", "Main", "secret").rate_limit_per_minute == 7
    for screen in ("connections", "integrations"):
        page = opened(screen, admin)
        assert not page.exception
        assert "Lantern" in sent(page)


def test_it_is_gone_with_its_folder(lantern, monkeypatch):
    org = make.organization()
    monkeypatch.undo()
    forget_providers()
    with as_system(org) as db, pytest.raises(InvalidInput, match="use one of"):
        create_connection(db, "lantern", "Main", "secret")
