"""Resend: e-mail, and which addresses cannot be reached. Its key is the installation's own."""

from core.providers.provider import Inbound, Provider, Use
from core.providers.resend import webhook

PROVIDER = Provider(
    name="resend",
    label="Resend",
    use=Use.EMAIL,
    address="https://api.resend.com",
    inbound=Inbound(
        verify=webhook.verify,
        sign=webhook.sign,
        delivery_key=webhook.delivery_key,
        event_type=webhook.event_type,
        handle=webhook.handle,
        signing_hint="whsec_… Resend shows it under Webhooks, at the endpoint.",
        check_secret=webhook.check_secret,
        mistaken_secrets={
            "re_": "This is an API key. The signing secret of an endpoint begins with whsec_."
        },
        headers=("svix-id", "svix-timestamp"),
        signature_headers=("svix-signature",),
    ),
)
