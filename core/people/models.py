"""Contacts, their leads (inquiries), and the lists of sources and traffic types."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.platform.labels import LabelledEnum
from core.platform.personal import (
    AboutPerson,
    Mention,
    NormalizedEmail,
    Personal,
    PersonEmail,
    PersonName,
    PersonPhone,
    Remark,
    personal,
)
from core.platform.schema import (
    BY_PRODUCT,
    UNRECORDED,
    Base,
    ByLink,
    ProductText,
    RepUsers,
    TenantRow,
    Timestamps,
    Words,
    follows,
    opened_by,
    refers_to,
    secured,
    shared,
)


class Contact(TenantRow, Timestamps, Base):
    """A person, once per organisation. Of two contacts that turn out to be one person, one stays
    and the other is ``merged_into_id`` it: what belonged to that is the other's, and what still
    arrives about it is too.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        refers_to("source_id", "sources"),
        refers_to("merged_into_id", "contacts"),
        Index(None, "organization_id", "phone_e164"),
        Index(None, "organization_id", "created_at"),
        Index(
            None,
            "organization_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id is not null"),
        ),
        Index("ix_contacts_tagged", "organization_id", postgresql_where=text("tags <> '{}'")),
        Index(
            "ix_contacts_asking", "organization_id", postgresql_where=text("asked_emails <> '{}'")
        ),
        Index(None, "rep_user_ids", postgresql_using="gin"),
        secured(
            "reps_private",
            audit=True,
            owners=shared("owner_user_id"),
            subject="contact",
            about=("id",),
            fixed=("email", "email_normalized", "merged_into_id", "erased_at"),
        ),
    )

    name: Mapped[PersonName | None]
    email: Mapped[PersonEmail | None]
    email_normalized: Mapped[NormalizedEmail | None]
    # addresses that somebody below manager has entered: a manager adds them, or not
    asked_emails: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'"), info=personal(Personal.TEXT, anywhere=True)
    )
    phone: Mapped[PersonPhone | None]
    phone_e164: Mapped[PersonPhone | None]
    company: Mapped[AboutPerson | None]
    address: Mapped[AboutPerson | None]
    city: Mapped[AboutPerson | None]
    country: Mapped[AboutPerson | None]
    source_id: Mapped[UUID | None]
    # What is noted of one person may name another, who sent them.
    tags: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'"), info=personal(Personal.TEXT, anywhere=True)
    )
    # what else the organisation notes of its contacts, and the ids that other systems have for
    # them, each by its name
    custom_fields: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), info=personal(Personal.TEXT, anywhere=True)
    )
    external_ids: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), info=personal(Personal.TEXT)
    )
    owner_user_id: Mapped[UUID | None]
    rep_user_ids: Mapped[RepUsers]
    merged_into_id: Mapped[UUID | None]
    unsubscribed_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class ContactEmail(TenantRow, Base):
    """Every address a contact is known by; one address belongs to one contact."""

    __tablename__ = "contact_emails"
    __table_args__ = (
        refers_to("contact_id", "contacts"),
        UniqueConstraint("organization_id", "email_normalized"),
        Index(None, "organization_id", "contact_id"),
        secured("addresses", audit=True, about=("contact_id",)),
    )

    contact_id: Mapped[UUID]
    email: Mapped[AboutPerson]
    email_normalized: Mapped[str] = mapped_column(info=personal(Personal.MARK) | {BY_PRODUCT: True})


class ContactPhone(TenantRow, Base):
    """A number of a contact beside their first one. Several people may share a number."""

    __tablename__ = "contact_phones"
    __table_args__ = (
        refers_to("contact_id", "contacts"),
        Index(None, "organization_id", "contact_id"),
        Index(None, "organization_id", "phone_e164"),
        secured("people", audit=True, about=("contact_id",)),
    )

    contact_id: Mapped[UUID]
    phone: Mapped[PersonPhone | None]
    phone_e164: Mapped[PersonPhone | None]


class Source(TenantRow, Base):
    """Where a lead came from (an ad, a webinar, a list); matched from UTM values by
    ``utm_values``.
    """

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("organization_id", "name"), secured("config", audit=True))

    name: Mapped[str]
    utm_values: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class TrafficType(TenantRow, Base):
    """How a lead came (paid, organic, outbound, referral); matched from ``utm_medium`` by
    ``utm_values``.
    """

    __tablename__ = "traffic_types"
    __table_args__ = (UniqueConstraint("organization_id", "name"), secured("config", audit=True))

    name: Mapped[str]
    utm_values: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class LeadStatus(LabelledEnum):
    NEW = "new"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"
    CONVERTED = "converted"


class LeadPriority(LabelledEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


# When an inquiry came, as SQL: where its source names no instant, when it was recorded.
RECEIVED = "coalesce(leads.received_at, leads.created_at)"


class Lead(TenantRow, Timestamps, Base):
    """One inquiry of a contact; a contact can have many."""

    __tablename__ = "leads"
    __table_args__ = (
        refers_to("contact_id", "contacts"),
        refers_to("source_id", "sources"),
        refers_to("traffic_type_id", "traffic_types"),
        Index(None, "organization_id", "contact_id"),
        Index(None, "organization_id", "created_at"),
        Index("ix_leads_received", "organization_id", text(RECEIVED)),
        Index(None, "rep_user_ids", postgresql_using="gin"),
        secured(
            "reps",
            audit=True,
            owners=shared("owner_user_id"),
            shares=("contact_id",),
            subject="lead",
            about=("contact_id",),
        ),
    )

    contact_id: Mapped[UUID]
    status: Mapped[LeadStatus] = mapped_column(Words(LeadStatus), server_default="new")
    is_converted: Mapped[bool] = mapped_column(
        Computed("status = 'converted'::text", persisted=True), info={UNRECORDED: True}
    )
    priority: Mapped[LeadPriority] = mapped_column(Words(LeadPriority), server_default="normal")
    spam_since: Mapped[datetime | None]  # since when it is marked as spam
    score: Mapped[int | None]
    qualification_summary: Mapped[str | None] = mapped_column(
        info=personal(Personal.TEXT, anywhere=True)
    )
    company: Mapped[AboutPerson | None]
    city: Mapped[AboutPerson | None]
    external_id: Mapped[AboutPerson | None]
    owner_user_id: Mapped[UUID | None]
    source_id: Mapped[UUID | None]
    traffic_type_id: Mapped[UUID | None]
    original_setter_name: Mapped[Mention | None]
    current_setter_name: Mapped[Mention | None]
    rep_user_ids: Mapped[RepUsers]
    raw_data: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"), info=personal(Personal.TEXT, anywhere=True)
    )
    received_at: Mapped[datetime | None]


class Activity(TenantRow, Base):
    """One line of the timeline shared by contact, lead, event and payment; append-only."""

    __tablename__ = "activities"
    __table_args__ = (
        Index(None, "organization_id", "at"),
        Index(None, "organization_id", "subject_type", "subject_id", "at"),
        Index(None, "organization_id", "contact_id", "at"),
        UniqueConstraint("organization_id", "dedupe_key"),
        secured(
            "timeline",
            about=("contact_id", "subject_id"),
            owners=follows("subject_id", kind="subject_type"),
            links=opened_by(
                portal=ByLink(
                    read="subject_id = (select app.opened('event'))",
                    add="subject_id = (select app.opened('event'))",
                )
            ),
        ),
    )

    at: Mapped[datetime]
    type: Mapped[str]
    summary: Mapped[Remark]
    subject_type: Mapped[ProductText]  # as ``secured(subject=…)`` calls a table
    subject_id: Mapped[UUID]
    contact_id: Mapped[UUID | None]
    rep_user_ids: Mapped[RepUsers]
    actor_user_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"),
        info=personal(Personal.DOCUMENT, hidden=False, anywhere=True),
    )
    dedupe_key: Mapped[str | None]
