"""One browser and one running product for all browser tests: screens, receiver and jobs on the test process's database."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from core.tenancy.passwords import hash_password
from core.tenancy.viewers import Viewer
from tests.ports import free_port, until
from tests.ui.screens import token_of
from tests.ui.teams import Team, team

ROOT = Path(__file__).parents[2]
PASSWORD = "amber-birch-cobalt-1234"
PATIENCE_MS = 20_000


def pytest_collection_modifyitems(items):
    """All in one worker, so that they share one server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass(frozen=True)
class Product:
    """Where the running product is reached."""

    screens: str
    receiver: str


@contextmanager
def process(*command: str, **env: str):
    """``python -m …`` for as long as the block runs."""
    running = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


def answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


@contextmanager
def screens():
    """A screens' process that nobody has visited yet; its address."""
    port = str(free_port())
    address = f"http://localhost:{port}"
    with process("streamlit", "run", "app.py", "--server.port", port, UI_PORT=port, PUBLIC_URL=address):
        until(lambda: answers(f"{address}/healthz"))
        yield address


@pytest.fixture(scope="package")
def product(database_url):
    port = str(free_port())
    receiver = f"http://localhost:{port}"
    with ExitStack() as stack:
        stack.enter_context(process("webhooks", WEBHOOK_PORT=port))
        stack.enter_context(process("jobs", "all", WEBHOOK_PUBLIC_URL=receiver))
        address = stack.enter_context(screens())
        until(lambda: answers(f"{receiver}/readyz"))
        yield Product(address, receiver)


@pytest.fixture(scope="package")
def chromium():
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, product):
    """A function that opens a new browser window at a path, signed in as ``viewer``; its page."""
    with ExitStack() as stack:

        def opened(path: str = "/", viewer: Viewer | None = None, *, at: str = product.screens, **options):
            window = chromium.new_context(**({"viewport": {"width": 1300, "height": 1400}} | options))
            stack.callback(window.close)
            window.set_default_timeout(PATIENCE_MS)
            if viewer:
                window.add_cookies([{"name": "sid", "value": token_of(viewer), "url": at}])
            page = window.new_page()
            page.goto(f"{at}{path}")
            return page

        yield opened


@pytest.fixture(scope="session")
def ours(database_url) -> Team:
    return team("Cedar", password_hash=hash_password(PASSWORD))
