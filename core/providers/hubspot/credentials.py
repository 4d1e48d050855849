"""What a HubSpot key may do.

Facts: HubSpot documentation, account information, scopes.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.providers.account import Account, may, name_in
from core.providers.client import Client

READS = {
    "contacts": "/crm/v3/objects/contacts",
    "deals": "/crm/v3/objects/deals",
    "owners": "/crm/v3/owners",
}


def check(client: Client, _: Mapping[str, str]) -> Account:
    """The account has a number; each scope that we need is tried."""
    account = name_in(client, client.get("/account-info/v3/details"), "portalId")
    lacking = [name for name, path in READS.items() if not may(client, path, limit=1)]
    return Account(
        f"account {account}",
        (f"It may not read {', '.join(lacking)}: add the scopes.",) if lacking else (),
    )
