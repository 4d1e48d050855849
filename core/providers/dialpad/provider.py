"""Dialpad: the telephone."""

from core.providers.account import looks_at
from core.providers.credentials import bearer
from core.providers.provider import Credentials, Provider, Use

PROVIDER = Provider(
    name="dialpad",
    label="Dialpad",
    use=Use.PHONE,
    address="https://dialpad.com/api/v2",
    credentials=Credentials(
        key_name="Company API key",
        where="Dialpad: Admin settings → My company → Authentication → API keys",
        check=looks_at("/offices", "items.0.name"),
        headers=bearer,
    ),
)
