"""Source: Stripe documentation, “Retrieve account”, “Check the webhook signatures”."""

from tests.fakes.systems import NAME, Account, Vector

AT = 1793631845
ACCOUNTS = {
    "stripe": Account(
        key="rk_live_7QxNobody5f1c0b9a",
        shown_without_rights="a restricted key",
        refusal={
            "error": {
                "type": "invalid_request_error",
                "message": "Invalid API Key provided: rk_live_****9c0d",
            }
        },
        pages={
            "/v1/charges": {"object": "list", "data": [], "has_more": False},
            "/v1/account": {
                "id": "acct_1",
                "object": "account",
                "settings": {"dashboard": {"display_name": NAME}},
            },
        },
    )
}
VECTORS = {
    "stripe": Vector(
        "whsec_test_5f1c0b9a7d2e4c63",
        AT,
        (
            b'{"id":"evt_1TestVector","object":"event","type":"charge.succeeded",'
            b'"data":{"object":{"id":"ch_1","object":"charge"}}}'
        ),
        {
            "stripe-signature": (
                f"t={AT},v1=9ede6e0b6adcc08acd83e22f08e42a9b8ca6f7db0e9ba8327ae17419ad5ffde8"
            )
        },
    )
}
