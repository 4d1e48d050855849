"""What belongs to a module is visible in the organisations that have it, and nowhere else."""

from contextlib import contextmanager

import pytest
from sqlalchemy import update

from core.links.access_links import ENDED
from core.platform.database import as_system
from core.tenancy.access.authorization import may_open
from core.tenancy.access.models import Role
from core.tenancy.access.sessions import viewer_of
from core.tenancy.organizations.models import Organization
from core.tenancy.organizations.modules import BOOKINGS
from core.ui.navigation import BY_KEY, SCREENS, start_of
from tests.ui.expectations import HAS
from tests.ui.screens import alone, opened, sent, token_of, words
from tests.ui.teams import team

OFF = (
    "Bookings is switched off for Elder organisation. Those who run the installation can switch"
    " it on."
)
OURS = [screen.key for screen in SCREENS if screen.module == BOOKINGS and not screen.public]
EVERYBODYS = [
    screen.key
    for screen in SCREENS
    if screen.module is None and not screen.public and screen.key != "home"
]


@pytest.fixture(scope="module")
def without(database_url):
    """A team with events and payments from the time when it had the module, which is off now."""
    made = team("Elder")
    switch(made, "phone")
    return made


def switch(made, *modules):
    with as_system(made.admin.organization_id) as db:
        db.execute(update(Organization).values(modules=list(modules)))


@contextmanager
def switched_on(made):
    switch(made, BOOKINGS)
    yield
    switch(made, "phone")


@pytest.mark.parametrize("screen", OURS)
@pytest.mark.parametrize("role", [Role.OWNER, Role.SUPER_ADMIN])
def test_a_screen_of_a_module_that_is_off_says_who_can_switch_it_on(without, role, screen):
    for page in (
        opened(screen, without.people[role], **without.row(screen)),
        alone(screen, without.people[role]),
    ):
        assert not page.exception
        assert words(page.main) == [BY_KEY[screen].title, OFF]


@pytest.mark.parametrize("screen", EVERYBODYS)
def test_the_other_screens_stay(without, screen):
    page = opened(screen, without.people[Role.SUPER_ADMIN])

    assert not page.exception
    assert OFF not in words(page)


def test_the_menu_shows_what_is_on_and_nothing_else(without):
    def menu():
        viewer = viewer_of(token_of(without.people[Role.SUPER_ADMIN]))
        return {
            screen.key
            for screen in SCREENS
            if screen.menu and may_open(viewer, screen.access) is None
        }

    without_it = menu()
    with switched_on(without):
        with_it = menu()
    assert without_it < with_it
    assert with_it - without_it == {
        screen.key for screen in SCREENS if screen.module == BOOKINGS and screen.menu
    }


@pytest.mark.parametrize("role", list(Role))
def test_the_root_address_leads_to_the_account(without, role):
    page = opened("home", without.people[role])

    assert not page.exception
    assert page.title[0].value == "Your account"


def test_the_day_begins_at_the_first_start_page_that_is_open_to_somebody(without):
    def starts():
        viewers = {role: viewer_of(token_of(person)) for role, person in without.people.items()}
        return {role: start_of(viewer) for role, viewer in viewers.items()}

    assert set(starts().values()) == {"account"}
    with switched_on(without):
        assert starts() == dict.fromkeys(Role, "dashboard") | {Role.SALES_REP: "my-day"}


@pytest.mark.parametrize(
    "screen", [screen.key for screen in SCREENS if screen.public and screen.module == BOOKINGS]
)
def test_a_link_opens_nothing_until_the_module_is_back(without, screen):
    assert words(opened(screen, None, **without.row(screen))) == ["Link", ENDED]
    with switched_on(without):
        assert HAS[screen].replace("Alder", "Elder") in sent(
            opened(screen, None, **without.row(screen))
        )


def test_links_are_offered_to_what_is_on(without):
    def offers():
        page = opened("links", without.admin)
        assert not page.exception
        return [choice for each in page.get("button_group") for choice in each.options]

    assert offers() == []
    with switched_on(without):
        assert offers() == ["Closer's portal", "Statement", "Shared dashboard"]


def test_exports_offer_what_every_organisation_has(without):
    page = opened("exports", without.admin)

    assert not page.exception
    assert set(page.selectbox[0].options) >= {"Leads", "Audit logs"}
    assert not {"Events", "Payments", "Post booking forms", "Refunds"} & set(
        page.selectbox[0].options
    )


def test_going_live_speaks_of_no_screen_that_is_off(without):
    links = [link.proto.page for link in opened("go-live", without.admin).get("page_link")]
    assert not {BY_KEY[key].file for key in OURS} & {page.partition("pages/")[2] for page in links}
