"""Two tabs of one browser: switching the organisation in one moves nothing in the other."""

from playwright.sync_api import expect
from sqlalchemy import select

from core.bookings.models import Closer
from core.platform.database import as_system
from core.tenancy.access.members import add_member
from core.tenancy.access.models import Role
from tests.browser.conftest import PATIENCE_MS
from tests.browser.runs import settled, watch
from tests.ui.teams import team


def closers(org):
    with as_system(org) as db:
        return set(db.scalars(select(Closer.name)))


def test_a_tab_writes_into_the_organisation_that_it_shows(visit, product):
    first, second = team("Nettle"), team("Oleander")
    admin, other = first.admin, second.admin.organization_id
    with as_system(other) as db:
        add_member(db, admin.user_id, Role.ADMIN, name=admin.name, email=admin.email)
    tab = visit("/lists?list=closers", admin)
    expect(tab.get_by_role("heading", name="Lists")).to_be_visible()

    elsewhere = tab.context.new_page()
    elsewhere.set_default_timeout(PATIENCE_MS)
    watch(elsewhere)
    switched = elsewhere.request.post(
        f"{product.screens}/auth/organization",
        form={"organization": str(other)},
        headers={"Origin": product.screens},
    )
    elsewhere.goto(switched.url)
    settled(elsewhere)
    expect(elsewhere.get_by_text("Oleander organisation", exact=True).first).to_be_visible()

    tab.get_by_text("Add a closer").click()
    tab.get_by_role("textbox", name="Name", exact=True).fill("Newly Hired")
    tab.get_by_role("button", name="Add").click()
    expect(tab.get_by_text("Newly Hired").first).to_be_attached()
    tab.reload()
    settled(tab)

    expect(tab.get_by_text("Nettle organisation", exact=True).first).to_be_visible()
    assert "Newly Hired" in closers(admin.organization_id)
    assert "Newly Hired" not in closers(other)
