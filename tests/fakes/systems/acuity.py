"""Source: Acuity developer site, ``/me``."""

from tests.fakes.systems import NAME, Account, basic_pair

USER = "19874321"
ACCOUNTS = {
    "acuity": Account(
        key="5f1c0b9a7d2e4c63acuity",
        settings={"user_id": USER},
        is_known=lambda key, headers: basic_pair(headers) == f"{USER}:{key}",
        refusal={"status_code": 401, "error": "unauthorized", "message": "Unauthorized"},
        pages={
            "/me": {
                "id": int(USER),
                "name": NAME,
                "email": "alder@example.com",
                "timezone": "Europe/Copenhagen",
            }
        },
    )
}
