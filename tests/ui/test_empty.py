"""In a new organisation each screen says what will appear there, and none fails for lack of
data.
"""

import pytest

from core.tenancy.access.roles import SUPER_ADMINS
from core.ui.navigation import SCREENS
from tests import factories as make
from tests.ui.screens import opened, words

SAYS = {
    "home": "No bookings or payments in this period",
    "dashboard": "No bookings or payments in this period",
    "my-day": "You're all caught up",
    "leaderboards": "Nobody to rank yet",
    "person": "There is no such person",
    "events": "No bookings here",
    "event": "There is no such booking",
    "duplicates": "No possible duplicates",
    "merge-bookings": "There is no such booking",
    "form": "There is no such booking",
    "leads": "No leads here",
    "lead": "There is no such lead",
    "contacts": "No contacts here",
    "contact": "There is no such contact",
    "merge-contacts": "There is no such contact",
    "payments": "No payments here",
    "payment": "There is no such payment",
    "payouts": "No payouts yet",
    "payout": "There is no such payout",
    "connections": "No connections yet",
    "delivery": "There is no such delivery",
    "reports": "Nothing has been posted yet",
    "lists": "No closers yet",
    "form-design": "The standard form is on the forms",
    "settings": "Form is overdue after",
    "setup": "0 closers, 0 setters",
    "view-as": "No members to view as",
    "who-sees": "There are no bookings yet",
    "privacy": "No person selected",
    "go-live": "0 of 9 steps done",
    "links": "No links yet",
    "audit": "Newest first",
    "decisions": "coverage 8 of 10",
    "guide": "User guide",
    "portal": "This link does not work",
    "statement": "This link does not work",
    "shared": "This link does not work",
    "account": "this browser",
    "api-keys": "No keys yet",
    "team": "No open invitations",
    "invitation": "This invitation link is not valid",
    "forgot": "Forgot your password?",
    "reset": "This link is not valid any more",
    "integrations": "No keys yet",
    "blocked-addresses": "No address is blocked",
}


@pytest.fixture(scope="module")
def newcomer(database_url):
    return make.viewer(make.organization(), "owner")


@pytest.mark.parametrize(
    "screen",
    [screen.key for screen in SCREENS if screen.key != "exports" and screen.roles != SUPER_ADMINS],
)
def test_a_screen_without_rows_says_what_will_appear(newcomer, screen):
    page = opened(screen, newcomer)

    assert not page.exception
    assert not page.error
    assert not page.metric or screen == "my-day"
    assert any(SAYS[screen] in line for line in words(page))


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("Unattributed", "Every payment has its booking"),
        ("To reconcile", "Nothing to reconcile"),
    ],
)
def test_a_list_of_what_is_left_to_do_praises_when_nothing_is(newcomer, view, says):
    assert any(says in line for line in words(opened("payments", newcomer, view=view)))


def test_the_exports_stand_ready_before_there_is_anything_in_them(newcomer):
    page = opened("exports", newcomer)

    assert not page.exception
    assert page.get("link_button")[0].proto.url.startswith("/exports/events?")
