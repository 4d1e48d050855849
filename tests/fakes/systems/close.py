"""Source: Close API, ``/me/``."""

from tests.fakes.systems import NAME, Account, basic_pair

ACCOUNTS = {
    "close": Account(
        key="api_7QxNobody.5f1c0b9a",
        is_known=lambda key, headers: basic_pair(headers) == f"{key}:",
        refusal={"error": "The api key you provided is invalid."},
        pages={
            "/me/": {
                "id": "user_1",
                "email": "alder@example.com",
                "organizations": [{"id": "orga_1", "name": NAME}],
            }
        },
    )
}
