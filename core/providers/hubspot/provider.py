"""HubSpot: customers."""

from core.providers.credentials import bearer
from core.providers.hubspot import credentials
from core.providers.provider import Credentials, Provider, Use

PROVIDER = Provider(
    name="hubspot",
    label="HubSpot",
    use=Use.CRM,
    address="https://api.hubapi.com",
    credentials=Credentials(
        key_name="Access token of a private app",
        where="HubSpot: Settings → Integrations → Private apps",
        check=credentials.check,
        headers=bearer,
    ),
)
