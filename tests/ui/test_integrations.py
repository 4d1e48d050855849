"""Keys at providers: entering them, their status, replacing and removing them. What was typed is
stored only sealed.
"""

from __future__ import annotations

from html import unescape

import pytest
from sqlalchemy import text

from core.messages.actions import set_slack_webhook
from core.platform.database import as_system
from core.providers.integrations import integrations
from tests import factories as make
from tests.fakes.providers import KEYS, SETTINGS, refused_text
from tests.fakes.serving import HangUp
from tests.fakes.systems import NAME
from tests.fakes.systems.whop import COMPANY
from tests.flow import work
from tests.providers.conftest import key_providers as key_providers
from tests.providers.keys import age, enter, key_of
from tests.ui.screens import browser_of, opened, sent, words

TYPED = "rk_live_7QxTyped5f1c0b9a"


@pytest.fixture
def admin(database_url):
    return make.viewer(make.organization())


def field(page, label):
    [found] = [
        each for kind in (page.text_input, page.selectbox) for each in kind if each.label == label
    ]
    return found


def submit(page, admin, provider, **answers):
    """Fill in one provider's form and send it, as this admin's browser."""
    for label, value in answers.items():
        field(page, label.replace("_", " ")).set_value(value)
    with browser_of(admin):
        return page.button(key=f"{provider} save").click().run()


def press(page, admin, key):
    with browser_of(admin):
        return page.button(key=key).click().run()


def kept_of(page):
    """Everything that the server stores of the page and sends to it again."""
    return repr(page.session_state._state._state) + sent(page)


def test_a_key_that_is_entered_is_sealed_asked_about_and_forgotten_by_the_page(
    key_providers, admin
):
    page = submit(opened("integrations", admin), admin, "stripe", Restricted_or_secret_key=TYPED)

    assert not page.exception
    assert any("Checking the key with Stripe" in line for line in words(page))
    assert "key ending in 0b9a" in " ".join(words(page))
    assert [button.key for button in page.button if button.key.startswith("stripe")] == [
        "stripe verify",
        "stripe save",
        "stripe removed",
    ]
    assert TYPED not in kept_of(page)
    key_providers.keys["stripe"] = TYPED
    work()
    assert any(f"for {NAME}" in line for line in words(opened("integrations", admin)))


def test_a_mistake_is_told_beside_the_form_and_the_page_stands(key_providers, admin):
    typed = "pk_live_7QxTyped5f1c0b9a"
    page = submit(opened("integrations", admin), admin, "stripe", Restricted_or_secret_key=typed)

    assert "publishable" in page.error[0].value
    assert "Set up elsewhere" in [heading.value for heading in page.subheader]
    assert typed not in kept_of(page)
    assert "Set up elsewhere" in kept_of(page)
    with admin.transaction() as db:
        assert integrations(db) == []


def test_what_is_asked_beside_the_key_is_kept_and_shown(key_providers, admin):
    page = opened("integrations", admin)
    field(page, "Company ID").set_value(COMPANY)
    keys = [each for each in page.text_input if each.label == "API key"]
    next(each for each in keys if each.key.startswith("whop")).set_value(KEYS["whop"])
    with browser_of(admin):
        page.button(key="whop save").click().run()
    assert any(f"Company ID: {COMPANY}" in line for line in words(page))
    work()
    assert key_of(admin, "whop").status == "verified"


def test_settings_are_replaced_with_the_key_left_empty(key_providers, admin):
    enter(admin, "whop", answers={"company_id": "biz_mistaken"})
    work()
    page = submit(opened("integrations", admin), admin, "whop", Company_ID=COMPANY)
    work()
    assert not page.error
    assert key_of(admin, "whop").status == "verified"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda fake: None, "Verified: accepted today"),
        (lambda fake: fake.keys.update(stripe="revoked"), "Not accepted"),
        (lambda fake: fake.will(*[(500, {}, {})] * 9), "Could not be verified"),
        (lambda fake: fake.forbidden.add("/stripe/v1/charges"), "It may not read charges"),
    ],
)
def test_how_a_key_stands_is_said_in_words(key_providers, admin, change, says):
    enter(admin)
    change(key_providers)
    work()
    assert any(says in line for line in words(opened("integrations", admin)))


def test_of_a_key_that_was_revoked_it_is_said_whose_it_was(key_providers, admin):
    enter(admin)
    work()
    key_providers.keys["stripe"] = "revoked"
    press(opened("integrations", admin), admin, "stripe verify")
    work()
    [said] = opened("integrations", admin).error
    assert "Not accepted" in said.value
    assert f"for {NAME}" in said.value


def test_a_worker_that_is_missing_is_noticed(key_providers, admin):
    enter(admin)
    assert not any("longer than usual" in line for line in words(opened("integrations", admin)))
    age(admin, minutes=2)
    assert any("longer than usual" in line for line in words(opened("integrations", admin)))


def test_verify_now_asks_again(key_providers, admin):
    enter(admin)
    work()
    page = press(opened("integrations", admin), admin, "stripe verify")
    assert any("Checking the key with" in line for line in words(page))
    before = len(key_providers.asked)
    work()
    assert len(key_providers.asked) > before


def test_a_key_is_removed_after_it_was_said_what_that_does(key_providers, admin):
    enter(admin)
    page = opened("integrations", admin)
    assert any("The key is deleted here" in line for line in words(page))
    page = press(page, admin, "stripe removed")
    assert any("No keys yet" in line for line in words(page))
    with as_system(admin.organization_id) as db:
        assert (
            db.execute(
                text("select count(*) from app.vault_secrets where organization_id = app.cur_org()")
            ).scalar()
            == 0
        )


def test_a_key_that_somebody_else_removed_meanwhile_is_said_to_be_gone(key_providers, admin):
    enter(admin)
    first, second = opened("integrations", admin), opened("integrations", admin)
    press(first, admin, "stripe removed")
    gone = press(second, admin, "stripe verify")
    assert not gone.exception
    assert any("No keys yet" in line for line in words(gone))


def test_what_is_kept_elsewhere_is_found_from_here(admin):
    assert any("no webhook of your own" in line for line in words(opened("integrations", admin)))
    with admin.transaction() as db:
        set_slack_webhook(db, "https://hooks.slack.com/services/T0/B0/abcdefghijklmn")
    assert any(
        "the webhook ends with klmn" in line for line in words(opened("integrations", admin))
    )


def texting(admin, number):
    """A test text asked for on the screen, with a key that is verified."""
    page = opened("integrations", admin)
    field(page, "Phone number").set_value(number)
    return press(page, admin, "test text send")


@pytest.fixture
def twilio(key_providers, admin):
    enter(admin, "twilio", answers=SETTINGS["twilio"] | {"sender": "Alder"})
    work()
    return key_providers


def test_a_test_text_is_sent_and_its_outcome_said(twilio, admin):
    page = texting(admin, "+45 20 12 34 56")
    assert not page.exception
    assert [unescape(each.value) for each in page.toast] == ["The test text is on its way."]
    assert any("Last text, today" in line and "on its way" in line for line in words(page))
    work()
    assert [(said["To"], said["From"]) for said in twilio.texts] == [("+4520123456", "Alder")]
    assert any("accepted by Twilio" in line for line in words(opened("integrations", admin)))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HangUp(), "it may or may not have been sent"),
        (refused_text(21614, "+4520123456"), "not sent: This is no mobile number."),
    ],
)
def test_a_test_text_that_did_not_arrive_says_why(twilio, admin, answer, says):
    texting(admin, "+4520123456")
    twilio.will(answer)
    work()
    assert any(says in line for line in words(opened("integrations", admin)))


def test_a_wrong_number_is_told_and_nothing_is_sent(twilio, admin):
    page = texting(admin, "booking me")
    assert "no phone number" in page.error[0].value
    work()
    assert twilio.texts == []


def test_a_test_text_needs_a_verified_key_and_a_sender(key_providers, admin):
    def offers(page):
        return [each.key for each in page.button if each.key == "test text send"]

    enter(admin, "twilio")
    assert offers(opened("integrations", admin)) == []
    work()
    page = opened("integrations", admin)
    assert offers(page) == []
    assert any("add a sender" in line for line in words(page))
    enter(admin, "twilio", answers=SETTINGS["twilio"] | {"sender": "Alder"})
    work()
    assert offers(opened("integrations", admin)) == ["test text send"]
