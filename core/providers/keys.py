"""The providers that an organisation gives us a key of: what they call it, what they are asked
with, and how it is checked.

Facts: each provider's own documentation, by name in ``key_checks``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from core.platform.errors import InvalidInput
from core.platform.settings import settings as ours
from core.providers.client import Client, RetryPolicy
from core.providers.key_checks import (
    Account,
    Check,
    check_calendly,
    check_ghl,
    check_hubspot,
    check_stripe,
    check_twilio,
    check_whop,
    looks_at,
)

LONGEST_KEY = 2000
INTERACTIVE_RETRIES = RetryPolicy(timeout_s=8.0, tries=3, longest_pause_s=5.0)
Values = Mapping[str, str]
Headers = Callable[[str, Values], dict[str, str]]


@dataclass(frozen=True)
class Field:
    """Something that is no secret, but without which the provider cannot be asked. ``choices`` are
    all there are.
    """

    key: str
    label: str
    shape: str
    example: str = ""
    choices: Mapping[str, str] | None = None
    optional: bool = False


@dataclass(frozen=True)
class KeyedProvider:
    """``secret`` is what the provider calls its key, ``where`` the place at which it is found,
    ``use`` what it is for here.

    ``mistaken`` are beginnings of what is often entered in place of the key, with what is said
    then; ``noted`` are beginnings of keys of which there is something to be said.
    """

    name: str
    use: str
    secret: str
    where: str
    check: Check
    headers: Headers
    fields: tuple[Field, ...] = ()
    mistaken: Mapping[str, str] = dataclass_field(default_factory=dict)
    noted: Mapping[str, str] = dataclass_field(default_factory=dict)


def bearer(secret: str, _: Values) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


# A number, a messaging service, or a name: letters, digits and blanks, one of them a letter.
SENDER = r"\+[1-9]\d{6,14}|MG[0-9a-f]{32}|(?=[\d ]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,10}"
SIGNING_SECRET = "This signs webhooks; it belongs on the screen Connections. Enter the API key."  # noqa: S105 - words
KEYED: dict[str, KeyedProvider] = {
    "calendly": KeyedProvider(
        "Calendly",
        "Bookings",
        "Personal access token",
        "Calendly: Integrations → API and webhooks → Personal access tokens",
        check_calendly,
        bearer,
    ),
    "acuity": KeyedProvider(
        "Acuity",
        "Bookings",
        "API key",
        "Acuity: Integrations → API → View credentials",
        looks_at("/me", "name", "email"),
        lambda key, values: basic(values["user_id"], key),
        (Field("user_id", "User ID", r"\d{1,12}", "12345678"),),
    ),
    "stripe": KeyedProvider(
        "Stripe",
        "Payments",
        "Restricted or secret key",
        "Stripe: Developers → API keys; one that may only read is enough",
        check_stripe,
        bearer,
        mistaken={
            "pk_": (
                "This is the publishable key, which anybody may see. Enter a restricted key (rk_…)"
                " or the secret key (sk_…)."
            ),
            "whsec_": SIGNING_SECRET,
        },
        noted=dict.fromkeys(("sk_test_", "rk_test_"), "A test key: it sees no real payments."),
    ),
    "whop": KeyedProvider(
        "Whop",
        "Payments",
        "API key",
        "Whop: Developer → Company API keys",
        check_whop,
        bearer,
        (Field("company_id", "Company ID", r"biz_\w{1,60}", "biz_…"),),
        {"ws_": SIGNING_SECRET},
    ),
    "close": KeyedProvider(
        "Close",
        "CRM",
        "API key",
        "Close: Settings → Developer → API keys",
        looks_at("/me/", "organizations.0.name", "email"),
        lambda key, _: basic(key, ""),
    ),
    "ghl": KeyedProvider(
        "GoHighLevel",
        "CRM",
        "Private integration token or location API key",
        "GoHighLevel: Settings → Private integrations; for API 1.0, Settings → Business profile",
        check_ghl,
        lambda key, _: bearer(key, {}) | {"Version": "2021-07-28"},
        (
            Field(
                "api",
                "API",
                "v[12]",
                choices={
                    "v2": "2.0 (a token that begins with pit-)",
                    "v1": "1.0 (an older location key)",
                },
            ),
            Field(
                "location_id",
                "Location ID (API 2.0)",
                r"\w{1,60}",
                "ve9EPM428h8vShlRW1KT",
                optional=True,
            ),
        ),
    ),
    "hubspot": KeyedProvider(
        "HubSpot",
        "CRM",
        "Access token of a private app",
        "HubSpot: Settings → Integrations → Private apps",
        check_hubspot,
        bearer,
    ),
    "dialpad": KeyedProvider(
        "Dialpad",
        "Phone",
        "Company API key",
        "Dialpad: Admin settings → My company → Authentication → API keys",
        looks_at("/offices", "items.0.name"),
        bearer,
    ),
    "twilio": KeyedProvider(
        "Twilio",
        "Text messages",
        "Auth token, or the secret of an API key",
        "Twilio: Account → API keys and tokens",
        check_twilio,
        lambda key, values: basic(values.get("key_sid") or values["account_sid"], key),
        (
            Field("account_sid", "Account SID", "AC[0-9a-f]{32}", "AC…"),
            Field(
                "key_sid",
                "API key SID (empty for the auth token)",
                "SK[0-9a-f]{32}",
                "SK…",
                optional=True,
            ),
            Field(
                "sender",
                "Sender of texts",
                SENDER,
                "+4520123456, MG… or a name of at most 11 letters",
                optional=True,
            ),
        ),
    ),
    "billy": KeyedProvider(
        "Billy",
        "Invoices",
        "Access token",
        "Billy: Settings → Access tokens",
        looks_at("/organization", "organization.name"),
        lambda key, _: {"X-Access-Token": key},
    ),
}


def keyed(provider: str) -> KeyedProvider:
    """Raises InvalidInput for a provider that no key is kept of."""
    if provider not in KEYED:
        raise InvalidInput(
            f"“{provider}” is not a provider; use one of {', '.join(KEYED)}.", field="provider"
        )
    return KEYED[provider]


def validate_key(provider: str, secret: str) -> str:
    """The key without blanks around it.

    Raises:
        InvalidInput: it cannot be one: too long, with blanks inside, or something else that begins
        differently.
    """
    of, key = keyed(provider), secret.strip()
    for beginning, sentence in of.mistaken.items():
        if key.startswith(beginning):
            raise InvalidInput(sentence, field="secret")
    if (
        not key
        or len(key) > LONGEST_KEY
        or not key.isascii()
        or not key.isprintable()
        or " " in key
    ):
        raise InvalidInput(
            f"This is no key of {of.name}: copy it again, in one piece and without blanks.",
            field="secret",
        )
    return key


def validate_settings(provider: str, answers: Mapping[str, str | None]) -> dict[str, str]:
    """What the provider is asked with besides the key, empty answers left out.

    Raises:
        InvalidInput: one is missing, or has not the shape that the provider gives it.
    """
    of = keyed(provider)
    given = {field.key: (answers.get(field.key) or "").strip() for field in of.fields}
    for field in of.fields:
        if not given[field.key] and not field.optional:
            raise InvalidInput(f"{field.label} is missing.", field=field.key)
        if given[field.key] and not re.fullmatch(field.shape, given[field.key], re.ASCII):
            raise InvalidInput(
                f"This is not {of.name}'s {field.label}; it looks like"
                f" {field.example or field.shape}.",
                field=field.key,
            )
    if provider == "ghl" and given["api"] == "v2" and not given["location_id"]:
        raise InvalidInput(
            "API 2.0 needs the location ID: GoHighLevel shows it in Settings → Business profile.",
            field="location_id",
        )
    return {key: value for key, value in given.items() if value}


def client_of(
    provider: str, secret: str, values: Values, patience: RetryPolicy | None = None
) -> Client:
    """A client of the organisation's account at a provider. It is the caller's to close."""
    of = keyed(provider)
    address = f"{'ghl_legacy' if values.get('api') == 'v1' else provider}_base_url"
    return Client(
        of.name,
        getattr(ours(), address),
        of.headers(secret, values),
        secrets=(secret,),
        patience=patience,
    )


def check_key(
    provider: str, secret: str, values: Values, patience: RetryPolicy = INTERACTIVE_RETRIES
) -> Account:
    """Ask the provider whose key this is. Raises what ``Client.request`` raises."""
    with client_of(provider, secret, values, patience) as client:
        of = keyed(provider)
        found = of.check(client, values)
        noted = tuple(
            remark for beginning, remark in of.noted.items() if secret.startswith(beginning)
        )
        return Account(client.shown(found.name), noted + found.remarks)
