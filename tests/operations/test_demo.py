"""The demo is the same year in every installation, with everything that happens to a team."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.metrics.table import metrics_table, totals
from core.operations.demo import MAIN, PEOPLE, SECOND, ensure_demo, sign_ins
from core.operations.demo_year import Scale, seed_year
from core.platform.clock import Period, today
from core.platform.database import as_system
from core.platform.settings import settings
from core.tenancy.organizations.queries import unpurged_organization_ids
from tests import factories as make
from tests.ports import owner

SMALL = Scale(bookings_a_day=4, closers=3, setters=2, days=45)
SHORT = replace(SMALL, days=8)
ZONE = "America/New_York"


def seeded(scale: Scale) -> UUID:
    org = make.organization(timezone=ZONE)
    seed_year(org, scale)
    return org


@pytest.fixture(scope="module")
def demo() -> UUID:
    """An organisation with the story of the demo."""
    return seeded(SMALL)


def whole() -> Period:
    day = today(ZONE)
    return Period(day - timedelta(days=70), day + timedelta(days=10), ZONE)


def figures(org: UUID) -> list[dict]:
    with as_system(org) as db:
        table = metrics_table(db, whole(), ("day", "closer")).frame().drop(columns="closer_id")
    return table.sort_values(["day", "closer"]).to_dict("records")


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = figures(seeded(SHORT)), figures(seeded(SHORT))
    assert len(first) > SHORT.days
    assert first == second


def test_the_story_has_everything_that_happens_to_a_team(demo) -> None:
    with as_system(demo) as db:
        seen = totals(db, whole())
        unmatched = db.execute(
            text("select count(*) from app.payments where event_id is null")
        ).scalar_one()
        states = set(db.execute(text("select state from app.payout_snapshots")).scalars())
    happened = (
        "shows",
        "no_shows",
        "offers",
        "closes",
        "canceled",
        "rescheduled",
        "pending_pcfs",
        "payments",
    )
    assert all(seen[key] > 0 for key in happened)
    assert seen["refunds"]["USD"] > 0
    assert unmatched > 0
    assert states == {"draft", "approved"}


def test_a_week_ahead_is_booked(demo) -> None:
    tomorrow = today(ZONE) + timedelta(days=1)
    with as_system(demo) as db:
        ahead = totals(db, Period(tomorrow, tomorrow + timedelta(days=7), ZONE))
    assert ahead["booked_calls"] > 0
    assert ahead["shows"] == 0


@pytest.fixture
def installation(monkeypatch, tmp_path) -> Iterator[None]:
    """An installation with its own data folder, which shows the demo."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DEMO", "1")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_what_was_removed_of_the_demo_does_not_come_back_with_the_next_start(installation) -> None:
    for slug in (MAIN, SECOND):
        gone = make.organization(slug=slug)
        with as_system(gone) as db:
            db.execute(
                text(
                    "update app.organizations set deleted_at = now(), purge_after = now() +"
                    " interval '30 days'"
                )
            )
    before = set(unpurged_organization_ids())

    assert ensure_demo() == {}  # in their grace
    sign_ins()
    with owner() as db:
        db.execute(
            text("update app.organizations set slug = 'purged-' || slug where slug = any(:demo)"),
            {"demo": [MAIN, SECOND]},
        )
    assert ensure_demo() == {}  # gone for good

    assert set(unpurged_organization_ids()) == before


def test_nobody_guesses_a_sign_in_of_the_demo(installation) -> None:
    passwords = [password for _, password in sign_ins().values()]
    chance = [password.rpartition("-")[2] for password in passwords]
    assert len(set(chance)) == len(PEOPLE)
    assert {len(bytes.fromhex(part)) for part in chance} == {6}
