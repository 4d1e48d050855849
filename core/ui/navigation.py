"""Every screen of the product: where its file lies, what it is called, and who finds it in the
menu.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

import streamlit as st

from core.links.kinds import OPENS, LinkPurpose
from core.tenancy.access.authorization import Access, may_open
from core.tenancy.access.models import Role
from core.tenancy.access.roles import ADMINS, EVERYBODY, LOOKERS, MANAGERS, REPS, SUPER_ADMINS
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.modules import BOOKINGS

PAGES = Path(__file__).parents[2] / "pages"
ACCOUNT = "account"
SETTINGS = "setup"


@dataclass(frozen=True)
class Screen:
    """One page. ``menu`` False means that it is reached by links only, as the detail of something;
    ``takes`` is then the name under which its address has the row that it shows.

    Organisations without the ``module`` have no such page; None is a page that every organisation
    has. Who may open a page with ``start`` begins the day there. A page with ``public`` is shown to
    whoever has its address, signed in or not: what it shows hangs on a token in it. What is set up
    once has a sentence ``about`` it, and stands behind the one entry ``SETTINGS`` of the menu.
    ``guide`` is the topic of ``docs/guide.md`` that helps with it.
    """

    key: str
    file: str
    title: str
    icon: str
    section: str
    roles: tuple[Role, ...]
    menu: bool = True
    public: bool = False
    start: bool = False
    module: str | None = None
    takes: str | None = None
    about: str = ""
    guide: str = ""

    @property
    def access(self) -> Access:
        """Whom the screen is open to."""
        own = self.key == ACCOUNT
        return Access(self.roles, self.module, public=self.public, own_account=own)


def _of_link(purpose: LinkPurpose, title: str, icon: str) -> Screen:
    """The page that a kind of link opens."""
    page, module = OPENS[purpose].page, OPENS[purpose].module
    file = f"public/{page}.py"
    return Screen(page, file, title, icon, "Public", (), menu=False, public=True, module=module)


SCREENS = (
    Screen("home", "today/home.py", "Home", ":material/home:", "Sales", EVERYBODY, menu=False),
    Screen(
        "dashboard",
        "sales/dashboard.py",
        "Dashboard",
        ":material/monitoring:",
        "Sales",
        LOOKERS,
        start=True,
        module=BOOKINGS,
        guide="Dashboard",
    ),
    Screen(
        "my-day",
        "today/my_day.py",
        "My day",
        ":material/today:",
        "Sales",
        REPS,
        start=True,
        module=BOOKINGS,
        guide="My day",
    ),
    Screen(
        "leaderboards",
        "sales/leaderboards.py",
        "Leaderboards",
        ":material/leaderboard:",
        "Sales",
        EVERYBODY,
        module=BOOKINGS,
        guide="Leaderboards",
    ),
    Screen(
        "person",
        "sales/person.py",
        "Person",
        ":material/person:",
        "Sales",
        EVERYBODY,
        menu=False,
        module=BOOKINGS,
        takes="id",
        guide="Leaderboards",
    ),
    Screen(
        "events",
        "sales/events.py",
        "Bookings",
        ":material/event:",
        "Sales",
        EVERYBODY,
        module=BOOKINGS,
        guide="Bookings",
    ),
    Screen(
        "event",
        "sales/event.py",
        "Booking",
        ":material/event:",
        "Sales",
        EVERYBODY,
        menu=False,
        module=BOOKINGS,
        takes="id",
        guide="Bookings",
    ),
    Screen(
        "duplicates",
        "sales/duplicates.py",
        "Duplicates",
        ":material/content_copy:",
        "Sales",
        MANAGERS,
        module=BOOKINGS,
        guide="Duplicates",
    ),
    Screen(
        "merge-bookings",
        "sales/merge_bookings.py",
        "Merge bookings",
        ":material/content_copy:",
        "Sales",
        MANAGERS,
        menu=False,
        module=BOOKINGS,
        takes="id",
        guide="Duplicates",
    ),
    Screen(
        "form",
        "sales/form.py",
        "Post-call form",
        ":material/edit_note:",
        "Sales",
        REPS,
        menu=False,
        module=BOOKINGS,
        takes="event",
        guide="Post-call form",
    ),
    Screen(
        "leads",
        "sales/leads.py",
        "Leads",
        ":material/person_search:",
        "Sales",
        EVERYBODY,
        guide="Leads",
    ),
    Screen(
        "lead",
        "sales/lead.py",
        "Lead",
        ":material/person_search:",
        "Sales",
        REPS,
        menu=False,
        takes="id",
        guide="Leads",
    ),
    Screen(
        "contacts",
        "sales/contacts.py",
        "Contacts",
        ":material/contacts:",
        "Sales",
        REPS,
        guide="Contacts",
    ),
    Screen(
        "contact",
        "sales/contact.py",
        "Contact",
        ":material/contacts:",
        "Sales",
        REPS,
        menu=False,
        takes="id",
        guide="Contacts",
    ),
    Screen(
        "merge-contacts",
        "sales/merge_contacts.py",
        "Merge contacts",
        ":material/contacts:",
        "Sales",
        MANAGERS,
        menu=False,
        takes="id",
        guide="Merging contacts",
    ),
    Screen(
        "payments",
        "money/payments.py",
        "Payments",
        ":material/payments:",
        "Money",
        EVERYBODY,
        module=BOOKINGS,
        guide="Payments",
    ),
    Screen(
        "payment",
        "money/payment.py",
        "Payment",
        ":material/payments:",
        "Money",
        EVERYBODY,
        menu=False,
        module=BOOKINGS,
        takes="id",
        guide="Payments",
    ),
    Screen(
        "payouts",
        "money/payouts.py",
        "Payouts",
        ":material/account_balance:",
        "Money",
        MANAGERS,
        module=BOOKINGS,
        guide="Payouts",
    ),
    Screen(
        "payout",
        "money/payout.py",
        "Payout",
        ":material/account_balance:",
        "Money",
        MANAGERS,
        menu=False,
        module=BOOKINGS,
        takes="id",
        guide="Payouts",
    ),
    Screen(
        "go-live",
        "admin/go_live.py",
        "Go-live",
        ":material/rocket_launch:",
        "Set-up",
        ADMINS,
        about="What works, what does not, and the steps to set up",
        guide="Go-live",
    ),
    Screen(
        "lists",
        "admin/lists.py",
        "Lists",
        ":material/lists:",
        "Set-up",
        ADMINS,
        about="Closers, setters, sources, packages and call types",
        guide="Lists",
    ),
    Screen(
        "form-design",
        "admin/form_design.py",
        "Form design",
        ":material/dynamic_form:",
        "Set-up",
        ADMINS,
        module=BOOKINGS,
        about="The questions of the post-call form",
        guide="Form design",
    ),
    Screen(
        "connections",
        "admin/connections.py",
        "Connections",
        ":material/cable:",
        "Set-up",
        MANAGERS,
        about="Webhooks from calendars and payment processors",
        guide="Connections",
    ),
    Screen(
        "delivery",
        "admin/delivery.py",
        "Delivery",
        ":material/cable:",
        "Set-up",
        ADMINS,
        menu=False,
        takes="id",
        guide="Connections",
    ),
    Screen(
        "integrations",
        "admin/integrations.py",
        "Integrations",
        ":material/extension:",
        "Set-up",
        ADMINS,
        about="Keys for providers, and what they are used for",
        guide="Integrations",
    ),
    Screen(
        "reports",
        "admin/reports.py",
        "Slack reports",
        ":material/forum:",
        "Set-up",
        ADMINS,
        module=BOOKINGS,
        about="The daily report, and where it is posted",
        guide="Slack reports",
    ),
    Screen(
        "settings",
        "admin/settings.py",
        "General",
        ":material/tune:",
        "Set-up",
        ADMINS,
        about="Name, logo, time zone, currency and rules for figures",
        guide="General settings",
    ),
    Screen(
        "team",
        "admin/team.py",
        "Team",
        ":material/group:",
        "People",
        ADMINS,
        about="Members, roles and invitations",
        guide="Team",
    ),
    Screen(
        "links",
        "admin/links.py",
        "Links",
        ":material/link:",
        "People",
        ADMINS,
        about="Portals, statements and shared dashboards without a password",
        guide="Links",
    ),
    Screen(
        "view-as",
        "admin/view_as.py",
        "View as",
        ":material/visibility:",
        "People",
        ADMINS,
        about="See the product as a member does",
        guide="View as",
    ),
    Screen(
        "who-sees",
        "admin/who_sees.py",
        "Who can see it?",
        ":material/person_alert:",
        "People",
        ADMINS,
        about="Whether a member sees a record, and why",
        guide="Who can see it",
    ),
    Screen(
        "blocked-addresses",
        "admin/blocked_addresses.py",
        "Blocked addresses",
        ":material/unsubscribe:",
        "People",
        ADMINS,
        about="Addresses that no e-mail is sent to",
        guide="Blocked addresses",
    ),
    Screen(
        "exports",
        "admin/exports.py",
        "Exports",
        ":material/download:",
        "Records",
        MANAGERS,
        about="Tables to download",
        guide="Exports",
    ),
    Screen(
        "audit",
        "admin/audit.py",
        "Audit log",
        ":material/history:",
        "Records",
        ADMINS,
        about="Who changed what, and when",
        guide="Audit log",
    ),
    Screen(
        "privacy",
        "admin/privacy.py",
        "Privacy",
        ":material/shield_person:",
        "Records",
        ADMINS,
        about="Export or erase a person's data",
        guide="Privacy",
    ),
    Screen(
        "api-keys",
        "admin/api_keys.py",
        "API keys",
        ":material/key:",
        "Records",
        ADMINS,
        about="Access for programs",
        guide="API keys",
    ),
    Screen(
        "organizations",
        "platform/organizations.py",
        "Organisations",
        ":material/domain:",
        "Platform",
        SUPER_ADMINS,
    ),
    Screen("users", "platform/users.py", "Users", ":material/group:", "Platform", SUPER_ADMINS),
    Screen(
        "setup",
        "admin/setup.py",
        "Settings",
        ":material/settings:",
        "More",
        MANAGERS,
        guide="Settings",
    ),
    Screen(
        "account",
        "admin/account.py",
        "Your account",
        ":material/account_circle:",
        "More",
        EVERYBODY,
        guide="Your account",
    ),
    _of_link(LinkPurpose.PORTAL, "Bookings and forms", ":material/today:"),
    _of_link(LinkPurpose.COMMISSION, "Statement", ":material/receipt_long:"),
    _of_link(LinkPurpose.SHARE, "Dashboard", ":material/monitoring:"),
    Screen(
        "guide",
        "public/guide.py",
        "User guide",
        ":material/help:",
        "Public",
        (),
        menu=False,
        public=True,
    ),
    Screen(
        "decisions",
        "public/decisions.py",
        "How figures are counted",
        ":material/rule:",
        "Public",
        (),
        menu=False,
        public=True,
    ),
    Screen(
        "invitation",
        "public/invitation.py",
        "Invitation",
        ":material/mail:",
        "Public",
        (),
        menu=False,
        public=True,
    ),
    Screen(
        "forgot",
        "public/forgot.py",
        "Forgot your password?",
        ":material/key:",
        "Public",
        (),
        menu=False,
        public=True,
    ),
    Screen(
        "reset",
        "public/reset.py",
        "New password",
        ":material/key:",
        "Public",
        (),
        menu=False,
        public=True,
    ),
)
BY_KEY = {screen.key: screen for screen in SCREENS}


def row_in(screen: str, row_id: str) -> dict[str, str]:
    """What the address of a screen contains that shows one row."""
    return {BY_KEY[screen].takes or "id": row_id}


def is_public(address: str) -> bool:
    """Whether whoever has the address sees the screen, signed in or not."""
    return address in BY_KEY and BY_KEY[address].public


def start_of(viewer: Viewer) -> str:
    """Where somebody begins their day: at the first start page that role and modules open to them,
    or without one at their account.
    """
    return next(
        (
            screen.key
            for screen in SCREENS
            if screen.start and viewer.is_one_of(*screen.roles) and viewer.has(screen.module)
        ),
        ACCOUNT,
    )


def jump(screen: str, /, **parameters: str | Sequence[str]) -> NoReturn:
    """Go to the screen now, with what it is narrowed to in its address."""
    st.switch_page(PAGES / BY_KEY[screen].file, query_params=parameters)


def page_of(screen: Screen, *, in_menu: bool) -> st.Page:
    """The screen as Streamlit knows it, for one run: Streamlit writes into it whether it may be
    run.
    """
    return copy(_page_of(screen, in_menu))


@cache
def _page_of(screen: Screen, in_menu: bool) -> st.Page:
    """The home page is at the root. Made once, since Streamlit looks for its file each time."""
    return st.Page(
        PAGES / screen.file,
        title=screen.title,
        icon=screen.icon,
        url_path=screen.key,
        default=screen.key == "home",
        visibility="visible" if in_menu else "hidden",
    )


def pages_for(viewer: Viewer | None) -> dict[str, list[st.Page]]:
    """Every screen, of which the menu shows the role's own.

    The others are known all the same: a deep link survives the sign-in, and where role or modules
    do not reach, the page's guard says who can change that.
    """
    menu: dict[str, list[st.Page]] = {}
    for screen in SCREENS:
        shown = screen.menu and not screen.about and may_open(viewer, screen.access) is None
        menu.setdefault(screen.section, []).append(page_of(screen, in_menu=shown))
    return menu
