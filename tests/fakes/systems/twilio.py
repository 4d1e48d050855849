"""Source: Twilio documentation, Account and Message resources."""

from tests.fakes.systems import NAME, Account, basic_pair

SID = "AC" + "0a" * 16
KEY_SID = "SK" + "0b" * 16
KEY = "5f1c0b9a7d2e4c635f1c0b9a7d2e4c63"
ACCOUNTS = {
    "twilio": Account(
        key=KEY,
        settings={"account_sid": SID},
        is_known=lambda key, headers: basic_pair(headers) in (f"{SID}:{key}", f"{KEY_SID}:{key}"),
        refusal={"code": 20003, "message": "Authenticate", "status": 401},
        pages={
            f"/Accounts/{SID}.json": {
                "sid": SID,
                "friendly_name": NAME,
                "status": "active",
                "type": "Full",
                "auth_token": KEY,
            },
            f"/Accounts/{SID}/Messages.json": {"messages": [], "page_size": 1},
        },
    )
}
