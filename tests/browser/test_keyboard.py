"""A closer's main path without a mouse: sign in, open the form that waits, answer, file."""

from playwright.sync_api import expect

from core.tenancy.identity.passwords import hash_password
from tests.browser.conftest import PASSWORD
from tests.browser.runs import settled
from tests.ui.teams import team

MOST_TABS = 60
FOCUSED = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const group = at?.closest('[role=radiogroup]')?.getAttribute('aria-label') ?? '';
    const label = at?.getAttribute('aria-label') ?? at?.labels?.[0]?.innerText ?? '';
    const text = at?.matches('a, button, [role=button]') ? at.innerText : '';
    return [group, label, text].join(' | ');
}"""


def go_to(page, words):
    """Press Tab until what has the focus is called by the words."""
    met = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        met.append(page.evaluate(FOCUSED))
        if words in met[-1]:
            return
    raise AssertionError(f"Tab never comes to {words!r}, but to {met}")


def test_a_closer_signs_in_and_files_a_form_by_the_keyboard_alone(product, visit):
    crew = team("Kapok", password_hash=hash_password(PASSWORD))
    page = visit("/my-day")
    go_to(page, "E-mail address")
    page.keyboard.type(crew.rep.email)
    go_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Forms to file")).to_be_visible()
    go_to(page, "File form")
    page.keyboard.press("Enter")
    for question in ("Did the meeting take place?", "Did the lead show up?"):
        expect(page.get_by_role("radiogroup", name=question)).to_be_visible()
        settled(page)
        go_to(page, question)
        page.keyboard.press("Space")
        settled(page)
    expect(page.get_by_role("radiogroup", name="Did you make an offer?")).to_be_visible()
    go_to(page, "Did you make an offer?")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    settled(page)
    go_to(page, "File form")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Form filed.")).to_be_visible()
