"""Deliveries for the tests of the receiver, its answers to them, and what it stores."""

import hmac

from sqlalchemy import func, select

from core.deliveries.models import WebhookDelivery
from core.platform.database import as_system
from core.providers.payloads import signed
from tests.flow import SECRET


def payload(number=1):
    return {"id": f"evt_{number}", "event": "test", "type": "test", "data": {"id": number}}


def said(answer):
    return answer.status_code, answer.json()


def kept(org):
    with as_system(org) as db:
        return db.scalar(select(func.count()).select_from(WebhookDelivery))


def signed_bytes(body):
    headers = signed("stripe", {}, SECRET)[1]
    seconds = headers["Stripe-Signature"].partition(",")[0][2:]
    mac = hmac.digest(SECRET.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return {"content": body, "headers": {"Stripe-Signature": f"t={seconds},v1={mac}"}}
