"""What a Stripe key may do.

Facts: Stripe documentation, “Retrieve account”, “API keys”, “Restricted keys”.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.platform.errors import PermissionMissing
from core.providers.account import Account, may, name_in
from core.providers.client import Client


def check(client: Client, _: Mapping[str, str]) -> Account:
    """A restricted key may lack the right to say whose it is, and is good all the same."""
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
