"""Deliveries as the providers would send them, correctly signed, about imagined people."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from core.platform.clock import now

API = "https://api.calendly.com"
Signed = tuple[bytes, dict[str, str]]


@dataclass(frozen=True)
class SampleBooking:
    """One imagined booking, with the ids that later deliveries about it repeat."""

    email: str
    start: datetime
    name: str = "Lead One"
    closer_email: str = "closer.one@example.com"
    closer_name: str = "Closer One"
    setter: str | None = "setter-one"
    event_uuid: str = field(default_factory=lambda: str(uuid4()))
    invitee_uuid: str = field(default_factory=lambda: str(uuid4()))

    @property
    def uri(self) -> str:
        return f"{API}/scheduled_events/{self.event_uuid}/invitees/{self.invitee_uuid}"


def calendly_created(
    call: SampleBooking, *, booked_at: datetime | None = None, old: str | None = None
) -> dict[str, Any]:
    """``invitee.created``; ``old`` is the address of the invitee that this booking replaces."""
    booked = booked_at or call.start - timedelta(days=2)
    meeting = f"{API}/scheduled_events/{call.event_uuid}"
    return {
        "event": "invitee.created",
        "created_at": _iso(booked),
        "created_by": f"{API}/users/subscriber",
        "payload": {
            "uri": call.uri,
            "event": meeting,
            "email": call.email,
            "first_name": None,
            "last_name": None,
            "name": call.name,
            "status": "active",
            "timezone": "America/Denver",
            "text_reminder_number": None,
            "created_at": _iso(booked),
            "updated_at": _iso(booked),
            "rescheduled": False,
            "old_invitee": old,
            "new_invitee": None,
            "questions_and_answers": [
                {
                    "question": "What is your current monthly revenue?",
                    "answer": "$10K - $30K",
                    "position": 0,
                }
            ],
            "tracking": {
                "utm_campaign": "webinar",
                "utm_source": call.setter,
                "utm_medium": "organic",
                "utm_content": None,
                "utm_term": None,
                "salesforce_uuid": None,
            },
            "routing_form_submission": None,
            "payment": None,
            "no_show": None,
            "reconfirmation": None,
            "scheduling_method": None,
            "invitee_scheduled_by": None,
            "scheduled_event": {
                "uri": meeting,
                "name": "Strategy Call",
                "status": "active",
                "start_time": _iso(call.start),
                "end_time": _iso(call.start + timedelta(minutes=45)),
                "event_type": f"{API}/event_types/strategy",
                "location": {
                    "type": "google_conference",
                    "status": "pushed",
                    "join_url": "https://meet.example.com/abc",
                },
                "invitees_counter": {"total": 1, "active": 1, "limit": 1},
                "created_at": _iso(booked),
                "updated_at": _iso(booked),
                "event_memberships": [
                    {
                        "user": f"{API}/users/{call.closer_email}",
                        "user_email": call.closer_email,
                        "user_name": call.closer_name,
                    }
                ],
                "event_guests": [],
            },
        },
    }


def calendly_canceled(
    created: dict[str, Any], *, at: datetime, new: str | None = None
) -> dict[str, Any]:
    """``invitee.canceled`` for an earlier ``invitee.created``; ``new`` is the invitee that replaces
    it.
    """
    said = {
        "canceled_by": created["payload"]["name"],
        "canceler_type": "invitee",
        "reason": "Something came up",
        "created_at": _iso(at),
    }
    meeting = created["payload"]["scheduled_event"] | {
        "status": "canceled",
        "updated_at": _iso(at),
        "cancellation": said,
    }
    invitee = created["payload"] | {
        "status": "canceled",
        "updated_at": _iso(at),
        "rescheduled": new is not None,
        "new_invitee": new,
        "cancellation": said,
        "scheduled_event": meeting,
    }
    return created | {"event": "invitee.canceled", "created_at": _iso(at), "payload": invitee}


def calendly_no_show(
    created: dict[str, Any], *, at: datetime, removed: bool = False
) -> dict[str, Any]:
    """``invitee_no_show.created`` or ``.deleted``; the invitee's own ``updated_at`` stays."""
    mark = None if removed else {"uri": f"{API}/invitee_no_shows/{uuid4()}", "created_at": _iso(at)}
    name = "invitee_no_show.deleted" if removed else "invitee_no_show.created"
    return created | {
        "event": name,
        "created_at": _iso(at),
        "payload": created["payload"] | {"no_show": mark},
    }


def stripe_event(kind: str, stripe_object: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A Stripe event envelope around an object."""
    return {
        "id": f"evt_{secrets.token_hex(8)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(at.timestamp()),
        "data": {"object": stripe_object},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def stripe_intent(key: str, amount: int, at: datetime, *, currency: str = "usd") -> dict[str, Any]:
    """A succeeded payment intent; ``amount`` in the currency's minor unit."""
    return {
        "id": f"pi_{key}",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "capture_method": "automatic_async",
        "created": int(at.timestamp()),
        "currency": currency,
        "customer": "cus_sample",
        "latest_charge": f"ch_{key}",
        "livemode": True,
        "metadata": {},
        "receipt_email": None,
        "status": "succeeded",
    }


def stripe_charge(
    key: str,
    amount: int,
    email: str | None,
    at: datetime,
    *,
    currency: str = "usd",
    refunded: int = 0,
) -> dict[str, Any]:
    """The succeeded charge of the same payment; ``refunded`` is the running total."""
    return {
        "id": f"ch_{key}",
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "billing_details": {"email": email, "name": "Lead One", "phone": None, "address": {}},
        "captured": True,
        "created": int(at.timestamp()),
        "currency": currency,
        "customer": "cus_sample",
        "disputed": False,
        "livemode": True,
        "metadata": {},
        "paid": True,
        "payment_intent": f"pi_{key}",
        "receipt_email": None,
        "refunded": refunded >= amount,
        "status": "succeeded",
    }


def stripe_refund(
    key: str, number: int, amount: int, at: datetime, *, status: str = "succeeded"
) -> dict[str, Any]:
    """One refund of the payment."""
    return {
        "id": f"re_{key}{number}",
        "object": "refund",
        "amount": amount,
        "charge": f"ch_{key}",
        "created": int(at.timestamp()),
        "currency": "usd",
        "metadata": {},
        "payment_intent": f"pi_{key}",
        "reason": "requested_by_customer",
        "status": status,
    }


def whop_payment(
    key: str,
    total: str,
    email: str | None,
    at: datetime,
    *,
    membership: str | None = None,
    reason: str = "one_time",
) -> dict[str, Any]:
    """``payment.succeeded`` as a dated v1 webhook sends it."""
    money = {"amount": total, "currency": "usd", "decimals": 2, "display_decimals": 2}
    return {
        "id": f"msg_{secrets.token_hex(8)}",
        "api_version": "v1",
        "timestamp": _iso(at),
        "type": "payment.succeeded",
        "data": {
            "id": f"pay_{key}",
            "account_id": "biz_sample",
            "status": "paid",
            "substatus": "succeeded",
            "billing_reason": reason,
            "currency": "usd",
            "customer_email": email,
            "total": money,
            "subtotal": money,
            "refunded_amount": None,
            "user": {"id": "user_sample", "name": "Lead Two", "username": "leadtwo"},
            "membership_id": membership,
            "created_at": _iso(at),
            "updated_at": _iso(at),
            "paid_at": _iso(at),
            "failure_message": None,
            "metadata": {},
        },
        "account_id": "biz_sample",
        "api_version_date": "2026-10-15-1",
    }


def resend_event(
    kind: str,
    email: str,
    at: datetime,
    *,
    bounce: str | None = None,
    organization_id: UUID | None = None,
) -> dict[str, Any]:
    """A Resend event about one e-mail; ``bounce`` is its type, and ``organization_id`` the tag of
    our own e-mails.
    """
    data: dict[str, Any] = {
        "email_id": str(uuid4()),
        "from": "Sales Operations <no-reply@mail.example.com>",
        "to": [email],
        "subject": "Hello",
        "created_at": _iso(at),
        "tags": (
            [{"name": "organization", "value": str(organization_id)}] if organization_id else []
        ),
    }
    if bounce:
        data["bounce"] = {
            "type": bounce,
            "subType": "General",
            "message": "The recipient's mailbox does not exist.",
        }
    return {"type": kind, "created_at": _iso(at), "data": data}


def signed(
    provider: str, payload: Mapping[str, Any], secret: str, *, at: datetime | None = None
) -> Signed:
    """Body and headers as the provider would send them now (or ``at``)."""
    body, seconds = json.dumps(payload).encode(), str(int((at or now()).timestamp()))
    if provider == "whop":
        text = f"{payload['id']}.{seconds}.".encode() + body
        mac = base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()
        headers = {
            "webhook-id": payload["id"],
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{mac}",
        }
    elif provider == "resend":
        message_id = f"msg_{hashlib.sha256(body).hexdigest()[:24]}"
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = base64.b64encode(
            hmac.digest(key, f"{message_id}.{seconds}.".encode() + body, "sha256")
        ).decode()
        headers = {"svix-id": message_id, "svix-timestamp": seconds, "svix-signature": f"v1,{mac}"}
    else:
        mac = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
        name = {"calendly": "Calendly-Webhook-Signature", "stripe": "Stripe-Signature"}[provider]
        headers = {name: f"t={seconds},v1={mac}"}
    return body, headers | {"Content-Type": "application/json"}


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
