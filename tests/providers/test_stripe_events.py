"""Payments that are read from Stripe's list of events are the rows that its webhooks make."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from core.deliveries.models import KeyStatus, OrganizationIntegration, SyncStatus
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.settings import settings
from core.providers import syncs
from core.providers.client import RetryPolicy
from core.providers.connections import create_connection
from core.providers.integrations import enter_key
from core.providers.syncs import run_here
from tests import factories as make
from tests import payloads as samples
from tests.fakes.stripe_events import KEY, FakeStripeEvents
from tests.providers.history import PAYMENTS, History

DAY = now().replace(microsecond=0) - timedelta(days=5)
REFUNDS = """
    select processor_refund_id as key, amount, status from app.refunds order by 1
"""


@pytest.fixture
def stripe(monkeypatch, database_url):
    monkeypatch.setattr(
        syncs, "RETRIES", RetryPolicy(tries=2, first_pause_s=0.01, longest_pause_s=1.0)
    )
    with FakeStripeEvents().running() as fake:
        monkeypatch.setenv("STRIPE_BASE_URL", fake.url)
        settings.cache_clear()
        yield fake
    monkeypatch.undo()
    settings.cache_clear()


def shop():
    history = History("stripe")
    enter(history.org)
    return history


def enter(org):
    with as_system(org) as db:
        enter_key(db, "stripe", KEY, {})
        db.execute(update(OrganizationIntegration).values(status=KeyStatus.VERIFIED))


def story():
    """Two payments, of which one is refunded in two parts, one of which fails."""
    told = []
    for number, key in enumerate(("A", "B")):
        at = DAY + timedelta(hours=number)
        told += [
            samples.stripe_event(
                "payment_intent.succeeded", samples.stripe_intent(key, 499700, at), at
            ),
            samples.stripe_event(
                "charge.succeeded", samples.stripe_charge(key, 499700, "lead@example.com", at), at
            ),
        ]
    later = DAY + timedelta(days=1)
    back = samples.stripe_charge("A", 499700, "lead@example.com", DAY, refunded=100000)
    failed = samples.stripe_refund("A", 2, 50000, later, status="failed")
    told += [
        samples.stripe_event("charge.refunded", back, later),
        samples.stripe_event("refund.created", samples.stripe_refund("A", 1, 100000, later), later),
        samples.stripe_event("refund.failed", failed, later + timedelta(hours=1)),
    ]
    return [each | {"id": f"evt_{place:03}"} for place, each in enumerate(told)]


def everything(history):
    return history.rows(PAYMENTS), history.rows(REFUNDS)


def sync(history, since=None):
    return run_here(history.org, "stripe", "events", since)


@pytest.mark.parametrize("delivered", [0, 2, 5, 7])
def test_what_is_read_is_row_by_row_what_webhooks_make(stripe, delivered):
    told, before, after = shop(), shop(), shop()
    stripe.events = story()
    told.deliver(*stripe.events)
    before.deliver(*stripe.events[:delivered])
    run = sync(before)
    assert (run.status, run.error, run.seen) == (SyncStatus.SUCCESS, None, 7)
    sync(after)
    after.deliver(*stripe.events[delivered:])
    assert everything(before) == everything(after) == everything(told)
    assert [len(each) for each in everything(told)] == [2, 2]
    assert sync(before, DAY - timedelta(days=1)).written == 0


def test_a_run_that_broke_off_goes_on_behind_the_last_event(stripe):
    told, history = shop(), shop()
    stripe.events = story()
    told.deliver(*stripe.events)
    stripe.will(None, *[(500, {}, {})] * 2)
    assert (sync(history).status, sync(history).status) == (SyncStatus.FAILED, SyncStatus.SUCCESS)
    assert everything(history) == everything(told)


def test_an_amount_that_cannot_be_read_loses_no_other(stripe):
    history = shop()
    stripe.events = story()
    stripe.events[1]["data"]["object"]["amount"] = "a lot"
    run = sync(history)
    assert (run.status, run.refused) == (SyncStatus.FAILED, 1)
    assert [each["amount"] for each in history.rows(PAYMENTS)] == [4997, 4997]


def test_what_stripe_lists_no_more_is_not_said_to_be_read(stripe):
    run = sync(shop(), now() - timedelta(days=60))
    assert (run.status, "last 30 days" in run.error) == (SyncStatus.FAILED, True)


def test_without_one_connection_nothing_is_booked(stripe):
    history = shop()
    stripe.events = story()
    with as_system(history.org) as db:
        create_connection(db, "stripe", "Second", "secret")
    several = sync(history)
    bare = make.organization()
    enter(bare)
    none = run_here(bare, "stripe", "events")
    assert {several.status, none.status} == {SyncStatus.FAILED}
    assert "several connections" in several.error
    assert "Create a connection" in none.error
    assert history.rows(PAYMENTS) == []
