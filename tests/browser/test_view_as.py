"""An admin views as a rep, is refused every change, and stops."""

from playwright.sync_api import expect

from core.tenancy.access.models import Role


def test_an_admin_looks_as_a_rep_and_stops(ours, visit, product):
    page = visit("/view-as", ours.people[Role.OWNER])
    page.get_by_role("combobox", name="Member").click()
    page.get_by_role("option", name="Cedar sales_rep").click()
    page.get_by_role("button", name="View as this member").click()

    expect(
        page.get_by_role("alert").get_by_text("You are viewing as Cedar sales_rep")
    ).to_be_visible()
    expect(page.get_by_role("heading", name="My day")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    refused = page.request.get(f"{product.screens}/exports/events?format=csv")
    assert (refused.status, "Stop viewing first" in refused.text()) == (422, True)

    page.get_by_role("button", name="Stop viewing").click()
    expect(page.get_by_text("You are viewing as")).to_have_count(0)
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
