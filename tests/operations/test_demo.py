"""The demo is the same year for everybody, made of everything that happens to a team."""
from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.metrics.table import metrics_table, totals
from core.operations.demo_year import Scale, seed_year
from core.platform.clock import Period, today
from core.platform.database import as_system
from tests import factories as make

SMALL = Scale(calls_a_day=6, closers=3, setters=2, days=60)
ZONE = "America/New_York"


@pytest.fixture(scope="module")
def two() -> tuple[UUID, UUID]:
    """Two organisations with the same story."""
    orgs = make.organization(timezone=ZONE), make.organization(timezone=ZONE)
    for org in orgs:
        seed_year(org, SMALL)
    return orgs


def whole() -> Period:
    day = today(ZONE)
    return Period(day - timedelta(days=70), day + timedelta(days=10), ZONE)


def figures(org: UUID) -> list[dict]:
    with as_system(org) as db:
        table = metrics_table(db, whole(), ("day", "closer")).drop(columns="closer_id")
    return table.sort_values(["day", "closer"]).to_dict("records")


def test_the_same_seed_tells_the_same_story(two) -> None:
    first, second = map(figures, two)
    assert first == second


def test_the_story_has_everything_that_happens_to_a_team(two) -> None:
    with as_system(two[0]) as db:
        seen = totals(db, whole())
        unmatched = db.execute(text("select count(*) from app.payments where event_id is null")).scalar_one()
        states = set(db.execute(text("select state from app.payout_snapshots")).scalars())
    happened = ("shows", "no_shows", "offers", "closes", "canceled", "rescheduled", "pending_pcfs", "payments")
    assert all(seen[key] > 0 for key in happened)
    assert seen["refunds"]["USD"] > 0
    assert unmatched > 0
    assert states == {"draft", "approved"}


def test_a_week_ahead_is_booked(two) -> None:
    tomorrow = today(ZONE) + timedelta(days=1)
    with as_system(two[0]) as db:
        ahead = totals(db, Period(tomorrow, tomorrow + timedelta(days=7), ZONE))
    assert ahead["booked_calls"] > 0
    assert ahead["shows"] == 0
