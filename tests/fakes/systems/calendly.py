"""Source: Calendly API v2, “Get current user”, “List organization memberships”, “Webhook
signatures”.
"""

from tests.fakes.systems import NAME, Account, Vector

AT = 1793631845
ACCOUNTS = {
    "calendly": Account(
        key="eyJhbGciOiJ.calendly.7QxNobody",
        refusal={"title": "Unauthenticated", "message": "The access token is invalid"},
        pages={
            "/users/me": {
                "resource": {
                    "uri": "https://api.calendly.com/users/U1",
                    "name": NAME,
                    "email": "alder@example.com",
                }
            },
            "/organization_memberships": {
                "collection": [{"role": "owner"}],
                "pagination": {"next_page_token": None},
            },
        },
    )
}
VECTORS = {
    "calendly": Vector(
        "caltest_9f2c1b7e5d3a4860",
        AT,
        (
            b'{"event":"invitee.created","created_at":"2026-11-02T15:04:05.000000Z",'
            b'"payload":{"email":"Lead@Example.com"}}'
        ),
        {
            "calendly-webhook-signature": (
                f"t={AT},v1=7b1b999d8c66f0e7896dd0a25abca59c95032a6f922ca158f6aca2293f7278cf"
            )
        },
    )
}
