"""What a Twilio key may do.

Facts: Twilio documentation, Account and Message resources.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.providers.account import Account, at, name_in
from core.providers.client import Client


def check(client: Client, values: Mapping[str, str]) -> Account:
    """The secret of an API key may send and read messages, but not ask for the account."""
    path = f"/Accounts/{values['account_sid']}"
    if "key_sid" in values:
        client.get(f"{path}/Messages.json", PageSize=1)
        return Account(values["account_sid"])
    account = client.get(f"{path}.json")
    causes = {
        "type": ("Trial", "A trial account: it sends to verified numbers only."),
        "status": ("suspended", "The account is suspended, so nothing is sent."),
    }
    remarks = tuple(
        remark for place, (value, remark) in causes.items() if at(account, place) == value
    )
    return Account(name_in(client, account, "friendly_name", "sid"), remarks)
