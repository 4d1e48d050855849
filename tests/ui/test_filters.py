"""What the address narrows a screen to, whatever it names."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import text

from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_system
from tests import factories as make
from tests.ui.grids import all_rows
from tests.ui.screens import browser_of, opened, press, words

LISTED = {
    "dashboard": "No bookings or payments",
    "events": "No bookings",
    "payments": "No payments",
}


@pytest.fixture
def crew():
    """Ana with one booking and payment, Bo with five of each."""
    org = make.organization()
    with as_system(org) as db:
        for name, count in (("Ana", 1), ("Bo", 5)):
            by = make.closer(db, org, name)
            for number in range(count):
                at = now() - timedelta(hours=2 + number)
                event = make.event(db, org, by, at=at)
                make.payment(
                    db, org, at=at, closer_id=by.id, event_id=event.id, attribution_method="manual"
                )
    return org, make.viewer(org)


def rename(org, name, other):
    with as_system(org) as db:
        lock_books(db)
        db.execute(
            text("update app.closers set name = :other where name = :name"),
            {"name": name, "other": other},
        )


@pytest.mark.parametrize("screen", LISTED)
def test_the_address_of_somebody_who_is_called_otherwise_by_now_shows_nobody(crew, screen):
    org, admin = crew
    assert LISTED[screen] not in " ".join(words(opened(screen, admin, closer="Ana")))
    rename(org, "Ana", "Ana Berg")
    page = opened(screen, admin, closer="Ana")
    shown = " ".join(words(page))
    assert LISTED[screen] in shown
    assert "There is no closer “Ana” here" in shown
    with browser_of(admin):
        assert LISTED[screen] in " ".join(words(page.run()))
    page = press(page, admin, "Show every closer")
    assert LISTED[screen] not in " ".join(words(page))


def test_of_two_names_the_one_that_is_known_narrows(crew):
    _, admin = crew
    page = opened("events", admin, closer=["Nobody", "Ana"])
    assert "1 booking" in words(page)


def test_an_outcome_that_does_not_exist_has_no_bookings(crew):
    _, admin = crew
    assert "No bookings" in " ".join(words(opened("events", admin, outcome="Vanished")))


def test_somebody_who_is_called_no_setter_is_not_nobody(crew):
    org, admin = crew
    with as_system(org) as db:
        setter = make.setter(db, org, "No setter")
        make.event(db, org, set_by=setter, at=now() - timedelta(hours=1))
    page = opened("dashboard", admin)
    assert not page.exception
    theirs = f"No setter ({setter.id.hex[:8]})"
    names = [row["name"] for row in all_rows(page) if "name" in row]
    assert {"No setter", theirs} <= set(names)
    assert "1 booking" in words(opened("events", admin, setter=theirs))
    assert "6 bookings" in words(opened("events", admin, setter="No setter"))


@pytest.mark.parametrize("screen", LISTED)
def test_what_a_screen_is_narrowed_to_stands_on_it_and_is_taken_off_one_by_one(crew, screen):
    _, admin = crew
    page = opened(screen, admin, closer=["Ana", "Bo"])
    assert [each.label for each in page.button if "Closer" in each.label] == [
        "Closer: Ana",
        "Closer: Bo",
    ]
    page = press(page, admin, "Closer: Bo")
    assert page.query_params["closer"] == "Ana"
    page = press(page, admin, "Closer: Ana")
    assert "closer" not in page.query_params
    assert "Closer" not in " ".join(each.label for each in page.button)


def test_what_is_taken_off_does_not_narrow_any_more(crew):
    _, admin = crew
    page = opened("events", admin, closer="Ana")
    assert "1 booking" in words(page)
    assert "6 bookings" in words(press(page, admin, "Closer: Ana"))


@pytest.mark.parametrize(
    ("asked", "sentence", "shown"),
    [
        (
            {"period": "Custom", "from": "2026-03-31", "to": "2026-03-01"},
            "The first day, Mar 31, 2026, is after the last, Mar 1, 2026. The days between them"
            " are shown.",
            ("2026-03-01", "2026-03-31"),
        ),
        (
            {"period": "Custom", "from": "2026-02-31", "to": "2026-03-01"},
            "2026-02-31 to 2026-03-01: these are not two days, such as 2026-11-04.",
            None,
        ),
        ({"period": "Custom", "from": "1066-10-14", "to": "1066-10-15"}, "Days can be", None),
        ({"period": "Custom", "from": "2026-03-01"}, "2026-03-01 to nothing: these", None),
        ({"period": "Fortnight"}, "There is no period “Fortnight”. Last 30 days is shown.", None),
    ],
)
def test_days_that_cannot_be_shown_are_answered_by_a_sentence(crew, asked, sentence, shown):
    _, admin = crew
    page = opened("events", admin, **asked)
    assert not page.exception
    assert any(sentence in unescape(each.value) for each in page.warning)
    if shown:
        assert (page.query_params["from"], page.query_params["to"]) == shown
