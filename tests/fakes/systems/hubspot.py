"""Source: HubSpot documentation, account information, CRM objects, owners."""

from tests.fakes.systems import Account

ACCOUNTS = {
    "hubspot": Account(
        key="pat-eu1-7qxnobody-5f1c0b9a",
        shown="account 10000001",
        refusal={
            "status": "error",
            "message": "Authentication credentials not found.",
            "category": "INVALID_AUTHENTICATION",
        },
        pages={
            "/account-info/v3/details": {
                "portalId": 10000001,
                "accountType": "STANDARD",
                "timeZone": "Europe/Copenhagen",
            },
            "/crm/v3/objects/contacts": {"results": []},
            "/crm/v3/objects/deals": {"results": []},
            "/crm/v3/owners": {"results": []},
        },
    )
}
