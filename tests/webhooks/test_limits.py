"""The rate limit holds across receivers; without the limiter or the database nothing is
acknowledged.
"""

from pathlib import Path

import httpx
from sqlalchemy import text

from core.providers.payloads import signed
from tests import factories as make
from tests.flow import SECRET, sender
from tests.ports import owner
from tests.webhooks.deliveries import kept, payload, said
from tests.webhooks.receiver import receiver

ROOT = Path(__file__).parents[2]


def test_the_rate_limit_of_a_connection_holds_across_receivers():
    to = sender(make.organization(), "stripe", rate_limit=5)
    with receiver() as first, receiver() as second, httpx.Client() as client:
        statuses, waits = [], []
        for number in range(12):
            body, headers = signed("stripe", payload(number), SECRET)
            answer = client.post(
                [first, second][number % 2] + to.path, content=body, headers=headers
            )
            statuses.append(answer.status_code)
            waits.append(answer.headers.get("retry-after"))
        body, headers = signed("stripe", payload(0), SECRET)
        repeated = client.post(first + to.path, content=body, headers=headers)

    counted = kept(to.organization_id)
    assert counted in (5, 10)  # ten when the minute turned in between
    assert statuses.count(200) == counted
    assert set(statuses) == {200, 429}
    assert all(
        1 <= int(wait) <= 60 for wait, status in zip(waits, statuses, strict=True) if status == 429
    )
    assert repeated.status_code == 200


def test_without_the_limiter_nothing_is_acknowledged(running):
    to = sender(make.organization(), "stripe")
    with owner() as db:
        db.execute(text("alter table app.rate_limits rename to rate_limits_away"))
    try:
        answer = running(lambda: to.post(payload()))
    finally:
        with owner() as db:
            db.execute(text("alter table app.rate_limits_away rename to rate_limits"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert kept(to.organization_id) == 0


def test_with_the_database_away_the_sender_is_asked_to_try_again(running, request):
    to = sender(make.organization(), "stripe")
    request.getfixturevalue("database_away")

    answer = running(lambda: to.post(payload()))

    assert said(answer)[0] == 503
    assert answer.json()["error"]["code"] == "unavailable"
