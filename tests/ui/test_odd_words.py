"""Whatever somebody types or pastes, a page answers in words: no field of any form breaks it."""
import pytest

from core.tenancy.models import Role
from core.ui.navigation import SCREENS
from tests.ui.screens import browser_with, opened, token_of
from tests.ui.teams import Team

ODD = "\0\U0001f600\u202e'\"<b>\\%s{x}\r\n@example.com\0"
ENDS_THE_SESSION = "Sign out everywhere, here too"
PLATFORM = ("organizations", "users")


def filled(ours: Team, screen: str, token: str):
    """The screen with the odd words in every field."""
    page = opened(screen, token, **ours.row(screen))
    for field in (*page.text_input, *page.text_area):
        field.set_value(ODD)
    return page


@pytest.mark.parametrize("screen", [screen.key for screen in SCREENS])
def test_odd_words_in_every_field_break_no_page(ours, screen):
    token = token_of(ours.people[Role.SUPER_ADMIN] if screen in PLATFORM else ours.admin)
    with browser_with(token):
        page = filled(ours, screen, token).run()
        broken = [("typing", error.value) for error in page.exception]
        labels = [button.label for button in page.button]
        for place, label in enumerate(labels):
            page = filled(ours, screen, token)
            if label == ENDS_THE_SESSION or place >= len(page.button) or page.button[place].disabled:
                continue
            broken += [(label, error.value) for error in page.button[place].click().run().exception]
    assert broken == []
