"""What is read from a provider is the same rows that its webhooks make, in whatever order, however
often, and wherever a run breaks off.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from core.deliveries.models import SyncRun, SyncStatus
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput
from core.providers.sync_runs import LEASE, cancel, open_run, take
from core.providers.syncs import ask_for_run, run_here, run_now, start_due_syncs
from tests import payloads as samples
from tests.fakes.calendly import BROKEN, HTML, TOKEN, busy
from tests.flow import work
from tests.providers.history import History
from tests.providers.office import LONG_AGO, Office, meetings
from tests.providers.office import calendly as calendly
from tests.providers.story import START, call, story


def test_what_is_read_is_row_by_row_what_webhooks_would_have_made(calendly):
    told, read, every = Office(), Office(), story()
    told.deliver(*every)
    calendly.learn(*every)
    run = read.sync()
    assert (run.status, run.error) == (SyncStatus.SUCCESS, None)
    assert read.events() == told.events()
    assert len(told.events()) == 5
    assert run.seen == run.written == 5


@pytest.mark.parametrize("delivered", range(0, 12, 3))
def test_webhooks_and_syncs_mix_in_any_order(calendly, delivered):
    told, before, after = Office(), Office(), Office()
    every = story()
    told.deliver(*every)
    calendly.learn(*every)
    before.deliver(*every[:delivered])
    before.sync()
    after.sync()
    after.deliver(*reversed(every[delivered:]))
    assert before.events() == told.events()
    assert after.events() == told.events()
    for office in (before, after):
        assert office.sync().written == 0
        assert office.events() == told.events()


def test_a_mark_that_was_removed_while_no_webhook_came_is_removed(calendly):
    office = Office()
    [booking] = meetings(1)
    marked = samples.calendly_no_show(booking, at=START + timedelta(hours=1))
    office.deliver(booking, marked)
    assert [each["call_status"] for each in office.events()] == ["no_show"]
    calendly.learn(booking)
    office.sync()
    assert [each["call_status"] for each in office.events()] != ["no_show"]
    again = samples.calendly_no_show(booking, at=START + timedelta(hours=2))
    calendly.learn(again)
    office.sync()
    assert [each["call_status"] for each in office.events()] == ["no_show"]


def test_a_group_is_read_with_all_its_invitees(calendly):
    first = call()
    calendly.learn(
        *[
            samples.calendly_created(call(f"l.{n}@example.com", event_uuid=first.event_uuid))
            for n in range(8)
        ]
    )
    office = Office()
    assert office.sync().seen == 8
    assert len(office.events()) == 8


def test_what_is_booked_and_deleted_while_pages_are_read_disturbs_nothing(calendly):
    office, listed = Office(), meetings(9)
    calendly.learn(*listed)
    [late] = meetings(1, start=START + timedelta(days=2))
    [early] = meetings(1, start=START - timedelta(days=2))

    def change(page):
        if page == 2:
            calendly.learn(late, early)
            calendly.forget(listed[0]["payload"]["scheduled_event"]["uri"])
            calendly.forget(listed[8]["payload"]["scheduled_event"]["uri"])

    calendly.before = change
    assert office.sync().status == SyncStatus.SUCCESS
    assert len(office.events()) == 9  # the first was stored before it was deleted
    calendly.before = lambda _: None
    office.sync()
    assert len(office.events()) == 10


def test_a_meeting_that_is_deleted_after_it_was_listed_is_left_out(calendly):
    office, listed = Office(), meetings(3)
    calendly.learn(*listed)
    gone = listed[1]["payload"]["scheduled_event"]["uri"]
    del calendly.invitees[gone]
    assert office.sync().status == SyncStatus.SUCCESS
    assert len(office.events()) == 2


@pytest.mark.parametrize("pause", [busy(1), busy(1, "Retry-After"), BROKEN])
def test_a_short_pause_and_a_hiccup_are_waited_for(calendly, pause):
    office = Office()
    calendly.learn(*meetings(4))
    calendly.will(None, None, pause)
    assert office.sync().status == SyncStatus.SUCCESS
    assert len(office.events()) == 4


def test_a_long_pause_puts_the_run_off_and_the_next_goes_on_behind_what_it_stored(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    calendly.before = lambda page: calendly.will(busy(300)) if page == 2 else None
    run = office.sync()
    assert (run.status, run.seen) == (SyncStatus.DEFERRED, 3)
    assert timedelta(seconds=290) < run.retry_at - now() < timedelta(seconds=301)
    assert start_due_syncs(office.org) == 0
    calendly.before, calendly.asked[:] = lambda _: None, []
    assert office.sync(since=None).status == SyncStatus.SUCCESS
    assert len(office.events()) == 7
    assert sum("invitees" in path for path in calendly.asked) == 5  # the one at the seam again


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((HTML,), "not JSON"),
        ((BROKEN,) * 3, "answered 500"),
        (((200, {"pagination": {}}, {}),), "without the list"),
        (((403, {"title": "Permission Denied"}, {}),), "does not allow"),
    ],
    ids=["html", "down", "no list", "forbidden"],
)
def test_a_run_that_broke_says_why_and_keeps_what_it_stored(calendly, trouble, said):
    office = Office()
    calendly.learn(*meetings(7))

    def stumble(page):
        if page == 1:
            calendly.will(None, None, None, *trouble)

    calendly.before = stumble
    run = office.sync()
    assert (run.status, run.seen, len(office.events())) == (SyncStatus.FAILED, 3, 3)
    assert said in run.error
    calendly.before = lambda _: None
    assert office.sync(since=None).status == SyncStatus.SUCCESS
    assert len(office.events()) == 7


def test_a_token_that_is_revoked_on_the_way_fails_the_run_without_naming_it(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    calendly.before = lambda page: setattr(calendly, "token", "another") if page == 2 else None
    run = office.sync()
    assert (run.status, "does not accept the key" in run.error) == (SyncStatus.FAILED, True)
    assert TOKEN[:8] not in run.error


def test_a_list_without_end_is_noticed(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    calendly.repeats = True
    run = office.sync()
    assert (run.status, "earlier page" in run.error) == (SyncStatus.FAILED, True)


def test_a_provider_that_dies_in_the_middle_is_gone_on_with_when_it_is_back(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    calendly.dies_at_page = 3
    assert (office.sync().status, len(office.events())) == (SyncStatus.FAILED, 6)
    calendly.dies_at_page = None
    office.sync(since=None)
    assert len(office.events()) == 7


def test_a_row_that_cannot_be_stored_loses_no_other_and_the_run_has_failed(calendly):
    office, listed = Office(), meetings(3)
    listed[1]["payload"]["name"] = "A\x00B"
    calendly.learn(*listed)
    run = office.sync()
    assert (run.status, run.refused, len(office.events())) == (SyncStatus.FAILED, 1, 2)
    assert run.error.startswith("Not everything could be stored.")
    calendly.asked.clear()
    assert office.sync(since=None).status == SyncStatus.FAILED  # it is not taken for known
    assert sum("invitees" in path for path in calendly.asked) == 3


def test_of_unchanged_meetings_only_those_are_asked_for_that_may_have_been_missed(calendly):
    office = Office()
    old, recent, coming = (
        meetings(1, start=now() + timedelta(days=days))[0] for days in (-20, -1, 3)
    )
    calendly.learn(old, recent, coming)
    assert office.sync(since=None).seen == 3
    calendly.asked.clear()
    run = office.sync(since=None)
    assert (run.seen, run.written) == (3, 0)
    assert sum("invitees" in path for path in calendly.asked) == 1
    calendly.learn(samples.calendly_canceled(coming, at=now()))
    assert office.sync(since=None).written == 1


# One at a time


def test_of_two_processes_one_runs(calendly):
    office = Office()
    with as_system(office.org) as db:
        run_id = open_run(db, "calendly", "events").id
        assert take(db, run_id) is not None
    with pytest.raises(Conflict):
        office.sync()
    with pytest.raises(Conflict):
        run_now(office.org, run_id)


def test_a_run_whose_process_was_killed_is_gone_on_with_and_the_dead_changes_nothing(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    with as_system(office.org) as db:
        run_id = ask_for_run(db, "calendly", "events", LONG_AGO)
    stale = []

    def die(page):
        if page == 3:
            with as_system(office.org) as db:  # the lease of a process that stands still runs out
                db.execute(update(SyncRun).values(leased_until=now() - LEASE))
            stale.append(page)
            calendly.before = lambda _: None
            run_now(office.org, run_id)

    calendly.before = die
    run_now(office.org, run_id)
    [run] = office.runs()
    assert (run.status, run.attempts, stale) == (SyncStatus.SUCCESS, 2, [3])
    assert len(office.events()) == 7
    assert run.seen == 3 + 3 + 2  # each page once, and the one at the seam


def test_a_run_that_died_is_closed_by_the_next(calendly):
    office = Office()
    calendly.learn(*meetings(2))
    with as_system(office.org) as db:
        take(db, open_run(db, "calendly", "events").id)
        db.execute(update(SyncRun).values(leased_until=now() - LEASE))
    assert start_due_syncs(office.org) == 1
    work()
    died, run = office.runs()
    assert (died.status, run.status) == (SyncStatus.FAILED, SyncStatus.SUCCESS)
    assert "ended before it was done" in died.error


# Asking and stopping


def test_a_worker_runs_what_was_asked_for_and_the_clock_asks_when_it_is_time(calendly):
    office = Office()
    calendly.learn(*meetings(2))
    assert start_due_syncs(office.org) == 1
    assert start_due_syncs(office.org) == 0
    work()
    [run] = office.runs()
    assert run.status == SyncStatus.SUCCESS
    assert start_due_syncs(office.org) == 0
    with as_system(office.org) as db:
        db.execute(update(SyncRun).values(asked_at=SyncRun.asked_at - timedelta(hours=1)))
    assert start_due_syncs(office.org) == 1


def test_a_run_that_is_stopped_keeps_its_pages_and_is_not_gone_on_with(calendly):
    office = Office()
    calendly.learn(*meetings(7))
    with as_system(office.org) as db:
        run_id = ask_for_run(db, "calendly", "events", LONG_AGO)

    def stop(page):
        if page == 2:
            with as_system(office.org) as db:
                cancel(db, run_id)

    calendly.before = stop
    run_now(office.org, run_id)
    [run] = office.runs()
    assert (run.status, run.seen, run.cursor) == (SyncStatus.CANCELLED, 6, None)
    with as_system(office.org) as db, pytest.raises(Conflict):
        cancel(db, run_id)


def test_a_run_that_waits_is_stopped_at_once(calendly):
    office = Office()
    with as_system(office.org) as db:
        cancel(db, ask_for_run(db, "calendly", "events"))
    work()
    assert [(run.status, run.started_at) for run in office.runs()] == [(SyncStatus.CANCELLED, None)]


def test_without_a_key_a_run_says_so(calendly):
    history = History("calendly")
    run = run_here(history.org, "calendly", "events")
    assert (run.status, "No key of Calendly" in run.error) == (SyncStatus.FAILED, True)


def test_a_sync_that_is_not_declared_is_refused(calendly):
    with pytest.raises(InvalidInput, match="it has events"):
        run_here(Office().org, "calendly", "dreams")
