"""A story that Calendly tells, for those who hear it in different ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.platform.database import as_system
from tests import factories as make
from tests import payloads as samples

START = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)


def call(email="lead.one@example.com", **values):
    return samples.SampleBooking(email, values.pop("start", START), **values)


def team(history):
    with as_system(history.org) as db:
        make.closer(db, history.org, "Closer One", email="closer.one@example.com")
        make.closer(db, history.org, "Closer Two", email="closer.two@example.com")
        make.setter(db, history.org, "Setter One", aliases=["setter-one"])


def story():
    """Book, move twice with another host, miss and un-miss, cancel late, in one organisation."""
    first, second, third = (
        call(),
        call(start=START + timedelta(days=1), closer_email="closer.two@example.com"),
        call(start=START + timedelta(days=2), setter=None),
    )
    one = samples.calendly_created(first, booked_at=START - timedelta(days=3))
    two = samples.calendly_created(second, booked_at=START - timedelta(days=2), old=first.uri)
    three = samples.calendly_created(third, booked_at=START - timedelta(days=1), old=second.uri)
    other = samples.calendly_created(call("lead.two@example.com", start=START + timedelta(hours=3)))
    late = samples.calendly_created(
        call("lead.three@example.com", start=START + timedelta(hours=4))
    )
    return [
        one,
        samples.calendly_canceled(one, at=START - timedelta(days=2), new=second.uri),
        two,
        samples.calendly_canceled(two, at=START - timedelta(days=1), new=third.uri),
        three,
        samples.calendly_no_show(three, at=START + timedelta(days=2, hours=1)),
        samples.calendly_no_show(three, at=START + timedelta(days=2, hours=2), removed=True),
        other,
        samples.calendly_no_show(other, at=START + timedelta(hours=5)),
        late,
        samples.calendly_canceled(late, at=START + timedelta(hours=2)),
    ]
