"""Calendly: bookings."""

from core.people.person_fields import PersonFields
from core.providers.calendly import credentials, webhook
from core.providers.calendly.meetings import SCHEDULED_EVENTS
from core.providers.credentials import bearer
from core.providers.provider import Credentials, Inbound, Provider, Sample, Use

PROVIDER = Provider(
    name="calendly",
    label="Calendly",
    use=Use.BOOKINGS,
    address="https://api.calendly.com",
    inbound=Inbound(
        verify=webhook.verify,
        sign=webhook.sign,
        delivery_key=webhook.delivery_key,
        event_type=webhook.event_type,
        handle=webhook.handle,
        signing_hint="the signing key that you chose when you created the webhook subscription.",
        signature_headers=("calendly-webhook-signature",),
        person_fields=PersonFields(
            names=frozenset({"name", "full_name"}),
            details=frozenset({"first_name", "last_name", "text_reminder_number"}),
        ),
        samples=(Sample("invitee.created", lead=0), Sample("invitee.created", lead=1)),
    ),
    credentials=Credentials(
        key_name="Personal access token",
        where="Calendly: Integrations → API and webhooks → Personal access tokens",
        check=credentials.check,
        headers=bearer,
    ),
    syncs=(SCHEDULED_EVENTS,),
)
