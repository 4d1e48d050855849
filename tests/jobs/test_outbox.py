"""A message to Slack is posted once; when nobody can know whether it was, it is marked so and left
alone; the webhook's address stays secret.
"""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from core.deliveries.models import JobRun, OutboxMessage
from core.deliveries.outbox import post
from core.deliveries.sending import send_outbox
from core.deliveries.sweeps import sweep_outbox
from core.messages.actions import set_slack_webhook
from core.messages.models import ReportSettings
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import ProviderUnavailable, RateLimited
from core.platform.queue import enqueue
from core.platform.settings import settings
from core.platform.tasks import MAX_ATTEMPTS
from core.providers.client import RetryPolicy
from core.providers.slack import messages as client
from jobs import schedule
from tests import factories as make
from tests.fakes import slack as fakes
from tests.flow import work
from tests.jobs.outbox import jobs_of, message, outcome
from tests.ports import free_port, owner, until

ROOT = Path(__file__).parents[2]
BODY = {
    "text": "Hello",
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}],
}
OTHER = "T11111111/B11111111/YYYYYYYYYYYYYYYYYYYYYYYY"


@pytest.fixture
def org(slack):
    made = make.organization()
    with as_system(made) as db:
        set_slack_webhook(db, slack.webhook)
    return made


def put(org, key="a"):
    with as_system(org) as db:
        post(db, "slack", "test", None, BODY, key)
        return db.scalars(select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key)).one()


def test_a_message_is_posted_as_it_is_by_the_worker(org, slack):
    posted = put(org)
    work()
    assert slack.channel == [BODY | {"path": f"/services/{fakes.SECRET}"}]
    done = message(org, posted)
    assert (done.status, done.attempts, done.last_error) == ("sent", 1, None)
    assert done.sent_at is not None
    assert jobs_of(org) == []


def test_a_message_of_the_same_key_is_not_even_kept(org, slack):
    with as_system(org) as db:
        assert [post(db, "slack", "test", None, BODY, "a") for _ in range(3)] == [
            True,
            False,
            False,
        ]
    assert len(jobs_of(org)) == 1
    work()
    assert slack.requests == 1


def test_a_rep_may_have_a_message_sent_without_seeing_what_others_sent(org, slack):
    rep = make.viewer(org, "sales_rep")
    with rep.transaction() as db:
        assert [post(db, "slack", "test", None, BODY, "a") for _ in range(2)] == [True, False]
        assert db.scalars(select(OutboxMessage)).all() == []
    work()
    assert slack.requests == 1


def test_a_message_whose_cause_is_rolled_back_is_never_sent(org, slack):
    with as_system(org) as db:
        post(db, "slack", "test", None, BODY, "a")
        db.rollback()
    work()
    assert slack.requests == 0


def test_sending_what_was_sent_does_nothing(org, slack):
    posted = put(org)
    for _ in range(3):
        send_outbox(org, posted)
    assert slack.requests == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (fakes.RATE_LIMITED, RateLimited),
        (fakes.BROKEN, ProviderUnavailable),
        (fakes.UNAVAILABLE, ProviderUnavailable),
    ],
)
def test_what_was_surely_not_posted_is_tried_again_until_it_is(org, slack, answer, error):
    posted = put(org)
    slack.will(answer, answer)
    for attempt in (1, 2):
        with pytest.raises(error):
            send_outbox(org, posted, attempt=attempt)
        assert message(org, posted).status == "waiting"
    send_outbox(org, posted, attempt=3)
    assert (message(org, posted).status, message(org, posted).attempts, len(slack.channel)) == (
        "sent",
        3,
        1,
    )


@pytest.mark.parametrize("answer", [fakes.RATE_LIMITED, fakes.BROKEN])
def test_after_the_last_attempt_it_has_failed_and_says_why(org, slack, answer):
    posted = put(org)
    slack.will(*[answer] * MAX_ATTEMPTS)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises((RateLimited, ProviderUnavailable)):
            send_outbox(org, posted, attempt=attempt)
    send_outbox(org, posted, attempt=MAX_ATTEMPTS)
    status, why = outcome(org, posted)
    assert (status, slack.requests) == ("failed", MAX_ATTEMPTS)
    assert why in ("Slack asks for a pause.", "Slack answered 500.")
    send_outbox(org, posted)
    assert slack.requests == MAX_ATTEMPTS


def test_where_nobody_listens_it_is_tried_again(org, monkeypatch):
    posted = put(org)
    away = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("SLACK_BASE_URL", away)
    settings.cache_clear()
    with as_system(org) as db:
        set_slack_webhook(db, f"{away}/services/{fakes.SECRET}")
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    assert outcome(org, posted) == ("waiting", "Slack cannot be reached.")
    send_outbox(org, posted, attempt=MAX_ATTEMPTS)
    assert outcome(org, posted) == ("failed", "Slack cannot be reached.")


@pytest.mark.parametrize(
    ("answer", "longer_than_s"),
    [
        (fakes.RATE_LIMITED, 30),
        ((429, "", {"Retry-After": "86400"}), 3600),
        (fakes.RATE_LIMITED_WITHOUT_A_WORD, 1),
        ((429, "", {"Retry-After": "soon"}), 1),
        (fakes.BROKEN, 1),
    ],
)
def test_the_next_try_waits_as_long_as_slack_asks_within_reason(org, slack, answer, longer_than_s):
    put(org)
    slack.will(answer)
    before = now()
    work()
    [(status, due)] = jobs_of(org)
    assert status == "todo"
    assert timedelta(seconds=longer_than_s) <= due - before < timedelta(seconds=longer_than_s + 60)
    assert slack.requests == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (fakes.NO_SERVICE, "Slack no longer accepts this webhook (no_service); enter a new one."),
        (
            fakes.FORBIDDEN,
            "Slack no longer accepts this webhook (action_prohibited); enter a new one.",
        ),
        (
            fakes.ARCHIVED,
            "Slack no longer accepts this webhook (channel_is_archived); enter a new one.",
        ),
        ((400, "invalid_payload", {}), "Slack refused the message: 400 invalid_payload"),
        (fakes.REDIRECT, "Slack refused the message: 302 "),
    ],
)
def test_what_slack_refuses_has_failed_at_once(org, slack, answer, why):
    posted = put(org)
    slack.will(answer)
    work()
    assert outcome(org, posted) == ("failed", why)
    assert (slack.requests, jobs_of(org)) == (1, [])


def test_what_slack_cannot_lay_out_is_posted_as_text_once(org, slack):
    posted = put(org)
    slack.will(fakes.LAYOUT_REFUSED)
    work()
    assert outcome(org, posted) == ("sent", None)
    assert [(each["text"], "blocks" in each) for each in slack.channel] == [("Hello", False)]
    assert slack.requests == 2


def test_text_that_slack_refuses_too_has_failed(org, slack):
    posted = put(org)
    slack.will(fakes.LAYOUT_REFUSED, fakes.LAYOUT_REFUSED)
    work()
    assert outcome(org, posted) == ("failed", "Slack refused the message: 400 invalid_blocks")
    assert slack.requests == 2


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        (fakes.NO_SERVICE, False),
        (fakes.FORBIDDEN, False),
        (fakes.ARCHIVED, False),
        (fakes.BROKEN, True),
        (fakes.OK, True),
        ((400, "invalid_payload", {}), True),
    ],
)
def test_a_webhook_that_is_gone_for_good_stops_the_daily_posts(slack, answer, goes_on):
    org = make.organization(slack_report_enabled=True)
    with as_system(org) as db:
        set_slack_webhook(db, slack.webhook)
    put(org)
    slack.will(answer)
    work()
    with as_system(org) as db:
        assert db.get_one(ReportSettings, org).slack_report_enabled is goes_on


@pytest.mark.parametrize("answer", [fakes.HangUp(), fakes.Silence()])
def test_what_may_have_been_posted_is_not_posted_twice(org, slack, monkeypatch, answer):
    monkeypatch.setattr(client, "ONE_TRY", RetryPolicy(timeout_s=0.5, tries=1))
    posted = put(org)
    slack.will(answer)
    work()
    assert outcome(org, posted) == (
        "uncertain",
        "Slack did not answer; the message may have been posted.",
    )
    send_outbox(org, posted)
    work()
    assert (slack.requests, jobs_of(org)) == (1, [])


def test_the_sweep_finds_waiting_messages_without_a_job_and_no_others(org, slack):
    sent, waiting, forgotten = put(org, "sent"), put(org, "waiting"), put(org, "forgotten")
    send_outbox(org, sent)
    with owner() as db:
        db.execute(
            text(
                "update app.outbox set created_at = now() - interval '6 minutes' where"
                " organization_id = :org"
            ),
            {"org": org},
        )
        db.execute(text("set local search_path = jobs"))
        gone = "delete from procrastinate_jobs where args->>'message_id' in (:sent, :forgotten)"
        db.execute(text(gone), {"sent": str(sent), "forgotten": str(forgotten)})
    assert [sweep_outbox(org), sweep_outbox(org)] == [1, 0]
    work()
    assert [message(org, each).status for each in (sent, waiting, forgotten)] == ["sent"] * 3
    assert slack.requests == 3


def test_two_workers_with_the_same_message_post_it_once(org, slack):
    posted = put(org)
    both = [threading.Thread(target=send_outbox, args=(org, posted)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert (slack.requests, message(org, posted).status) == (1, "sent")


def test_a_run_that_fails_after_another_has_posted_the_message_leaves_it_posted(
    org, slack, monkeypatch
):
    posted = put(org)
    slack.will(fakes.Silence())
    monkeypatch.setattr(client, "ONE_TRY", RetryPolicy(timeout_s=1.0, tries=1))
    late = threading.Thread(target=send_outbox, args=(org, posted))
    late.start()
    until(lambda: slack.requests)
    with owner() as db:  # a second run posts it too, as by a channel that can repeat a message
        db.execute(text("update app.outbox set status = 'waiting' where id = :id"), {"id": posted})
    send_outbox(org, posted)
    late.join()
    assert outcome(org, posted) == ("sent", None)


def worker(**env):
    return subprocess.Popen(
        [sys.executable, "-m", "jobs", "worker"],
        cwd=ROOT,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_worker_that_is_killed_while_sending_leaves_it_uncertain(org, slack, monkeypatch):
    posted = put(org)
    slack.will(fakes.Silence())
    process = worker()
    until(lambda: slack.requests)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert message(org, posted).status == "sending"
    monkeypatch.setattr(schedule, "STALLED_AFTER_S", 0)
    schedule.rescue_stalled()
    work()
    assert outcome(org, posted) == (
        "uncertain",
        "the worker ended while sending; look in the channel before sending it again",
    )
    assert (slack.requests, jobs_of(org)) == (1, [])


def test_the_address_is_in_no_row_and_no_log_whatever_happens(org, slack):
    away = make.organization()
    nowhere = f"{slack.url}/services/{fakes.SECRET}\u00e9"
    with as_system(away) as db:
        set_slack_webhook(db, nowhere)
    slack.will(
        fakes.NO_SERVICE,
        fakes.RATE_LIMITED,
        fakes.BROKEN,
        fakes.HangUp(),
        fakes.REDIRECT,
        (400, "invalid_payload", {}),
        fakes.OK,
    )
    messages = [(org, put(org, str(number))) for number in range(7)] + [(away, put(away))]
    with as_system(org) as db:
        enqueue(db, "send_outbox", {"message_id": "no id"})
    process = worker(LOG_LEVEL="DEBUG")
    until(
        lambda: (
            all(message(*each).attempts or message(*each).status != "waiting" for each in messages)
            and slack.requests >= 7
        )
    )
    until(lambda: not any(message(*each).status == "sending" for each in messages))
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    with as_system(org) as db:
        errors = [*db.scalars(select(OutboxMessage.last_error)), *db.scalars(select(JobRun.error))]
    told = [said.decode(), *filter(None, errors), str(outcome(*messages[-1]))]
    assert len(told) > 7
    assert b'"component": "jobs.outbox"' in said
    assert not any(
        part in text
        for text in told
        for part in ("/services", fakes.SECRET, fakes.SECRET.split("/")[2])
    )


def test_the_organisations_own_webhook_wins_over_the_installations(org, slack, monkeypatch):
    monkeypatch.setenv("SLACK_WEBHOOK_URL", slack.webhook_of(OTHER))
    settings.cache_clear()
    without = make.organization()
    for each in (org, without):
        put(each)
        work()
    assert [posted["path"] for posted in slack.channel] == [
        f"/services/{fakes.SECRET}",
        f"/services/{OTHER}",
    ]


def test_without_any_webhook_it_has_failed_and_says_so(slack):
    org = make.organization()
    posted = put(org)
    work()
    assert outcome(org, posted) == ("failed", "No Slack webhook is set up.")


def test_an_address_that_is_not_slacks_is_never_asked(slack):
    org = make.organization()
    with fakes.FakeSlack().running() as stranger, as_system(org) as db:
        set_slack_webhook(db, stranger.webhook)
    posted = put(org)
    work()
    assert outcome(org, posted) == (
        "failed",
        "This is not the address of a Slack incoming webhook.",
    )
    assert (stranger.requests, slack.requests) == (0, 0)
