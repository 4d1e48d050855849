"""Source: Billy API v2, ``/organization``."""

from tests.fakes.systems import NAME, Account

ACCOUNTS = {
    "billy": Account(
        key="7QxNobody5f1c0b9a7d2e4c63",
        is_known=lambda key, headers: headers.get("x-access-token") == key,
        refusal={
            "errorCode": "OAUTH_INVALID_ACCESS_TOKEN",
            "errorMessage": "Invalid OAuth 2 access token.",
        },
        pages={
            "/organization": {
                "organization": {
                    "id": "3mIN9EbD",
                    "name": NAME,
                    "baseCurrencyId": "DKK",
                    "isLocked": False,
                }
            }
        },
    )
}
