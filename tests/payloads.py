"""The providers' payload files, filled with the values of a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from core.providers.payloads import example, payload

API = "https://api.calendly.com"


@dataclass(frozen=True)
class SampleBooking:
    """One imaginary booking, with the ids that later deliveries about it repeat."""

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
    values = vars(call) | {"meeting": call.event_uuid, "key": call.invitee_uuid}
    if booked_at:
        values["booked_at"] = booked_at
    made = payload("calendly", "invitee.created", example(**values))
    made["payload"]["old_invitee"] = old
    return made


def calendly_canceled(
    created: dict[str, Any], *, at: datetime, new: str | None = None
) -> dict[str, Any]:
    """``invitee.canceled`` for an earlier ``invitee.created``; ``new`` is the invitee that replaces
    it.
    """
    made = payload("calendly", "invitee.canceled", example(at=at, name=created["payload"]["name"]))
    changed = {name: made["payload"][name] for name in ("status", "updated_at", "cancellation")}
    meeting = created["payload"]["scheduled_event"] | changed
    invitee = created["payload"] | changed | {"scheduled_event": meeting}
    invitee |= {"rescheduled": new is not None, "new_invitee": new}
    return created | {
        "event": made["event"],
        "created_at": made["created_at"],
        "payload": invitee,
    }


def calendly_no_show(
    created: dict[str, Any], *, at: datetime, removed: bool = False
) -> dict[str, Any]:
    """``invitee_no_show.created`` or ``.deleted``; the invitee's own ``updated_at`` stays."""
    file = "invitee_no_show.deleted" if removed else "invitee_no_show.created"
    made = payload("calendly", file, example(at=at))
    invitee = created["payload"] | {"no_show": made["payload"]["no_show"]}
    return created | {
        "event": made["event"],
        "created_at": made["created_at"],
        "payload": invitee,
    }


def stripe_event(kind: str, stripe_object: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A Stripe event envelope around an object."""
    envelope = payload("stripe", "test.delivery", example(at=at))
    return envelope | {"type": kind, "data": {"object": stripe_object}}


def stripe_object(file: str, **values: Any) -> dict[str, Any]:
    """The object of an event."""
    made: dict[str, Any] = payload("stripe", file, example(**values))["data"]["object"]
    return made


def stripe_intent(key: str, amount: int, at: datetime, *, currency: str = "usd") -> dict[str, Any]:
    """A succeeded payment intent; ``amount`` in the currency's minor unit."""
    made = stripe_object("payment_intent.succeeded", key=key, at=at)
    return made | {"amount": amount, "amount_received": amount, "currency": currency}


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
    made = stripe_object("charge.succeeded", key=key, email=email, at=at)
    return made | {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "currency": currency,
        "refunded": refunded >= amount,
    }


def stripe_refund(
    key: str, number: int, amount: int, at: datetime, *, status: str = "succeeded"
) -> dict[str, Any]:
    """One refund of the payment."""
    made = stripe_object("refund.created", key=key, at=at)
    return made | {"id": f"re_{key}{number}", "amount": amount, "status": status}


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
    made = payload("whop", "payment.succeeded", example(key=key, email=email, at=at))
    money = made["data"]["total"] | {"amount": total}
    made["data"] |= {
        "total": money,
        "subtotal": money,
        "membership_id": membership,
        "billing_reason": reason,
        "user": made["data"]["user"] | {"name": "Lead Two"},
    }
    return made


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
    made = payload("resend", "email.bounced", example(email=email, at=at)) | {"type": kind}
    if organization_id:
        made["data"]["tags"] = [{"name": "organization", "value": str(organization_id)}]
    if bounce:
        made["data"]["bounce"]["type"] = bounce
    else:
        del made["data"]["bounce"]
    return made
