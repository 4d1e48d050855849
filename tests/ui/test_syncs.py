"""Syncs on the screen Integrations: asked for, watched, stopped, and why they failed."""

from __future__ import annotations

import pytest

from core.deliveries.models import SyncStatus
from core.platform.database import as_system
from core.providers.sync_runs import open_run, runs_of, take
from core.tenancy.access.models import Role
from tests import factories as make
from tests.flow import work
from tests.providers.office import Office, meetings
from tests.providers.office import calendly as calendly
from tests.ui.screens import browser_of, opened, words

EVENTS = "calendly events"


@pytest.fixture
def office(calendly):
    office = Office()
    calendly.learn(*meetings(3))
    return office


def admin_of(office):
    return make.viewer(office.org)


def press(page, admin, key):
    with browser_of(admin):
        return page.button(key=key).click().run()


def said(page):
    return " ".join(words(page))


def test_a_sync_is_asked_for_runs_and_tells_what_it_read(office):
    admin = admin_of(office)
    page = opened("integrations", admin)
    assert "not read yet" in said(page)
    page = press(page, admin, f"{EVENTS} sync")
    assert not page.exception
    assert "waiting for a worker" in said(page)
    work()
    [run] = office.runs()
    assert run.status == SyncStatus.SUCCESS
    assert f"{run.seen} read, {run.written} changed" in said(opened("integrations", admin))


def test_a_period_is_read_again_from_the_chosen_day(office):
    admin = admin_of(office)
    page = press(opened("integrations", admin), admin, f"{EVENTS} read")
    assert not page.exception
    [run] = office.runs()
    assert run.whole


def test_a_run_is_watched_and_stopped(office):
    admin = admin_of(office)
    with as_system(office.org) as db:
        take(db, open_run(db, "calendly", "events").id)
    page = opened("integrations", admin)
    assert "reading … 0 read" in said(page)
    page = press(page, admin, f"{EVENTS} stop")
    assert not page.exception
    assert page.button(key=f"{EVENTS} stop").disabled
    assert office.runs()[0].cancel_asked_at is not None


def test_a_run_that_failed_says_why(office, calendly):
    calendly.token = "another"
    office.sync(since=None)
    page = opened("integrations", admin_of(office))
    assert "failed" in said(page)
    assert "does not accept the key" in said(page)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_but_admins_sees_them(office, role):
    office.sync(since=None)
    page = opened("integrations", make.viewer(office.org, role))
    assert "Scheduled events" not in said(page)
    with make.viewer(office.org, role).transaction() as db:
        assert runs_of(db, "calendly") == []
