"""What each provider answers for a key that is right, wrong, or may do too little; and what is
refused without asking it.
"""

from __future__ import annotations

import pytest

from core.platform.errors import (
    AuthenticationFailed,
    InvalidInput,
    PermissionMissing,
    UnexpectedAnswer,
    UnknownToProvider,
)
from core.providers.account import Account
from core.providers.client import RetryPolicy
from core.providers.credentials import check_key, client_of, validate_key, validate_settings
from core.providers.registry import base_urls, with_credentials
from tests.fakes.providers import ACCOUNTS, KEYS, SETTINGS
from tests.fakes.systems import NAME
from tests.fakes.systems.acuity import USER
from tests.fakes.systems.ghl import LOCATION
from tests.fakes.systems.twilio import SID
from tests.fakes.systems.whop import COMPANY

KEYED = with_credentials()
QUICK = RetryPolicy(timeout_s=2.0, tries=1)
ONE_LOCATION = {"api": "v1"}
SHOWN = {name: ACCOUNTS[name].shown for name in KEYED}
SILENT = {name: ACCOUNTS[name].shown_without_rights for name in KEYED}


@pytest.mark.parametrize("provider", KEYED)
def test_a_good_key_shows_whose_it_is(key_providers, provider):
    assert check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK) == Account(
        SHOWN[provider]
    )


@pytest.mark.parametrize("provider", KEYED)
def test_a_wrong_key_is_refused_and_nothing_of_it_is_said(key_providers, provider):
    wrong = "wrong_9f8e7d6c5b4a"
    with pytest.raises(AuthenticationFailed) as refused:
        check_key(provider, wrong, SETTINGS.get(provider, {}), QUICK)
    assert KEYED[provider].label in refused.value.message
    assert "9f8e" not in refused.value.message


@pytest.mark.parametrize("provider", KEYED)
def test_a_provider_that_repeats_the_key_it_refuses_is_not_quoted_with_it(key_providers, provider):
    key_providers.repeats_keys, wrong = True, "wrong_9f8e7d6c5b4a"
    with pytest.raises(AuthenticationFailed, match="Unknown key") as refused:
        check_key(provider, wrong, SETTINGS.get(provider, {}), QUICK)
    headers = KEYED[provider].credentials.headers
    declared, of_another = (headers(key, SETTINGS.get(provider, {})) for key in (wrong, "another"))
    quoting = {name for name, value in declared.items() if value != of_another[name]}
    assert quoting
    for name in quoting:
        assert {asked.headers[name.lower()] for asked in key_providers.asked} == {declared[name]}
        assert declared[name].rpartition(" ")[2][8:] not in refused.value.message
    assert "9f8e" not in refused.value.message


@pytest.mark.parametrize("provider", [name for name in KEYED if not SILENT[name]])
def test_a_key_that_may_do_nothing_is_refused(key_providers, provider):
    key_providers.forbidden |= key_providers.pages.keys()
    with pytest.raises(PermissionMissing, match="does not allow"):
        check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK)


@pytest.mark.parametrize("provider", [name for name in KEYED if SILENT[name]])
def test_a_restricted_key_need_not_say_whose_it_is(key_providers, provider):
    key_providers.forbidden |= key_providers.pages.keys()
    assert check_key(provider, KEYS[provider], {}, QUICK).name == SILENT[provider]


def test_every_provider_has_an_address_in_the_settings(key_providers):
    assert {f"{provider}_base_url".upper() for provider in KEYED} <= set(base_urls())
    assert repr(client_of("stripe", KEYS["stripe"], {})).count(KEYS["stripe"]) == 0


def test_the_older_interface_of_gohighlevel_is_told_apart(key_providers):
    found = check_key("ghl", KEYS["ghl_legacy"], ONE_LOCATION, QUICK)
    assert "no longer supported" in found.remarks[0]
    with pytest.raises(AuthenticationFailed):
        check_key("ghl", KEYS["ghl"], ONE_LOCATION, QUICK)


@pytest.mark.parametrize(
    ("provider", "forbidden", "says"),
    [
        ("calendly", "/calendly/organization_memberships", "organizations:read"),
        ("stripe", "/stripe/v1/charges", "may not read charges"),
        ("whop", "/whop/payments", "payment:basic:read"),
        ("hubspot", "/hubspot/crm/v3/objects/deals", "may not read deals"),
        ("hubspot", "/hubspot/crm/v3/owners", "may not read owners"),
    ],
)
def test_what_a_key_may_not_do_is_said_beside_whose_it_is(key_providers, provider, forbidden, says):
    key_providers.forbidden.add(forbidden)
    found = check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK)
    assert found.name == SHOWN[provider]
    assert says in found.remarks[0]


@pytest.mark.parametrize(
    ("provider", "path", "page", "says"),
    [
        (
            "calendly",
            "/calendly/organization_memberships",
            {"collection": [{"role": "user"}]},
            "plain member",
        ),
        ("calendly", "/calendly/organization_memberships", {"collection": []}, "plain member"),
        ("whop", "/whop/payments", {"data": [{"user": {"email": None}}]}, "member:email:read"),
        (
            "twilio",
            f"/twilio/Accounts/{SID}.json",
            {"friendly_name": NAME, "type": "Trial"},
            "trial account",
        ),
        (
            "twilio",
            f"/twilio/Accounts/{SID}.json",
            {"friendly_name": NAME, "status": "suspended"},
            "suspended",
        ),
    ],
)
def test_what_makes_an_account_less_useful_is_said(key_providers, provider, path, page, says):
    key_providers.pages[path] = page
    assert says in check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK).remarks[0]


def test_a_company_without_payments_is_not_blamed_for_missing_addresses(key_providers):
    key_providers.pages["/whop/payments"] = {"data": []}
    assert check_key("whop", KEYS["whop"], SETTINGS["whop"], QUICK).remarks == ()


@pytest.mark.parametrize("key", ["sk_test_7QxNobody", "rk_test_7QxNobody"])
def test_a_test_key_is_called_one(key_providers, key):
    key_providers.keys["stripe"] = key
    assert check_key("stripe", key, {}, QUICK).remarks == ("A test key: it sees no real payments.",)


def test_the_secret_of_an_api_key_verifies_with_its_own_name(key_providers):
    values = SETTINGS["twilio"] | {"key_sid": "SK" + "0b" * 16}
    assert check_key("twilio", KEYS["twilio"], values, QUICK) == Account(SID)
    assert key_providers.asked[0].path.endswith("/Messages.json")


@pytest.mark.parametrize(
    ("provider", "values"),
    [
        ("ghl", {"api": "v2", "location_id": "another"}),
        ("whop", {"company_id": "biz_another"}),
    ],
)
def test_an_account_that_the_key_does_not_reach_is_unknown(key_providers, provider, values):
    with pytest.raises(UnknownToProvider):
        check_key(provider, KEYS[provider], values, QUICK)


@pytest.mark.parametrize("page", [[], "text", 7, None], ids=str)
@pytest.mark.parametrize("provider", KEYED)
def test_an_answer_that_is_no_object_is_unexpected(key_providers, provider, page):
    key_providers.pages = dict.fromkeys(key_providers.pages, page)
    with pytest.raises(UnexpectedAnswer):
        check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK)


@pytest.mark.parametrize(
    "page",
    [{}, {"resource": None, "items": [], "organizations": "x", "location": [1], "data": {}}],
    ids=str,
)
@pytest.mark.parametrize("provider", KEYED)
def test_an_answer_of_another_shape_is_an_account_without_a_name(key_providers, provider, page):
    key_providers.pages = dict.fromkeys(key_providers.pages, page)
    assert (
        "without a name"
        in check_key(provider, KEYS[provider], SETTINGS.get(provider, {}), QUICK).name
    )


def test_a_name_that_is_the_key_itself_is_not_shown(key_providers):
    key_providers.pages["/acuity/me"] = {"name": f"x {KEYS['acuity']}"}
    assert check_key("acuity", KEYS["acuity"], SETTINGS["acuity"], QUICK).name == "x …"


@pytest.mark.parametrize(
    ("provider", "secret", "says"),
    [
        ("stripe", "pk_live_7QxNobody", "publishable"),
        ("stripe", " pk_test_7QxNobody", "publishable"),
        ("stripe", "whsec_7Qx", "Connections"),
        ("whop", "ws_7Qx", "Connections"),
        ("billy", "", "no key"),
        ("billy", "   ", "no key"),
        ("billy", "two words", "no key"),
        ("billy", "two\nlines", "no key"),
        ("billy", "nøgle", "no key"),
        ("billy", "k" * 2001, "no key"),
        ("billy", "a\x00b", "no key"),
        ("salesforce", "key", "is not a provider"),
    ],
)
def test_what_cannot_be_the_key_is_refused_with_a_reason(provider, secret, says):
    with pytest.raises(InvalidInput, match=says) as refused:
        validate_key(provider, secret)
    assert "7Qx" not in refused.value.message


def test_blanks_around_a_key_are_the_clipboards():
    assert validate_key("billy", f"  {KEYS['billy']}\n") == KEYS["billy"]


@pytest.mark.parametrize(
    ("provider", "answers", "field"),
    [
        ("acuity", {}, "user_id"),
        ("acuity", {"user_id": "abc"}, "user_id"),
        ("acuity", {"user_id": "١٢٣"}, "user_id"),
        ("whop", {"company_id": "biz_../../me"}, "company_id"),
        ("whop", {"company_id": "biz_a?x=1"}, "company_id"),
        ("ghl", {"api": "v2"}, "location_id"),
        ("ghl", {"api": "v3"}, "api"),
        ("ghl", {"api": "v2", "location_id": "../users"}, "location_id"),
        *(
            ("twilio", {"account_sid": SID, "sender": wrong}, "sender")
            for wrong in (
                "20123456",
                "+45",
                "+0451234567",
                "MGxyz0123456789",
                "12345",
                "Much too long a name",
                "Ørsted",
                "a&From=b",
                "A\nB",
            )
        ),
        ("twilio", {"account_sid": f"{SID}/Calls"}, "account_sid"),
        ("twilio", {"account_sid": SID, "key_sid": "x"}, "key_sid"),
    ],
)
def test_what_the_provider_is_asked_with_has_its_shape(provider, answers, field):
    with pytest.raises(InvalidInput) as refused:
        validate_settings(provider, answers)
    assert refused.value.field == field


def test_answers_to_nothing_that_was_asked_are_left_out():
    assert validate_settings("acuity", {"user_id": f" {USER} ", "more": "x"}) == {"user_id": USER}
    assert validate_settings("ghl", {"api": "v1", "location_id": ""}) == {"api": "v1"}
    assert validate_settings("ghl", {"api": "v2", "location_id": LOCATION}) == SETTINGS["ghl"]
    assert validate_settings("whop", {"company_id": COMPANY}) == SETTINGS["whop"]
    assert validate_settings("stripe", {}) == {}


@pytest.mark.parametrize("sender", ["+4520123456", "MG" + "0c" * 16, "Alder", "Alder 2", "4 Alder"])
def test_texts_come_from_a_number_a_service_or_a_name(sender):
    assert validate_settings("twilio", {"account_sid": SID, "sender": sender}) == {
        "account_sid": SID,
        "sender": sender,
    }
