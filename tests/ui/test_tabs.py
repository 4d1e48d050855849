"""Two tabs of one browser, each in an organisation of its own: what a tab shows and what is done in
it belongs to the organisation it was opened in, whatever is chosen elsewhere.
"""

from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select

from core.bookings.models import Closer
from core.platform.database import as_system
from core.tenancy.access.members import add_member
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.sessions import choose_organization, viewer_of
from core.tenancy.access.view_as import start_view_as
from core.ui.navigation import SCREENS
from core.ui.page import export_address
from core.ui.parts.query_params import ORGANIZATION
from tests import factories as make
from tests.by_day import some
from tests.ui.expectations import may
from tests.ui.screens import addressed, browser_with, sent, token_of, words
from tests.ui.server import OWN, ask
from tests.ui.teams import Team, team

NOWHERE = UUID(int=4)


@dataclass(frozen=True)
class Both:
    """An admin of two teams, in one browser."""

    first: Team
    second: Team
    token: str

    def choose(self, crew: Team) -> None:
        """In a tab of its own."""
        choose_organization(self.token, crew.admin.organization_id)


@pytest.fixture(scope="module")
def both(database_url) -> Both:
    first, second = team("Laurel"), team("Myrtle")
    admin = first.admin
    with as_system(second.admin.organization_id) as db:
        add_member(db, admin.user_id, Role.ADMIN, name=admin.name, email=admin.email)
    return Both(first, second, token_of(admin))


@pytest.fixture(autouse=True)
def _in_the_first(both):
    both.choose(both.first)


def closers(crew):
    with as_system(crew.admin.organization_id) as db:
        return set(db.scalars(select(Closer.name)))


def button(page, label):
    return next(each for each in page.button if each.label == label)


def test_what_is_entered_under_one_organisations_name_goes_into_no_other(both):
    with browser_with(both.token):
        tab = addressed("lists", list="closers").run()
        both.choose(both.second)
        tab.text_input[0].set_value("Newly Hired")
        button(tab, "Add").click()
        tab.run()

    assert not tab.exception
    assert ("Newly Hired" in closers(both.first), "Newly Hired" in closers(both.second)) == (
        True,
        False,
    )


def shown_of(page, both):
    """The organisation that the page names, and whether anything of the other one stands on it but
    its name in the choice between the two.
    """
    names = [crew.admin.organization_name for crew in (both.first, both.second)]
    named = next(name for name in names if f"<b>{name}</b>" in sent(page))
    other = both.second if named == names[0] else both.first
    everything = sent(page)
    for known in (*names, both.first.admin.name, both.first.admin.email):
        everything = everything.replace(known, "")
    return named, other.mark in everything


PAGES = [screen.key for screen in SCREENS if may(Role.ADMIN, screen.key) and not screen.public]


@pytest.mark.parametrize("screen", some(PAGES))
def test_a_page_keeps_to_its_organisation_at_every_run_and_after_a_reload(both, screen):
    with browser_with(both.token):
        tab = addressed(screen, **both.first.row(screen)).run()
        both.choose(both.second)
        again = tab.run()
        reloaded = addressed(screen, **again.query_params).run()

    for page in (again, reloaded):
        assert not page.exception
        assert shown_of(page, both) == (both.first.admin.organization_name, False)


def test_a_tab_that_is_opened_without_an_organisation_shows_the_one_chosen_last(both):
    both.choose(both.second)
    with browser_with(both.token):
        page = addressed("lists", list="closers").run()

    assert shown_of(page, both) == (both.second.admin.organization_name, False)
    assert page.query_params[ORGANIZATION] == str(both.second.admin.organization_id)


def test_the_address_of_whoever_has_one_organisation_stays_short(both):
    with browser_with(token_of(both.first.rep)):
        page = addressed("my-day").run()

    assert ORGANIZATION not in page.query_params


def test_every_way_to_rows_leads_to_the_organisation_of_its_figure(both):
    with browser_with(both.token):
        tab = addressed("dashboard", **both.first.row("dashboard")).run()
    links = [
        part.split('"')[0]
        for html in tab.get("html")
        for part in html.proto.body.split('href="')[1:]
    ]
    named = [parse_qs(urlsplit(unescape(link)).query)[ORGANIZATION] for link in links]

    assert named
    assert {each for ids in named for each in ids} == {str(both.first.admin.organization_id)}


def test_a_tab_whose_organisation_has_been_left_ends_and_goes_nowhere_else(both):
    org, admin = both.second.admin.organization_id, both.first.admin
    helper = make.viewer(both.first.admin.organization_id, Role.ADMIN)
    with as_system(org) as db:
        add_member(db, helper.user_id, Role.ADMIN, name=helper.name, email=helper.email)
    token = token_of(helper)
    with browser_with(token):
        tab = addressed("lists", list="closers", organization=str(org)).run()
        assert shown_of(tab, both) == (both.second.admin.organization_name, False)
        with as_system(org) as db:
            db.get_one(OrganizationMember, (org, helper.user_id)).active = False
        tab.text_input[0].set_value("Nowhere")
        button(tab, "Add").click()
        tab.run()

    assert any("no longer, a member of the organisation" in line for line in words(tab))
    assert not {"Nowhere"} & (closers(both.first) | closers(both.second))
    assert admin.organization_id != org


def test_looking_as_somebody_is_a_look_at_one_organisation_only(both):
    first, second = both.first.admin, both.second.admin
    rep = OrganizationMember(organization_id=first.organization_id, user_id=both.first.rep.user_id)
    token = token_of(first)
    start_view_as(token, first, rep)

    looks = viewer_of(token, first.organization_id)
    other = viewer_of(token, second.organization_id)
    assert (looks.user_id, looks.seen_by) == (rep.user_id, first.user_id)
    assert (other.user_id, other.seen_by) == (first.user_id, None)


def test_what_a_page_downloads_is_its_own_organisations(both):
    first, second = (crew.admin for crew in (both.first, both.second))
    links = [
        export_address(viewer, "closers", {"format": "csv"})
        for viewer in (first, replace(first, organization_id=second.organization_id))
    ]
    files = [ask("GET", link, cookie=both.token).text for link in links]
    marks = [[crew.mark in file for crew in (both.first, both.second)] for file in files]
    assert marks == [[True, False], [False, True]]

    form = {"email": "lead@laurel.example.com", ORGANIZATION: str(second.organization_id)}
    person = ask("POST", "/exports/person", cookie=both.token, headers=OWN, data=form)
    assert (person.status_code, "Nothing here is about" in person.text) == (422, True)


@pytest.mark.parametrize("organization", [str(NOWHERE), "laurel", "'; --"])
def test_another_organisation_in_an_address_is_refused(both, organization):
    addresses = [f"/exports/closers?organization={quote(organization)}"]
    answers = [ask("GET", address, cookie=both.token) for address in addresses]
    form = {"email": "a@example.com", ORGANIZATION: organization}
    answers.append(ask("POST", "/exports/person", cookie=both.token, headers=OWN, data=form))
    assert [answer.status_code for answer in answers] == [403, 403]


def test_a_switch_leads_to_the_organisation_that_was_chosen(both):
    org = str(both.second.admin.organization_id)
    form = {ORGANIZATION: org}
    answer = ask("POST", "/auth/organization", cookie=both.token, headers=OWN, data=form)
    assert answer.headers["location"] == f"/?organization={org}"
