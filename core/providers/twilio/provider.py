"""Twilio: text messages."""

from core.providers.credentials import basic
from core.providers.provider import Credentials, Field, Provider, Use
from core.providers.twilio import credentials

# A number, a messaging service, or a name: letters, digits and blanks, one of them a letter.
SENDER = r"\+[1-9]\d{6,14}|MG[0-9a-f]{32}|(?=[\d ]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,10}"

PROVIDER = Provider(
    name="twilio",
    label="Twilio",
    use=Use.TEXTS,
    address="https://api.twilio.com/2010-04-01",
    credentials=Credentials(
        key_name="Auth token, or the secret of an API key",
        where="Twilio: Account → API keys and tokens",
        check=credentials.check,
        headers=lambda key, values: basic(values.get("key_sid") or values["account_sid"], key),
        fields=(
            Field("account_sid", "Account SID", "AC[0-9a-f]{32}", "AC…"),
            Field(
                "key_sid",
                "API key SID (empty for the auth token)",
                "SK[0-9a-f]{32}",
                "SK…",
                optional=True,
            ),
            Field(
                "sender",
                "Sender of texts",
                SENDER,
                "+4520123456, MG… or a name of at most 11 letters",
                optional=True,
            ),
        ),
        text_sender="sender",
    ),
)
