"""Strangers choose their names: every screen shows them letter by letter, and they have no
effect.
"""

from html import unescape

import pytest

from core.ui.navigation import SCREENS
from core.ui.parts.format import APART, escape_markdown
from tests.ui.hostile_names import HOSTILE, KNOW_TAGS, LETTERS_ONLY, MARKUP, TAGS
from tests.ui.screens import addressed, browser_of, opened, sent
from tests.ui.teams import DETAILS, Team, team

SHOWS = {
    "owner": {
        "home",
        "dashboard",
        "leaderboards",
        "person",
        "events",
        "event",
        "duplicates",
        "merge-bookings",
        "form",
        "leads",
        "lead",
        "contacts",
        "contact",
        "merge-contacts",
        "payments",
        "payment",
        "payouts",
        "payout",
        "team",
        "lists",
        "settings",
        "portal",
        "statement",
        "shared",
        "api-keys",
        "delivery",
        "integrations",
    },
    "sales_rep": {
        "home",
        "my-day",
        "leaderboards",
        "person",
        "event",
        "form",
        "payment",
        "portal",
        "statement",
        "shared",
    },
}


@pytest.fixture(scope="module")
def crew() -> Team:
    return team("Thorn", names=HOSTILE)


@pytest.mark.parametrize("screen", [screen.key for screen in SCREENS])
@pytest.mark.parametrize("role", SHOWS)
def test_a_name_is_shown_as_it_was_written(crew, screen, role):
    page = opened(screen, crew.people[role], **crew.row(screen))

    assert not page.exception
    for node in page:
        if getattr(node, "proto", None) is not None and node.type not in LETTERS_ONLY:
            said = node.proto.SerializeToString().decode("utf-8", "replace")
            assert not any(
                piece in said for piece in (TAGS if node.type in KNOW_TAGS else MARKUP)
            ), node
    if screen in SHOWS[role]:
        assert HOSTILE in unescape(sent(page))


def test_every_screen_of_one_row_shows_a_name():
    assert set(DETAILS) <= SHOWS["owner"]


def test_ordinary_names_stay_readable():
    assert escape_markdown("Ana Øster") == "Ana Øster"
    assert unescape(escape_markdown("O'Neil & Søn – 50 %")) == "O'Neil & Søn – 50 %"
    addresses = "ana@example.com https://a.b http://c.d www.e.f :streamlit:"
    assert unescape(escape_markdown(addresses)).replace(APART, "") == addresses


def test_what_was_done_to_somebody_is_said_in_letters_too(crew):
    with browser_of(crew.people["super_admin"]):
        page = addressed("users", id=str(crew.people["viewer"].user_id)).run()
        page = next(button for button in page.button if button.label == "Deactivate").click().run()

    said = page.toast[0].value
    assert unescape(said) == f"{HOSTILE} viewer can no longer sign in."
    assert not any(piece in said for piece in MARKUP)
