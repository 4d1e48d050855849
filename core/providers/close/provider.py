"""Close: customers and their conversations."""

from core.providers.account import looks_at
from core.providers.credentials import basic
from core.providers.provider import Credentials, Provider, Use

PROVIDER = Provider(
    name="close",
    label="Close",
    use=Use.CRM,
    address="https://api.close.com/api/v1",
    credentials=Credentials(
        key_name="API key",
        where="Close: Settings → Developer → API keys",
        check=looks_at("/me/", "organizations.0.name", "email"),
        headers=lambda key, _: basic(key, ""),
    ),
)
