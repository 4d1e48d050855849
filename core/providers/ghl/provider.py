"""GoHighLevel: customers, in two generations of its API at two addresses."""

from core.providers.credentials import bearer
from core.providers.ghl import credentials
from core.providers.ghl.crm import CRM
from core.providers.provider import Credentials, Field, Provider, Use

PROVIDER = Provider(
    name="ghl",
    label="GoHighLevel",
    use=Use.CRM,
    address="https://services.leadconnectorhq.com",
    other_addresses={"legacy": "https://rest.gohighlevel.com/v1"},
    credentials=Credentials(
        key_name="Private integration token or location API key",
        where=(
            "GoHighLevel: Settings → Private integrations; for API 1.0, Settings → Business profile"
        ),
        check=credentials.check,
        headers=lambda key, values: bearer(key, values) | {"Version": "2021-07-28"},
        fields=(
            Field(
                "api",
                "API",
                "v[12]",
                choices={
                    "v2": "2.0 (a token that begins with pit-)",
                    "v1": "1.0 (an older location key)",
                },
            ),
            Field(
                "location_id",
                "Location ID (API 2.0)",
                r"\w{1,60}",
                "ve9EPM428h8vShlRW1KT",
                optional=True,
            ),
        ),
        check_settings=credentials.check_settings,
        address=lambda values: "legacy" if values.get("api") == "v1" else None,
    ),
    crm=CRM,
)
