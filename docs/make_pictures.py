"""Take the documentation's pictures: start the product with a fresh demo, sign in with a real
browser, look, stop.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "pictures"
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
COLOURS = 96
STARTS_WITHIN_S = 240
PATIENCE_MS = 20_000
ORGANIZATION = "northwind-coaching"


@dataclass(frozen=True)
class Shot:
    """One picture: whose eyes, which page, how wide, and in which light."""

    name: str
    role: str
    path: str
    size: str = "desktop"
    dark: bool = False


SHOTS = (
    Shot("dashboard", "admin", "dashboard"),
    Shot("dashboard-dark", "admin", "dashboard", dark=True),
    Shot("dashboard-phone", "admin", "dashboard", "phone"),
    Shot("leaderboards", "manager", "leaderboards"),
    Shot("my-day-phone", "sales_rep", "my-day", "phone"),
    Shot("my-day-phone-dark", "sales_rep", "my-day", "phone", dark=True),
    Shot("payments", "admin", "payments"),
    Shot("payouts", "admin", "payouts"),
    Shot("connections", "admin", "connections"),
    Shot("exports", "admin", "exports"),
    Shot("slack-reports", "admin", "reports"),
)


@dataclass(frozen=True)
class Product:
    """A running demo: where, and who may sign in."""

    screens: str
    receiver: str
    sign_ins: dict[str, tuple[str, str]]
    env: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running() -> Iterator[Product]:
    """``make run`` with a data folder of its own, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        ports = {"UI_PORT": str(free_port()), "WEBHOOK_PORT": str(free_port())}
        screens, receiver = (f"http://localhost:{port}" for port in ports.values())
        env = (
            os.environ
            | ports
            | {
                "DATA_DIR": folder,
                "PUBLIC_URL": screens,
                "WEBHOOK_PUBLIC_URL": receiver,
            }
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "core.operations.supervisor"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(f"{screens}/healthz")
            _wait_for(f"{receiver}/readyz")
            yield Product(
                screens, receiver, json.loads(Path(folder, "demo-sign-ins.json").read_text()), env
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise SystemExit(f"{address} did not answer.")


def signed_in(browser: Browser, product: Product, shot: Shot) -> Page:
    window = browser.new_context(
        viewport=SIZES[shot.size], color_scheme="dark" if shot.dark else "light"
    )
    page = window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{product.screens}/{shot.path}")
    email, password = product.sign_ins[shot.role]
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector('form[action="/auth/sign-out"]', state="attached")
    settled(page)
    return page


def settled(page: Page) -> None:
    """The page has its title, and its script has ended."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(1500)  # charts draw themselves after the script


def keep(page: Page, name: str) -> None:
    """A small picture: few colours are enough for a screen."""
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    picture.save(PICTURES / f"{name}.png", optimize=True)


def look_around(browser: Browser, product: Product) -> None:
    for shot in SHOTS:
        page = signed_in(browser, product, shot)
        keep(page, shot.name)
        page.context.close()


def file_a_form(browser: Browser, product: Product) -> None:
    page = signed_in(browser, product, Shot("form-phone", "sales_rep", "my-day", "phone"))
    page.get_by_role("link", name="File form").first.click()
    expect(page.get_by_role("radiogroup", name="Did the meeting take place?")).to_be_visible(
        timeout=PATIENCE_MS
    )
    for question in (
        "Did the meeting take place?",
        "Did the lead show up?",
        "Did you make an offer?",
        "Did it close?",
    ):
        page.get_by_role("radiogroup", name=question).get_by_text("Yes", exact=True).click()
        settled(page)
    keep(page, "form-phone")
    page.context.close()


def deliver_samples(browser: Browser, product: Product) -> None:
    page = signed_in(
        browser, product, Shot("samples", "admin", "dashboard?period=Today&compare=None")
    )
    keep(page, "samples-before")
    command = [
        sys.executable,
        "-m",
        "core",
        "send-samples",
        "--org",
        ORGANIZATION,
        "--url",
        product.receiver,
    ]
    subprocess.run(command, cwd=ROOT, env=product.env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    page.wait_for_timeout(2000)
    page.reload()
    settled(page)
    keep(page, "samples-after")
    page.goto(f"{product.screens}/payment?id={newest_payment(product)}")
    settled(page)
    keep(page, "samples-payment")
    page.context.close()


def newest_payment(product: Product) -> str:
    email, password = product.sign_ins["admin"]
    with httpx.Client(base_url=product.receiver) as api:
        who = {"email": email, "password": password, "organization": ORGANIZATION}
        token = api.post("/api/auth/login", json=who).json()["access_token"]
        rows = api.get("/api/payments", headers={"Authorization": f"Bearer {token}"}).json()[
            "items"
        ]
    return next(row["id"] for row in rows if row["processor"] == "stripe")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with running() as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        look_around(browser, product)
        file_a_form(browser, product)
        deliver_samples(browser, product)
        browser.close()


main()
