"""Several processes of the screens over one database: any of them serves whoever is signed in."""

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, screens
from tests.browser.runs import settled, watch
from tests.ui.teams import team


def test_another_process_knows_who_is_signed_in_and_that_they_are_no_more(product, visit):
    crew = team("Juniper")
    with screens(WEBHOOK_PUBLIC_URL=product.receiver) as another:
        first = visit("/dashboard", crew.admin)
        second = first.context.new_page()
        second.set_default_timeout(PATIENCE_MS)
        watch(second)
        second.goto(f"{another}/dashboard")
        settled(second)
        for page in (first, second):
            cash = page.get_by_test_id("stMetric").filter(has_text="Cash collected")
            expect(cash).to_contain_text("$4,997")

        first.get_by_role("button", name="Sign out").click()
        expect(first.get_by_label("E-mail address")).to_be_visible()
        expect(second.get_by_text("You are signed out.")).to_be_visible()
