"""Whop: payments."""

from core.people.person_fields import PersonFields
from core.providers.credentials import SIGNING_SECRET, bearer
from core.providers.provider import Credentials, Field, Inbound, Provider, Sample, Use
from core.providers.whop import credentials, webhook

PROVIDER = Provider(
    name="whop",
    label="Whop",
    use=Use.PAYMENTS,
    address="https://api.whop.com/api/v1",
    inbound=Inbound(
        verify=webhook.verify,
        sign=webhook.sign,
        delivery_key=webhook.delivery_key,
        event_type=webhook.event_type,
        handle=webhook.handle,
        signing_hint="ws_… Whop shows it under Developer → Webhooks.",
        headers=("webhook-id", "webhook-timestamp"),
        signature_headers=("webhook-signature", "x-whop-signature"),
        person_fields=PersonFields(
            names=frozenset({"name", "full_name"}),
            details=frozenset(
                {"username", "phone", "phone_number", "profile_picture", "profile_pic_url"}
            ),
            persons=frozenset({"user"}),
        ),
        samples=(Sample("payment.succeeded", lead=1),),
    ),
    credentials=Credentials(
        key_name="API key",
        where="Whop: Developer → Company API keys",
        check=credentials.check,
        headers=bearer,
        fields=(Field("company_id", "Company ID", r"biz_\w{1,60}", "biz_…"),),
        mistaken={"ws_": SIGNING_SECRET},
    ),
)
