"""Whatever strangers and members write, wherever it is stored: in a real browser it has no effect
on any screen.
"""

from collections.abc import Callable
from functools import cache, partial
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from core.bookings.lists import LISTS
from core.tenancy.access.models import Role
from core.ui.navigation import BY_KEY, SCREENS
from tests.browser.runs import move, settled
from tests.by_day import first
from tests.ports import owner
from tests.security.hostile import MARK, know_by, make_hostile
from tests.ui.teams import Team, team

INVITED = "an-invitation-of-the-test"
FOLDED = (
    "[data-testid=stPopover] button",
    "[data-testid=stSelectbox] input:enabled",
    "[data-testid=stMultiSelect] input:enabled",
)
# Nothing that our own screens draw: what remains is made of a stranger's words.
# Tables are drawn in trees of their own, which no query of the document enters.
EVERYWHERE = """const trees = [document, ...[...document.querySelectorAll('*')]
    .map(node => node.shadowRoot).filter(Boolean)];
    const all = what => trees.flatMap(tree => [...tree.querySelectorAll(what)]);"""
TROUBLE = f"""() => {{ {EVERYWHERE} return [
    ...all(
        '[data-ran], [onerror], .katex, img[src*="ran"], iframe[src*="ran"], ' +
        'a[href^="javascript" i], a[href^="mailto" i]'),
    ...all('a[href*="{MARK}" i]').filter(
        link => !["calls.example.com", location.host].includes(link.host)),
    ...all('[data-testid=stMarkdownContainer] *, table *').filter(
        node => /^(DEL|CODE)$/.test(node.tagName) && /^[cd]$/.test(node.textContent)
            && !node.previousSibling?.textContent.endsWith('@')),
].map(node => node.outerHTML.slice(0, 200)).concat(window.ran ? ["window.ran"] : []) }}"""
SHOWN = f"""() => {{ {EVERYWHERE}
    return [...all('[data-testid=stApp]'), ...all('.grid')].map(node => node.innerText).join(' ')
}}"""


@pytest.fixture(scope="module")
def crew(quiet_database) -> Team:
    made = team("Hawthorn")
    org = made.admin.organization_id
    with owner() as db:
        make_hostile(db, org)
        know_by(db, "invitations", org, INVITED)
    return made


# Every screen with something of the organisation on it, and the details and choices that hide
# behind an address: the screen's key, and the query that a team's rows give.
ADDRESSES: dict[str, tuple[str, Callable[[Team], dict[str, str]]]] = {
    **{screen.key: (screen.key, partial(Team.row, screen=screen.key)) for screen in SCREENS},
    "connection": ("connections", lambda crew: {"id": str(crew.ids["connections"])}),
    "member": ("team", lambda crew: {"id": str(crew.people[Role.VIEWER].user_id)}),
    "user": ("users", lambda crew: {"id": str(crew.people[Role.VIEWER].user_id)}),
    "organization": ("organizations", lambda crew: {"id": str(crew.admin.organization_id)}),
    **{
        f"list {each.key}": ("lists", lambda _, key=each.key: {"list": key})  # type: ignore[misc]
        for each in LISTS
    },
    "reconcile": ("payments", lambda _: {"view": "To reconcile"}),
    "portal form": ("portal", lambda crew: crew.row("portal") | {"event": str(crew.ids["event"])}),
    "invited": ("invitation", lambda _: {"token": INVITED}),
    "audit of a year": ("audit", lambda _: {"period": "Last 365 days"}),
}


BY_DAY = {"event", "form", "payment", "audit", "portal", "organizations"}


def visitor(crew: Team, screen: str) -> str:
    if BY_KEY[screen].section == "Platform":
        return Role.SUPER_ADMIN
    return Role.SALES_REP if screen in ("my-day", "form") else Role.OWNER


def open_everything(page) -> None:
    """Opens what a page hides at first: its expanders, and the first popover and select box of each
    kind.
    """
    page.evaluate(
        "document.querySelectorAll('details:not([open]) > summary').forEach(each => each.click())"
    )
    for kind in FOLDED:
        for each in page.locator(kind).locator("visible=true").all()[:1]:
            each.click()
            trouble_free(page)
            page.keyboard.press("Escape")


def trouble_free(page) -> None:
    assert page.evaluate(TROUBLE) == [], page.url


@pytest.fixture(scope="module")
def window_of(crew, windows) -> Callable[[str], tuple[Page, list[str]]]:
    """A role's one window, and the dialogs that opened in it."""

    @cache
    def opened(role: str) -> tuple[Page, list[str]]:
        dialogs: list[str] = []
        page = windows("/account", crew.people[role])
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        return page, dialogs

    return opened


@pytest.mark.parametrize("place", first([*ADDRESSES], BY_DAY))
def test_on_no_screen_does_anything_come_of_hostile_words(crew, window_of, place):
    screen, query = ADDRESSES[place]
    page, dialogs = window_of(visitor(crew, screen))

    move(page, f"/{screen if screen != 'home' else ''}?{urlencode(query(crew))}")
    page.get_by_test_id("stMain").get_by_role("heading").first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
    open_everything(page)
    trouble_free(page)

    shown = page.evaluate(SHOWN)
    assert MARK in shown
    assert dialogs == []


def test_nor_of_the_name_of_somebody_as_whom_an_admin_looks(product, crew, visit):
    page = visit("", crew.admin)
    rep = crew.people[Role.SALES_REP]
    with owner() as db:
        looking = text(
            "update app.sign_in_sessions set view_as_user_id = :rep where user_id = :admin"
        )
        db.execute(looking, {"rep": rep.user_id, "admin": crew.admin.user_id})

    page.goto(f"{product.screens}/my-day")
    expect(page.get_by_text("You are viewing as")).to_be_visible()

    settled(page)
    trouble_free(page)
