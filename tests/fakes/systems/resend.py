"""Source: ``resend`` 2.51.0, ``Webhooks.verify``."""

from tests.fakes.systems import Vector

AT = 1774778400
VECTORS = {
    "resend": Vector(
        "whsec_cmVzZW5kLXdlYmhvb2stdGVzdC1rZXktMzItYnl0ZXM=",
        AT,
        (
            b'{"type":"email.delivered","created_at":"2026-03-29T10:00:00.000Z",'
            b'"data":{"email_id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}}'
        ),
        {
            "svix-id": "msg_2Kx9TestVector",
            "svix-timestamp": str(AT),
            "svix-signature": "v1,NIQIhtTdeSWtb6yYa49ecQhwjejgPHtQGvBlH6y9ujI=",
        },
    )
}
