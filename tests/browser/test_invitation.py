"""Joining the team, and getting a new password, by e-mail: through the screens, the worker and the
file that it writes.
"""

import re
from email import message_from_bytes
from email.policy import default
from uuid import uuid4

from playwright.sync_api import expect

from core.platform.settings import settings
from tests.browser.conftest import PASSWORD, fits_the_width, sign_in
from tests.browser.runs import settled
from tests.ports import until

NEW = "douglas-ember-fjord-5678"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def link_to(address, page):
    """The link to ``page`` in the newest e-mail to ``address``; waits for the e-mail."""

    def found():
        for file in sorted((settings().data_dir / "mail").glob("*.eml"), reverse=True):
            mail = message_from_bytes(file.read_bytes(), policy=default)
            text = mail.get_body(("plain",)).get_content()
            if mail["To"] == address and f"/{page}?token=" in text:
                return re.search(r"http\S+", text)[0]
        return None

    return until(found)


def path_of(link):
    return re.sub(r"https?://[^/]+", "", link)


def test_somebody_is_invited_joins_forgets_the_password_and_chooses_another(ours, visit, product):
    address = f"new.{uuid4().hex[:8]}@example.com"
    admin = visit("/team", ours.admin)
    admin.get_by_text("Invite a member").click()
    admin.get_by_label("E-mail address").fill(address)
    admin.get_by_role("button", name="Send invitation").click()
    expect(admin.get_by_text(address)).to_be_visible()

    guest = visit(path_of(link_to(address, "invitation")), **PHONE)
    expect(
        guest.get_by_text("Cedar organisation invites you to join as sales rep.")
    ).to_be_visible()
    assert fits_the_width(guest)
    guest.get_by_label("Your name").fill("New Person")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("Repeat password").fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_text("You are now a member of Cedar organisation.")).to_be_visible()
    guest.get_by_role("link", name="Continue").click()
    sign_in(guest, address)
    expect(guest.get_by_role("heading", name="Your month so far")).to_be_visible()

    other = visit("/")
    other.get_by_role("link", name="Forgot your password?").click()
    other.get_by_label("E-mail address").fill(address)
    other.get_by_role("button", name="Send link").click()
    expect(other.get_by_text("If there is an account with this address")).to_be_visible()
    other.goto(product.screens + path_of(link_to(address, "reset")))
    other.get_by_label("New password", exact=True).fill(NEW)
    other.get_by_label("Repeat password").fill(NEW)
    other.get_by_role("button", name="Save password").click()
    expect(other.get_by_text("Your new password is saved.")).to_be_visible()
    other.get_by_role("link", name="Sign in").click()
    sign_in(other, address, NEW)
    expect(other.get_by_role("heading", name="Your month so far")).to_be_visible()

    guest.reload()
    settled(guest)
    expect(guest.get_by_label("Password", exact=True)).to_be_visible()
