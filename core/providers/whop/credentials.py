"""What a Whop key may do.

Facts: Whop developer documentation, “Retrieve company”, “List payments”, permissions.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.platform.errors import PermissionMissing
from core.providers.account import Account, at, name_in
from core.providers.client import Client


def check(client: Client, values: Mapping[str, str]) -> Account:
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
