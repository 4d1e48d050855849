"""Acuity Scheduling: bookings."""

from core.providers.account import looks_at
from core.providers.credentials import basic
from core.providers.provider import Credentials, Field, Provider, Use

PROVIDER = Provider(
    name="acuity",
    label="Acuity",
    use=Use.BOOKINGS,
    address="https://acuityscheduling.com/api/v1",
    credentials=Credentials(
        key_name="API key",
        where="Acuity: Integrations → API → View credentials",
        check=looks_at("/me", "name", "email"),
        headers=lambda key, values: basic(values["user_id"], key),
        fields=(Field("user_id", "User ID", r"\d{1,12}", "12345678"),),
    ),
)
