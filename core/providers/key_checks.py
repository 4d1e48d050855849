"""Whose key it is and what it lets us do: for each provider, the cheapest questions that it has an
answer to.

Facts: the API references of Calendly (“Get current user”, “List organization memberships”, scopes),
Stripe (“Retrieve account”, “API keys”, “Restricted keys”), Whop (“Retrieve company”, “List
payments”, permissions), HighLevel (locations; API 1.0 pipelines), HubSpot (account information,
scopes), Twilio (Account and Message resources), and of Acuity (``/me``), Billy (``/organization``),
Close (``/me/``) and Dialpad (``/offices``), where one question is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.platform.errors import PermissionMissing, UnexpectedAnswer
from core.providers.client import Client

HUBSPOT_READS = {
    "contacts": "/crm/v3/objects/contacts",
    "deals": "/crm/v3/objects/deals",
    "owners": "/crm/v3/owners",
}
WITHOUT_A_NAME = "an account without a name"


@dataclass(frozen=True)
class Account:
    """What a provider says of a key: whose it is, and what is to be known of it."""

    name: str
    remarks: tuple[str, ...] = ()


Check = Callable[[Client, Mapping[str, str]], Account]


def at(answer: Any, place: str) -> Any:
    """What stands at ``place`` (``items.0.name``) of an answer; None when nothing does."""
    for step in place.split("."):
        if isinstance(answer, list) and step.isdecimal():
            answer = answer[int(step)] if int(step) < len(answer) else None
        else:
            answer = answer.get(step) if isinstance(answer, dict) else None
    return answer


def name_in(client: Client, answer: Any, *places: str) -> str:
    """The first name at one of ``places``. Raises UnexpectedAnswer when the answer is no object at
    all.
    """
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(
            f"{client.provider} answered with something else than was asked for."
        )
    return next((str(name) for place in places if (name := at(answer, place))), WITHOUT_A_NAME)


def looks_at(path: str, *places: str) -> Check:
    """The check of a provider that tells with one answer whose key it is."""

    def check(client: Client, _: Mapping[str, str]) -> Account:
        return Account(name_in(client, client.get(path), *places))

    return check


def may(client: Client, path: str, **params: str | int) -> bool:
    """Whether the key may read this."""
    try:
        client.get(path, **params)
    except PermissionMissing:
        return False
    return True


def check_calendly(client: Client, _: Mapping[str, str]) -> Account:
    """A token reads the bookings of everybody only when its owner may."""
    me = client.get("/users/me")
    name = name_in(client, me, "resource.name", "resource.email")
    try:
        role = at(
            client.get("/organization_memberships", user=str(at(me, "resource.uri"))),
            "collection.0.role",
        )
    except PermissionMissing:
        return Account(
            name, ("It may not see who belongs to the team: give it the scope organizations:read.",)
        )
    alone = (
        "It is a plain member's, so it sees their own bookings only. Use an owner's or an admin's."
    )
    return Account(name, () if role in ("owner", "admin") else (alone,))


def check_stripe(client: Client, _: Mapping[str, str]) -> Account:
    """A restricted key may be kept from saying whose it is, and is good all the same."""
    remarks = (
        ()
        if may(client, "/v1/charges", limit=1)
        else ("It may not read charges, so past payments cannot be fetched.",)
    )
    try:
        account = client.get("/v1/account")
    except PermissionMissing:
        account = {"id": "a restricted key"}
    return Account(
        name_in(
            client,
            account,
            "settings.dashboard.display_name",
            "business_profile.name",
            "email",
            "id",
        ),
        remarks,
    )


def check_whop(client: Client, values: Mapping[str, str]) -> Account:
    """Without its permission a key is not refused an e-mail address: it is given none."""
    company = values["company_id"]
    name = name_in(client, client.get(f"/companies/{company}"), "title", "id")
    try:
        payment = at(client.get("/payments", company_id=company, first=1), "data.0")
    except PermissionMissing:
        return Account(name, ("It may not read payments: give it payment:basic:read.",))
    hidden = payment is not None and not at(payment, "user.email")
    return Account(
        name,
        ("Payments come without e-mail addresses: give it member:email:read.",) if hidden else (),
    )


def check_ghl(client: Client, values: Mapping[str, str]) -> Account:
    """API 2.0 names the location. API 1.0 has no such question, so it is asked for what we need of
    it.
    """
    if values["api"] == "v2":
        return Account(
            name_in(
                client,
                client.get(f"/locations/{values['location_id']}"),
                "location.name",
                "location.id",
            )
        )
    client.get("/pipelines/")
    return Account(
        "a location",
        (
            (
                "API 1.0 is no longer supported by GoHighLevel. Make a private integration and use"
                " API 2.0."
            ),
        ),
    )


def check_hubspot(client: Client, _: Mapping[str, str]) -> Account:
    """The account has a number; each scope that we need is tried."""
    account = name_in(client, client.get("/account-info/v3/details"), "portalId")
    lacking = [name for name, path in HUBSPOT_READS.items() if not may(client, path, limit=1)]
    return Account(
        f"account {account}",
        (f"It may not read {', '.join(lacking)}: add the scopes.",) if lacking else (),
    )


def check_twilio(client: Client, values: Mapping[str, str]) -> Account:
    """The secret of an API key may send and read messages, but not ask for the account."""
    path = f"/Accounts/{values['account_sid']}"
    if "key_sid" in values:
        client.get(f"{path}/Messages.json", PageSize=1)
        return Account(values["account_sid"])
    account = client.get(f"{path}.json")
    remarks = {
        "type": ("Trial", "A trial account: it sends to verified numbers only."),
        "status": ("suspended", "The account is suspended, so nothing is sent."),
    }
    told = tuple(
        remark for place, (value, remark) in remarks.items() if at(account, place) == value
    )
    return Account(name_in(client, account, "friendly_name", "sid"), told)
