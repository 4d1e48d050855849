"""One browser and one running product for each test process: screens, receiver and jobs on their
own database.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from core.platform.database import as_system
from core.tenancy.access.models import OrganizationMember, Role
from core.tenancy.access.viewers import Viewer
from core.tenancy.identity.passwords import hash_password
from tests.browser.runs import PATIENCE_MS, STILL, act_on_settled_pages, settled, watch
from tests.conftest import another_database
from tests.fakes.providers import FakeProviders
from tests.ports import answers, free_port, until
from tests.ui.screens import token_of
from tests.ui.teams import Team, team

ROOT = Path(__file__).parents[2]
PASSWORD = "amber-birch-cobalt-1234"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SIZES = {"desktop": {"width": 1300, "height": 1400}, "phone": {"width": 390, "height": 844}}
# Where a desktop shows what a phone shows, the phone is enough by day.
EACH_SIZE = [pytest.param("desktop", marks=pytest.mark.nightly), "phone"]


@dataclass(frozen=True)
class Product:
    """The addresses of the running product."""

    screens: str
    receiver: str


@contextmanager
def process(*command: str, **env: str):
    """``python -m …`` for as long as the block runs."""
    running = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


@contextmanager
def screens(*options: str, at: int | None = None, **env: str):
    """A process of the screens that nobody has visited yet; yields its address."""
    port = str(at or free_port())
    address = f"http://localhost:{port}"
    with process(
        "streamlit",
        "run",
        "app.py",
        "--server.port",
        port,
        *options,
        UI_PORT=port,
        PUBLIC_URL=address,
        **env,
    ):
        until(lambda: answers(f"{address}/healthz"))
        yield address


@pytest.fixture(scope="package")
def quiet_database(new_database, database_url):
    """A database without the other tests' organisations, so that no test waits for their background
    work.
    """
    with another_database(new_database):
        yield


@pytest.fixture(scope="package")
def key_providers():
    """A fake of every provider whose keys are verified, as the product's worker reaches it."""
    with FakeProviders().running() as fake:
        yield fake


@pytest.fixture(scope="package")
def product(quiet_database, key_providers):
    port = str(free_port())
    receiver = f"http://localhost:{port}"
    with ExitStack() as stack:
        stack.enter_context(process("webhooks", WEBHOOK_PORT=port))
        stack.enter_context(
            process("jobs", "all", WEBHOOK_PUBLIC_URL=receiver, **key_providers.addresses)
        )
        address = stack.enter_context(screens(WEBHOOK_PUBLIC_URL=receiver))
        until(lambda: answers(f"{receiver}/readyz"))
        yield Product(address, receiver)


class Profiles:
    """Browser profiles that know nothing of who used them before, except the screens' scripts:
    to load and compile these in a new profile takes three times as long as to draw a page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: defaultdict[str, list[BrowserContext]] = defaultdict(list)

    @contextmanager
    def profile(self, **options: Any) -> Iterator[BrowserContext]:
        """One that nobody else uses while the block runs."""
        free = self._free[repr(sorted(options.items()))]
        profile = free.pop() if free else self._new(**options)
        yield profile
        _forget_everything(profile)
        free.append(profile)

    def _new(self, **options: Any) -> BrowserContext:
        made = self._browser.new_context(**options)
        made.add_init_script(STILL)
        return made


def _forget_everything(profile: BrowserContext) -> None:
    profile.unroute_all()
    profile.clear_cookies()
    profile.clear_permissions()
    blank = profile.new_page()
    profile.new_cdp_session(blank).send(
        "Storage.clearDataForOrigin",
        {"origin": "*", "storageTypes": "local_storage,indexeddb,service_workers"},
    )
    for page in profile.pages:
        page.close()


def chromium() -> str | None:
    """The shell without a user interface, which costs half as much, or else the whole browser."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@pytest.fixture(scope="package")
def profiles():
    expect.set_options(timeout=PATIENCE_MS)
    act_on_settled_pages()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield Profiles(browser)
        browser.close()


@contextmanager
def opening(profiles, product):
    """A function that opens a new browser window at a path, signed in as ``viewer``; its page.

    Without a path it stays empty for the moment. All windows close at the end of the block.
    """
    with ExitStack() as stack:

        def opened(
            path: str,
            viewer: Viewer | None = None,
            *,
            at: str = product.screens,
            viewport: ViewportSize = SIZES["desktop"],
            color_scheme: Literal["light", "dark"] = "light",
            **options,
        ):
            window = stack.enter_context(profiles.profile(**options))
            window.set_default_timeout(PATIENCE_MS)
            if viewer:
                window.add_cookies([{"name": "sid", "value": token_of(viewer), "url": at}])
            page = window.new_page()
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=color_scheme)
            watch(page)
            if path:
                page.goto(f"{at}{path}")
                settled(page)
            return page

        yield opened


@pytest.fixture
def visit(profiles, product):
    """As ``opening``; the windows are closed at the end of the test."""
    with opening(profiles, product) as opened:
        yield opened


@pytest.fixture(scope="module")
def windows(profiles, product):
    """The same for a module whose tests share one window, in which the assets are loaded
    already.
    """
    with opening(profiles, product) as opened:
        yield opened


@pytest.fixture(scope="package")
def ours(product) -> Team:
    return team("Cedar", password_hash=hash_password(PASSWORD))


@pytest.fixture(scope="package")
def theirs(ours) -> Team:
    """Another organisation; the manager is a member of it too."""
    made = team("Douglas", currency="EUR")
    manager = ours.people[Role.MANAGER]
    with as_system(made.admin.organization_id) as db:
        db.add(
            OrganizationMember(
                organization_id=made.admin.organization_id,
                user_id=manager.user_id,
                role=Role.VIEWER,
                name=manager.name,
                email=manager.email,
            )
        )
    return made


def complaint_of(line) -> list[str]:
    """What a line of the console complains of."""
    return [line.text] if line.type == "error" else []


def fits_the_width(page) -> bool:
    """Whether the page can be read without scrolling sideways."""
    return page.evaluate("""() => {
        const main = document.querySelector('[data-testid="stMain"]');
        return main.scrollWidth <= main.clientWidth
            && document.documentElement.scrollWidth <= innerWidth;
    }""")


def sign_in(page, email, password=PASSWORD):
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
