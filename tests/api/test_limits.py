"""The limits of the API: requests per hour by plan, a megabyte per request; and the answer while
the database is away.
"""

import asyncio
from time import time

import pytest
from sqlalchemy import text

from core.platform.database import as_system
from core.tenancy.access.api_limits import HOURLY
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.api.client import forget_engines, get, key_of, post, refused, request, token_of
from tests.flow import post as post_to
from tests.ports import owner


def used_up(org, but):
    """Uses up all but some requests of this hour, and of the next one, which may begin during the
    test.
    """
    with owner() as db:
        plan = db.execute(
            text("select plan from app.organizations where id = :org"), {"org": org}
        ).scalar_one()
        db.execute(
            text("""
            insert into app.rate_limits (key, window_start, hits)
            select 'api:' || :org, date_trunc('hour', now()) + make_interval(hours => n),
              :hits from generate_series(0, 1) n
        """),
            {"org": str(org), "hits": HOURLY[plan] - but},
        )


@pytest.mark.parametrize(
    ("plan", "hourly"), [("free", 100), ("solo", 500), ("team", 5_000), ("enterprise", 50_000)]
)
def test_each_plan_has_its_requests_an_hour_however_many_tokens(plan, hourly):
    assert HOURLY[plan] == hourly
    org = make.organization(plan=plan)
    callers = [key_of(org), key_of(org), token_of(make.viewer(org))]
    used_up(org, but=3)
    assert [get("/api/leads", caller).status_code for caller in callers] == [200] * 3
    limited = get("/api/leads", callers[0])
    assert refused(limited) == (429, "too_many_requests", None)
    assert 1 <= int(limited.headers["retry-after"]) <= 3600
    assert get("/api/leads", key_of(make.organization())).status_code == 200


def rate(answer):
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    return tuple(int(answer.headers[name]) for name in names)


def test_every_answer_says_how_many_requests_are_left_and_until_when():
    org = make.organization(plan="solo")
    key, reader = key_of(org), key_of(org, "events:read")
    used_up(org, but=4)
    answers = [
        get("/api/leads", key),
        get("/api/leads", reader),
        get("/api/events", key, limit="none"),
        get("/api/export", key, table="events"),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 422, 200]
    assert [rate(answer)[:2] for answer in answers] == [(500, left) for left in (3, 2, 1, 0)]
    limited = [get("/api/leads", key), get("/api/leads", key)]
    assert [rate(answer)[:2] for answer in limited] == [(500, 0)] * 2
    for answer in (*answers, *limited):
        assert rate(answer)[2] % 3600 == 0
        assert 0 <= rate(answer)[2] - time() <= 3600


def test_whoever_is_not_let_in_is_told_nothing_of_a_plan():
    assert not [name for name in get("/api/leads").headers if name.startswith("x-ratelimit")]


def test_a_plan_that_nobody_knows_has_the_smallest_limit():
    org = make.organization()
    with as_system(org) as db:
        db.get_one(Organization, org).plan = "free"
    used_up(org, but=0)
    with as_system(org) as db:
        db.get_one(Organization, org).plan = "of days gone by"
    assert refused(get("/api/leads", key_of(org))) == (429, "too_many_requests", None)


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/payout-snapshots"])
def test_more_than_a_megabyte_is_not_read(path):
    answer = request("POST", path, key_of(make.organization()), content=b" " * (1024 * 1024 + 1))
    assert refused(answer) == (413, "too_large", None)


def test_with_the_database_away_the_caller_is_asked_to_come_back(request_away):
    for answer in request_away:
        assert refused(answer) == (503, "unavailable", None)
        assert int(answer.headers["retry-after"]) > 0


@pytest.fixture
def request_away(request):
    token, key = token_of(make.viewer(make.organization())), key_of(make.organization())
    forget_engines()
    request.getfixturevalue("database_away")
    yield [
        get("/api/events", token),
        get("/api/events", key),
        post("/api/auth/login", body={"email": "a@example.com", "password": "x"}),
    ]
    forget_engines()


def test_with_the_database_away_the_monitor_hears_it(running, request):
    request.getfixturevalue("database_away")
    paths = ("/healthz", "/readyz", "/metrics")

    async def at_once():  # each waits as long for the database
        return await asyncio.gather(*(post_to(path, method="GET") for path in paths))

    answers = dict(zip(paths, running(at_once), strict=True))
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 503,
        "/metrics": 200,
    }
    assert refused(answers["/readyz"]) == (503, "unavailable", None)
