"""Contacts, their leads (inquiries), and the lists of sources and traffic types."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, Index, Numeric, UniqueConstraint, text
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

OPENED_EVENT = "subject_id = (select app.opened('event'))"  # the one that a portal's form is of


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


class FieldSubject(LabelledEnum):
    """What an organisation has fields of its own for."""

    CONTACT = "contact"
    LEAD = "lead"
    EVENT = "event", "Booking"
    FORM = "form", "Post-call form"
    PAYMENT = "payment"


class FieldKind(LabelledEnum):
    """The type of the values of a field."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    SELECT = "select", "One of several"
    MULTI_SELECT = "multi_select", "Any of several"
    DATE = "date"
    YES_NO = "yes_no", "Yes or no"
    RATING = "rating", "Rating from 1 to 5"


class CustomFieldDefinition(TenantRow, Timestamps, Base):
    """A field that the organisation itself has defined. Its ``key`` is its name for programs and
    stays; so does its type, since values of another type would mean something else.
    """

    __tablename__ = "custom_field_definitions"
    __table_args__ = (
        UniqueConstraint("organization_id", "subject", "key"),
        secured("config", audit=True, links=opened_by(portal=ByLink(read="true"))),
    )

    subject: Mapped[FieldSubject] = mapped_column(Words(FieldSubject))
    key: Mapped[ProductText]
    label: Mapped[str]
    kind: Mapped[FieldKind] = mapped_column(Words(FieldKind))
    help: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class CustomFieldOption(TenantRow, Timestamps, Base):
    """One of the words from which a field is chosen."""

    __tablename__ = "custom_field_options"
    __table_args__ = (
        refers_to("definition_id", "custom_field_definitions"),
        UniqueConstraint("organization_id", "definition_id", "name"),
        secured("config", audit=True, links=opened_by(portal=ByLink(read="true"))),
    )

    definition_id: Mapped[UUID]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class CustomFieldValue(TenantRow, Timestamps, Base):
    """What one contact, lead, booking or payment has for a field; what a form answers is its
    booking's. It stands in the column of the field's type.
    """

    __tablename__ = "custom_field_values"
    __table_args__ = (
        refers_to("definition_id", "custom_field_definitions"),
        Index(None, "organization_id", "subject_id", "definition_id", unique=True),
        Index(None, "organization_id", "definition_id"),
        Index(None, "organization_id", "updated_at"),
        secured(
            "custom_values",
            audit=True,
            about=("subject_id",),
            owners=follows("subject_id", kind="subject_type"),
            links=opened_by(portal=ByLink(read=OPENED_EVENT, add=OPENED_EVENT)),
        ),
    )

    definition_id: Mapped[UUID]
    subject_type: Mapped[ProductText]  # as ``secured(subject=…)`` calls a table
    subject_id: Mapped[UUID]
    rep_user_ids: Mapped[RepUsers]
    text_value: Mapped[AboutPerson | None]
    number_value: Mapped[Decimal | None] = mapped_column(Numeric)
    amount: Mapped[Decimal | None]
    currency: Mapped[str | None]
    day: Mapped[date | None]
    flag: Mapped[bool | None]
    option_ids: Mapped[list[UUID]] = mapped_column(server_default=text("'{}'"))


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
            links=opened_by(portal=ByLink(read=OPENED_EVENT, add=OPENED_EVENT)),
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
