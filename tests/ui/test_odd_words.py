"""Whatever somebody types or pastes, a page answers with a sentence: no input in any form breaks
it.
"""

import pytest

from core.tenancy.access.models import Role
from core.ui.navigation import SCREENS
from tests.by_day import some
from tests.ui.screens import browser_with, opened, token_of
from tests.ui.teams import Team, team

ODD = "\0\U0001f600\u202e'\"<b>\\%s{x}\r\n@example.com\0"
ENDS_THE_SESSION = "Sign out everywhere"
PLATFORM = ("organizations", "users")


@pytest.fixture(scope="module")
def crew(database_url) -> Team:
    """A team whose payouts may be deleted and whose keys may be revoked."""
    return team("Oddly")


def filled(crew: Team, screen: str, token: str):
    """The screen with the odd words in every field."""
    page = opened(screen, token, **crew.row(screen))
    for field in (*page.text_input, *page.text_area):
        field.set_value(ODD)
    return page


@pytest.mark.parametrize("screen", some(screen.key for screen in SCREENS))
def test_odd_words_in_every_field_break_no_page(crew, screen):
    token = token_of(crew.people[Role.SUPER_ADMIN] if screen in PLATFORM else crew.admin)
    with browser_with(token):
        page = filled(crew, screen, token).run()
        broken = [("typing", error.value) for error in page.exception]
        labels = [button.label for button in page.button]
        for place, label in enumerate(labels):
            page = filled(crew, screen, token)
            if (
                label == ENDS_THE_SESSION
                or place >= len(page.button)
                or page.button[place].disabled
            ):
                continue
            broken += [(label, error.value) for error in page.button[place].click().run().exception]
    assert broken == []
