"""Stripe: payments."""

from core.people.person_fields import PersonFields
from core.providers.credentials import SIGNING_SECRET, bearer
from core.providers.provider import Credentials, Inbound, Provider, Sample, Use
from core.providers.stripe import credentials, webhook
from core.providers.stripe.events import EVENTS

PROVIDER = Provider(
    name="stripe",
    label="Stripe",
    use=Use.PAYMENTS,
    address="https://api.stripe.com",
    inbound=Inbound(
        verify=webhook.verify,
        sign=webhook.sign,
        delivery_key=webhook.delivery_key,
        event_type=webhook.event_type,
        handle=webhook.handle,
        signing_hint="whsec_… Stripe shows it under Developers → Webhooks, at the endpoint.",
        mistaken_secrets=dict.fromkeys(
            ("sk_", "rk_", "pk_"),
            "This is an API key. The signing secret of an endpoint begins with whsec_.",
        ),
        signature_headers=("stripe-signature",),
        person_fields=PersonFields(
            names=frozenset({"name", "customer_name"}),
            details=frozenset(
                {
                    "phone",
                    "address",
                    "shipping",
                    "customer_phone",
                    "customer_address",
                    "customer_shipping",
                    "billing_address",
                    "shipping_details",
                    "ip",
                    "ip_address",
                }
            ),
            persons=frozenset({"customer", "customer_details", "billing_details"}),
        ),
        samples=(Sample("payment_intent.succeeded"), Sample("charge.succeeded")),
    ),
    credentials=Credentials(
        key_name="Restricted or secret key",
        where="Stripe: Developers → API keys; one that may only read is enough",
        check=credentials.check,
        headers=bearer,
        mistaken={
            "pk_": (
                "This is the publishable key, which anybody may see. Enter a restricted key (rk_…)"
                " or the secret key (sk_…)."
            ),
            "whsec_": SIGNING_SECRET,
        },
        noted=dict.fromkeys(("sk_test_", "rk_test_"), "A test key: it sees no real payments."),
    ),
    syncs=(EVENTS,),
)
