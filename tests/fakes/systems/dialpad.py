"""Source: Dialpad API v2, ``/offices``."""

from tests.fakes.systems import NAME, Account

ACCOUNTS = {
    "dialpad": Account(
        key="dp7QxNobody5f1c0b9a",
        refusal={"error": {"message": "Invalid API key."}},
        pages={"/offices": {"items": [{"id": "1000", "name": NAME, "is_primary_office": True}]}},
    )
}
