"""Whatever the address bar contains, a screen answers with a sentence for people, and never with
rows of others.
"""

from uuid import uuid4

import pytest

from core.tenancy.access.models import Role
from core.ui.navigation import SCREENS
from tests.ui.expectations import may
from tests.ui.screens import opened, sent, words
from tests.ui.teams import DETAILS

KEYS = [screen.key for screen in SCREENS]
NAMES = (
    "period",
    "from",
    "to",
    "compare",
    "closer",
    "setter",
    "source",
    "traffic_type",
    "call_type",
    "trend",
    "search",
    "status",
    "figure",
    "view",
    "by",
    "table",
    "metric",
    "who",
    "id",
    "with",
    "tag",
    "event",
)
NONSENSE = {
    "sql": "'; drop table app.events; --",
    "nothing": "",
    "long": "x" * 20_000,
    "nul": "a\x00b",
    "far day": "9999-12-31",
    "no day": "2026-02-30",
    "odd digits": "٣٠",
    "markup": "<script>alert(1)</script>",
    "number": "-1e309",
    "path": "../../etc/passwd",
    "percent": "%%(x)s{0}\\",
    "half an id": "3f2504e0-4f89-11d3-9a0c",
}
NO_SUCH = {
    "person": "There is no such person",
    "event": "There is no such booking",
    "merge-bookings": "There is no such booking",
    "form": "There is no such booking",
    "lead": "There is no such lead",
    "contact": "There is no such contact",
    "merge-contacts": "There is no such contact",
    "payment": "There is no such payment",
    "payout": "There is no such payout",
    "connections": "There is no such connection",
    "delivery": "There is no such delivery",
}


def rotated(turn: int) -> dict[str, str]:
    """The names, each with another kind of nonsense; over as many turns as there are kinds, each
    name gets every kind.
    """
    values = list(NONSENSE.values())
    return {name: values[(place + turn) % len(values)] for place, name in enumerate(NAMES)}


NIGHTLY_TURNS = [pytest.param(turn, marks=pytest.mark.nightly) for turn in range(1, len(NONSENSE))]


@pytest.mark.parametrize("turn", [0, *NIGHTLY_TURNS])
@pytest.mark.parametrize("screen", KEYS)
def test_nonsense_in_the_address_never_breaks_a_screen(ours, screen, turn):
    visitor = ours.admin if may(Role.ADMIN, screen) else ours.people[Role.SUPER_ADMIN]
    page = opened(screen, visitor, **rotated(turn))

    assert not page.exception
    assert not page.error
    assert page.title


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-13-01", "yesterday"),
        ("2026-11-20", "2026-11-01"),
        ("0001-01-01", "9999-12-31"),
        ("2026-11-01", ""),
        ("", "1999-12-31"),
    ],
)
@pytest.mark.parametrize("screen", ["dashboard", "events", "payments", "leaderboards", "exports"])
def test_impossible_days_become_days_that_can_be_asked_for(ours, screen, first, last):
    page = opened(screen, ours.admin, period="Custom", **{"from": first, "to": last})

    assert not page.exception
    start, end = page.date_input[0].value
    assert start <= end


def test_every_screen_of_one_row_says_which_and_is_tried_here():
    details = {
        screen.key
        for screen in SCREENS
        if not (screen.menu or screen.public) and screen.key != "home"
    }
    assert details == set(DETAILS)
    assert details <= set(NO_SUCH)


@pytest.mark.parametrize("screen", NO_SUCH)
@pytest.mark.parametrize("whose", ["theirs", "nobody's"])
def test_an_id_of_another_organisation_is_no_different_from_one_that_nobody_has(
    ours, theirs, screen, whose
):
    row_id = theirs.ids[screen] if whose == "theirs" else uuid4()

    page = opened(screen, ours.admin, **{DETAILS.get(screen, "id"): str(row_id)})

    assert not page.exception
    assert any(NO_SUCH[screen] in line for line in words(page))
    assert theirs.mark not in sent(page)


@pytest.mark.parametrize("name", ["closer", "setter", "source"])
@pytest.mark.parametrize("screen", ["dashboard", "events", "payments"])
def test_a_name_of_another_organisation_shows_nothing(ours, theirs, screen, name):
    page = opened(screen, ours.admin, **{name: f"{theirs.mark} {name}"})

    assert not page.exception
    asked = f"“{theirs.mark} {name}”"
    assert f"There is no {name} {asked} here, so nothing of theirs is shown." in sent(page)
    assert theirs.mark not in sent(page).replace(asked, "")
