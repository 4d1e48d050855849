"""What lines of the audit log are about, as people speak of it: whose booking, which payment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, Text, cast, select
from sqlalchemy.orm import Session

from core.bookings.models import Event, PostCallForm
from core.deliveries.models import WebhookConnection, WebhookDelivery
from core.money.models import Payment, PayoutSnapshot, Refund
from core.people.models import Contact, ContactEmail, ContactPhone, Lead
from core.platform.money import shown
from core.platform.schema import Base
from core.providers.registry import providers
from core.tenancy.access.audit_actions import Headline
from core.tenancy.access.models import Invitation, OrganizationMember

# By which of its lines an action is known, the most telling first.
TELLING = (
    Headline(
        "contacts", "update", ("merged_into_id",), "Merged contact {what} into {merged_into_id}"
    ),
    Headline("events", "update", ("merged_into_id",), "Merged {what} into {merged_into_id}"),
    Headline("post_call_forms"),
    Headline("payout_snapshots"),
    Headline("payments", "insert"),
    Headline("events", "insert"),
    Headline("payments", "update", ("event_id",), "Matched {what} to a booking"),
    Headline("payments"),
    Headline("events"),
    Headline("leads"),
    Headline("contacts", "insert"),
    Headline("contacts", "update", ("name",)),
    Headline("contacts", "update", ("phone",), "Changed the phone numbers of {what}"),
    Headline("contacts", "update", ("email",), "Changed the e-mail addresses of {what}"),
    Headline("contacts"),
    Headline("contact_phones", words="Changed the phone numbers of {contact_id}"),
    Headline("contact_emails", words="Changed the e-mail addresses of {contact_id}"),
    Headline("organization_members"),
    Headline("invitations"),
    Headline(
        "organizations",
        "update",
        ("name", "timezone", "currency", "region", "locale", "logo_version"),
        "Changed General settings: {columns}",
    ),
    Headline("webhook_deliveries", "look", words="Opened a delivery of {what}"),
    Headline("payout-payments", "export", words="Downloaded payments of a payout"),
    Headline("payout-payments", "mass_export", words="Downloaded payments of a payout"),
)
Rows = Select[*tuple[Any, ...]]
# By table, the screen that shows a row of it, its id, and the id that the screen is opened with.
SCREENS: dict[str, tuple[str, Any, Any]] = {
    "events": ("event", Event.id, Event.id),
    "post_call_forms": ("event", PostCallForm.id, PostCallForm.event_id),
    "payments": ("payment", Payment.id, Payment.id),
    "refunds": ("payment", Refund.id, Refund.payment_id),
    "payout_snapshots": ("payout", PayoutSnapshot.id, PayoutSnapshot.id),
    "contacts": ("contact", Contact.id, Contact.id),
    "contact_emails": ("contact", ContactEmail.id, ContactEmail.contact_id),
    "contact_phones": ("contact", ContactPhone.id, ContactPhone.contact_id),
    "leads": ("lead", Lead.id, Lead.id),
}


def place_of(db: Session, table: str, row_id: str) -> tuple[str, str] | None:
    """The screen that shows what a line of the log is about, and the id to open it with; None where
    there is no such screen, or no such row any more that the caller may see.
    """
    if table not in SCREENS or not _is_id(row_id):
        return None
    screen, key, opened = SCREENS[table]
    found = db.scalar(select(opened).where(key == UUID(row_id)))
    return (screen, str(found)) if found else None


def subjects(
    db: Session, lines: Iterable[Row[Any]], day: Callable[[Any], str]
) -> dict[tuple[str, str], str]:
    """By table and row id, what it is, as far as it is still there and the caller may see it;
    ``day`` writes an instant as a day of the reader's zone.
    """
    wanted: dict[str, set[str]] = {}
    for line in lines:
        if _is_id(line.row_id):
            wanted.setdefault(line.table_name, set()).add(line.row_id)
    found: dict[tuple[str, str], str] = {}
    for table, ids in wanted.items():
        if (query := _query(table, ids)) is not None:
            for row in db.execute(query).mappings():
                if words := _words(table, row, day):
                    found[table, str(row["id"])] = words
    return found


def _is_id(row_id: str) -> bool:
    try:
        UUID(row_id)
    except ValueError:
        return False
    return True


def _query(table: str, ids: Iterable[str]) -> Rows | None:
    """The rows with what they are called by; None for a table whose rows have no name."""
    special: dict[str, tuple[Any, Any]] = {
        "events": (select(Event.id, Event.lead_name, Event.scheduled_at), Event.id),
        "post_call_forms": (
            select(PostCallForm.id, Event.lead_name, Event.scheduled_at).join(
                Event,
                (Event.organization_id == PostCallForm.organization_id)
                & (Event.id == PostCallForm.event_id),
            ),
            PostCallForm.id,
        ),
        "payments": (
            select(Payment.id, Payment.customer_name, Payment.amount, Payment.currency),
            Payment.id,
        ),
        "leads": (
            select(Lead.id, Contact.name).join(
                Contact,
                (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id),
            ),
            Lead.id,
        ),
        "organization_members": (
            select(OrganizationMember.user_id.label("id"), OrganizationMember.name),
            OrganizationMember.user_id,
        ),
        "webhook_deliveries": (
            select(WebhookDelivery.id, WebhookConnection.provider).join(
                WebhookConnection,
                (WebhookConnection.organization_id == WebhookDelivery.organization_id)
                & (WebhookConnection.id == WebhookDelivery.connection_id),
            ),
            WebhookDelivery.id,
        ),
        "invitations": (select(Invitation.id, Invitation.email.label("name")), Invitation.id),
    }
    if table in special:
        query, key = special[table]
        return query.where(cast(key, Text).in_(sorted(ids)))
    known: Table | None = Base.metadata.tables.get(f"app.{table}")
    if known is None or not {"id", "name"} <= set(known.c.keys()):
        return None
    return select(known.c.id, known.c.name).where(cast(known.c.id, Text).in_(sorted(ids)))


def _words(table: str, row: Mapping[Any, Any], day: Callable[[Any], str]) -> str:
    if table in ("events", "post_call_forms"):
        whose = f"{row['lead_name']}’s booking" if row["lead_name"] else "a booking"
        return f"{whose} of {day(row['scheduled_at'])}"
    if table == "payments":
        whose = f"{row['customer_name']}’s payment" if row["customer_name"] else "a payment"
        return f"{whose} of {shown(row['amount'], row['currency'])}"
    if table == "webhook_deliveries":
        known = providers().get(row["provider"])
        return known.label if known else row["provider"]
    return row["name"] or ""
