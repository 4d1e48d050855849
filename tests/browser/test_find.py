"""Search by keyboard, as quick hands use it."""

from playwright.sync_api import expect


def test_an_enter_that_comes_before_the_results_opens_the_first_of_them(ours, visit):
    page = visit("/account", ours.admin)
    held = []
    page.route("**/find", lambda route: held.append(route))
    page.locator("button.opener").click()
    field = page.get_by_role("combobox", name="Search")
    field.fill("leaderb")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    expect(field).to_be_visible()
    assert len(held) == 1

    held[0].continue_()
    expect(page.get_by_role("heading", name="Leaderboards")).to_be_visible()
