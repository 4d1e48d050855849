"""An organisation with a key of Calendly, and the small Calendly that it reads."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core.deliveries.models import KeyStatus, OrganizationIntegration, SyncRun
from core.platform.database import as_system
from core.platform.settings import settings
from core.providers import syncs
from core.providers.client import RetryPolicy
from core.providers.integrations import enter_key
from core.providers.syncs import run_here
from tests import payloads as samples
from tests.fakes.calendly import TOKEN, FakeCalendly
from tests.providers.history import History, rows
from tests.providers.story import START, call, team

ALL = "select to_jsonb(e) as row from app.events e order by external_id"
OURS = ("id", "organization_id", "created_at", "updated_at")
LONG_AGO = START - timedelta(days=30)


@pytest.fixture
def calendly(monkeypatch, database_url):
    monkeypatch.setattr(
        syncs, "RETRIES", RetryPolicy(tries=3, first_pause_s=0.01, longest_pause_s=1.0)
    )
    with FakeCalendly().running() as fake:
        monkeypatch.setenv("CALENDLY_BASE_URL", fake.url)
        settings.cache_clear()
        yield fake
    monkeypatch.undo()
    settings.cache_clear()


class Office:
    """One organisation with a key of Calendly."""

    def __init__(self) -> None:
        self.history = History("calendly")
        self.org: UUID = self.history.org
        team(self.history)
        with as_system(self.org) as db:
            enter_key(db, "calendly", TOKEN, {})
            db.execute(update(OrganizationIntegration).values(status=KeyStatus.VERIFIED))

    def deliver(self, *deliveries):
        self.history.deliver(*deliveries)

    def sync(self, since=LONG_AGO):
        return run_here(self.org, "calendly", "events", since)

    def runs(self):
        with as_system(self.org) as db:
            return list(db.scalars(select(SyncRun).order_by(SyncRun.asked_at)))

    def events(self):
        """Every booking with all its columns, without what any two organisations differ in."""
        return [
            {
                name: value
                for name, value in each["row"].items()
                if (name not in OURS and not name.endswith("_id")) or name == "external_id"
            }
            for each in rows(self.org, ALL)
        ]


def meetings(count, start=START):
    return [
        samples.calendly_created(call(f"lead.{n}@example.com", start=start + timedelta(hours=n)))
        for n in range(count)
    ]
