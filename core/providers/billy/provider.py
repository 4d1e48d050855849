"""Billy: invoices."""

from core.providers.account import looks_at
from core.providers.provider import Credentials, Provider, Use

PROVIDER = Provider(
    name="billy",
    label="Billy",
    use=Use.INVOICES,
    address="https://api.billysbilling.com/v2",
    credentials=Credentials(
        key_name="Access token",
        where="Billy: Settings → Access tokens",
        check=looks_at("/organization", "organization.name"),
        headers=lambda key, _: {"X-Access-Token": key},
    ),
)
