"""Scheduled sales meetings (events), who books and takes them, and the post-call form."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from core.platform.labels import LabelledEnum
from core.platform.personal import (
    AboutPerson,
    HiddenMention,
    Mention,
    NormalizedEmail,
    NormalizedUserEmail,
    Personal,
    PersonEmail,
    PersonName,
    PersonPhone,
    UserText,
    personal,
)
from core.platform.schema import (
    BY_PRODUCT,
    IN_WORDS,
    LABEL,
    UNRECORDED,
    Base,
    ByLink,
    ProductText,
    RepUsers,
    TenantRow,
    Timestamps,
    UserId,
    Words,
    follows,
    opened_by,
    own,
    owned_by,
    refers_to,
    secured,
    unless,
)
from core.tenancy.organizations.models import SettingsRow

THEIR_CLOSER = "closer_id = (select app.opened('closer'))"  # whose portal it is
ONE_EVENT = "event_id = (select app.opened('event'))"  # the one that a portal's form is of


class CallStatus(LabelledEnum):
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    NO_SHOW = "no_show", "No-show"
    CANCELED = "canceled", "Cancelled"
    RESCHEDULED = "rescheduled", "Moved"


# There was no meeting at the booked time, since the booking was called off before it.
GONE = (CallStatus.CANCELED, CallStatus.RESCHEDULED)


class EventOutcome(LabelledEnum):
    NO_SHOW = "no_show", "No-show"
    SHOWED = "showed"
    OFFER_MADE = "offer_made"
    CLOSED = "closed"


class Party(LabelledEnum):
    GUEST = "guest", "The lead"
    HOST = "host", "Our side"


class PaymentType(LabelledEnum):
    PIF = "pif", "Paid in full"
    PAYMENT_PLAN = "payment_plan"
    DEPOSIT = "deposit"


class UtmField(StrEnum):
    """What a link to a booking page may say of where its reader came from."""

    SOURCE = "utm_source"
    MEDIUM = "utm_medium"
    CAMPAIGN = "utm_campaign"
    CONTENT = "utm_content"
    TERM = "utm_term"


class PrimaryCrm(LabelledEnum):
    """The CRM that post-call forms go to."""

    NONE = "none"
    GHL = "ghl", "GoHighLevel"


class ListKind(StrEnum):
    CALL_OUTCOME = "call_outcome"
    OPPORTUNITY_STATUS = "opportunity_status"
    OBJECTION = "objection"
    NO_SHOW_REASON = "no_show_reason"
    NO_SALE_REASON = "no_sale_reason"


class _Rep(TenantRow, Timestamps):
    name: Mapped[UserText]
    email: Mapped[UserText | None]
    email_normalized: Mapped[NormalizedUserEmail | None]
    user_id: Mapped[UUID | None]
    aliases: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


def _at_calendly() -> MappedColumn[str | None]:
    """A generated column: Calendly's own id from ``known_as``."""
    return mapped_column(
        Computed("(known_as ->> 'calendly'::text)", persisted=True), info={UNRECORDED: True}
    )


class _KnownToPlatforms:
    """``known_as`` is the id that each booking platform has for the row, by the platform's name. An
    id means nothing on another platform.
    """

    known_as: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Closer(_Rep, _KnownToPlatforms, Base):
    """A rep who takes meetings. Matched to a host by the platform's user, then by e-mail."""

    __tablename__ = "closers"
    __table_args__ = (
        Index(None, "organization_id", "email_normalized"),
        secured(
            "config",
            audit=True,
            links=opened_by(portal=ByLink(read="id = (select app.opened('closer'))")),
        ),
    )

    calendly_user_uri: Mapped[str | None] = _at_calendly()


class Setter(_Rep, Base):
    """A rep who books meetings. Matched by name, alias or e-mail; ``aliases`` are the names by
    which bookings mention them.
    """

    __tablename__ = "setters"
    __table_args__ = (
        Index(None, "organization_id", "email_normalized"),
        secured(
            "config",
            audit=True,
            links=opened_by(portal=ByLink(read="id = (select app.opened('setter'))")),
        ),
    )


class BookingSettings(SettingsRow, Base):
    """When a form is overdue and a cancellation late, and where a booking names its setter."""

    __tablename__ = "booking_settings"

    pcf_grace_hours: Mapped[int] = mapped_column(server_default=text("24"))
    late_cancel_hours: Mapped[int] = mapped_column(server_default=text("24"))
    duplicate_hours: Mapped[int] = mapped_column(server_default=text("24"))
    setter_utm_field: Mapped[UtmField] = mapped_column(Words(UtmField), server_default="utm_source")
    setter_question: Mapped[str | None]
    primary_crm: Mapped[PrimaryCrm] = mapped_column(Words(PrimaryCrm), server_default="none")


class CallType(TenantRow, _KnownToPlatforms, Base):
    """A kind of booking, usually one event type of each platform."""

    __tablename__ = "call_types"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        secured("config", audit=True, links=opened_by(portal=ByLink(read="true"))),
    )

    name: Mapped[str]
    calendly_event_type_uri: Mapped[str | None] = _at_calendly()
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class Package(TenantRow, Base):
    """What is sold, with its list price."""

    __tablename__ = "packages"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        secured("config", audit=True, links=opened_by(portal=ByLink(read="true"))),
    )

    name: Mapped[str]
    price: Mapped[Decimal | None]
    currency: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class ListEntry(TenantRow, Base):
    """One entry of a list that forms offer: call outcomes, opportunity statuses, objections,
    reasons.
    """

    __tablename__ = "list_entries"
    __table_args__ = (
        UniqueConstraint("organization_id", "kind", "name"),
        secured(
            "config",
            audit=True,
            label="Form lists",
            links=opened_by(portal=ByLink(read="true")),
        ),
    )

    kind: Mapped[ListKind] = mapped_column(Words(ListKind))
    name: Mapped[str]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))


def _of_platform(platform: str, column: str) -> MappedColumn[str | None]:
    """A generated column: the platform's own name for ``column``, filled for its bookings only."""
    named = f"CASE WHEN booking_platform = '{platform}'::text THEN {column} ELSE NULL::text END"
    return mapped_column(Computed(named, persisted=True))


# What never is null stands first, in rows of which Postgres reads everything at each look.
COUNTED = (
    *("id", "stands", "pcf_submitted", "canceled_late", "booked_at", "call_status"),
    *("closer_id", "setter_id", "event_outcome", "pcf_submitted_at", "source_id"),
    *("closer_user_id", "setter_user_id", "traffic_type_id", "call_type_id"),
)


class Event(TenantRow, Timestamps, Base):
    """A scheduled sales meeting. What the provider reports and what the form reports are separate
    columns; ``call_status`` follows from both.
    """

    __tablename__ = "events"
    __table_args__ = (
        refers_to("contact_id", "contacts"),
        refers_to("lead_id", "leads"),
        refers_to("closer_id", "closers"),
        refers_to("setter_id", "setters"),
        refers_to("call_type_id", "call_types"),
        refers_to("source_id", "sources"),
        refers_to("traffic_type_id", "traffic_types"),
        refers_to("rescheduled_to_id", "events"),
        refers_to("merged_into_id", "events"),
        CheckConstraint("merged_into_id is null or deleted_at is not null", name="merged_is_gone"),
        CheckConstraint("merged_into_id <> id", name="merged_into_another"),
        UniqueConstraint("organization_id", "booking_platform", "external_id"),
        # Holds all that figures are counted from, grouped by and narrowed to, and whose a row is:
        # they are read from it alone. By the other two whoever has bookings is found.
        Index(
            None,
            "organization_id",
            "scheduled_at",
            postgresql_include=COUNTED,
            postgresql_where=text("deleted_at is null"),
        ),
        Index(None, "organization_id", "closer_id", "scheduled_at"),
        Index(None, "organization_id", "setter_id", "scheduled_at"),
        Index(None, "organization_id", "updated_at"),
        Index(None, "organization_id", "lead_email_normalized", "scheduled_at"),
        Index(None, "organization_id", "contact_id"),
        Index(None, "organization_id", "lead_id"),
        Index(None, "organization_id", "rescheduled_to_id"),
        Index(
            None,
            "organization_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id is not null"),
        ),
        Index(None, "organization_id", "booking_platform", "replaces_external_id"),
        secured(
            "reps",
            audit=True,
            owners=owned_by("closer", "setter"),
            about=("contact_id", "lead_email_normalized"),
            shares=("lead_id", "contact_id"),
            subject="event",
            label="Bookings",
            links=opened_by(
                portal=ByLink(
                    read=THEIR_CLOSER,
                    change=f"{THEIR_CLOSER} and id = (select app.opened('event'))",
                ),
                share=ByLink(read="true"),
                share_money=ByLink(read="true"),
            ),
        ),
    )

    # who
    contact_id: Mapped[UUID | None]
    lead_id: Mapped[UUID | None]
    lead_name: Mapped[PersonName | None]
    lead_email: Mapped[PersonEmail | None]
    lead_email_normalized: Mapped[NormalizedEmail | None]
    lead_phone: Mapped[PersonPhone | None]
    closer_id: Mapped[UUID | None]
    closer_name: Mapped[str | None]
    closer_user_id: Mapped[UUID | None]
    setter_id: Mapped[UUID | None]
    setter_name: Mapped[Mention | None]
    setter_user_id: Mapped[UUID | None]
    other_hosts: Mapped[list[Any]] = mapped_column(
        server_default=text("'[]'"), info=personal(Personal.DOCUMENT, hidden=False)
    )

    # how the platform names the host who is credited, on the roster or not
    host_uri: Mapped[str | None]
    host_email: Mapped[Mention | None]
    # whether nothing but the name says that this is the closer
    closer_by_name: Mapped[bool] = mapped_column(server_default=text("false"))

    # what kind, and where from
    call_type_id: Mapped[UUID | None]
    source_id: Mapped[UUID | None]
    traffic_type_id: Mapped[UUID | None]
    utm_source: Mapped[Mention | None]
    utm_medium: Mapped[Mention | None]
    utm_campaign: Mapped[Mention | None]
    utm_content: Mapped[Mention | None]
    utm_term: Mapped[Mention | None]
    answers: Mapped[list[Any]] = mapped_column(
        server_default=text("'[]'"), info=personal(Personal.ANSWERS)
    )

    # when
    scheduled_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    booked_at: Mapped[datetime]  # of one that was moved, when the first booking was made
    made_at: Mapped[datetime | None]  # when this booking itself was made, as far as that is known
    replaced_at: Mapped[datetime | None]  # when the one that replaces it was made

    # how it went
    # its own name is older than the glossary
    call_status: Mapped[CallStatus] = mapped_column(
        Words(CallStatus), server_default="scheduled", info={LABEL: "Booking status"}
    )
    stands: Mapped[bool] = unless("call_status", GONE)
    event_outcome: Mapped[EventOutcome | None] = mapped_column(Words(EventOutcome))
    pcf_submitted: Mapped[bool] = mapped_column(server_default=text("false"))
    pcf_submitted_at: Mapped[datetime | None]
    no_show_party: Mapped[Party | None] = mapped_column(Words(Party))
    cancel_reason: Mapped[str | None] = mapped_column(info=personal(Personal.TEXT, hidden=False))
    canceled_by: Mapped[HiddenMention | None]
    canceled_at: Mapped[datetime | None]
    canceled_party: Mapped[Party | None] = mapped_column(Words(Party))
    canceled_late: Mapped[bool] = mapped_column(server_default=text("false"))
    rescheduled_to_id: Mapped[UUID | None]

    # what the booking platform says, untouched by forms
    # a provider's name
    booking_platform: Mapped[str] = mapped_column(
        server_default="manual", info={IN_WORDS: {"manual": "Entered by hand"}}
    )
    provider_status: Mapped[CallStatus] = mapped_column(
        Words(CallStatus, CallStatus.SCHEDULED, CallStatus.CANCELED, CallStatus.RESCHEDULED),
        server_default="scheduled",
    )
    provider_no_show_at: Mapped[datetime | None]
    external_id: Mapped[str | None]  # the platform's own id of the booking
    replaces_external_id: Mapped[str | None]  # that of the booking which this one replaces
    external_meeting_id: Mapped[str | None]  # several bookings of a group share one meeting
    calendly_event_uuid: Mapped[str | None] = _of_platform("calendly", "external_meeting_id")
    calendly_invitee_uuid: Mapped[str | None] = _of_platform("calendly", "external_id")
    acuity_appointment_id: Mapped[str | None] = _of_platform("acuity", "external_id")
    # What the people and the source were matched from. While it stays the same, they stay.
    hosts_digest: Mapped[str | None]
    origin_digest: Mapped[str | None] = mapped_column(info=personal(Personal.TEXT, hidden=False))
    ghl_contact_id: Mapped[str | None]
    hubspot_contact_id: Mapped[str | None]
    close_lead_id: Mapped[str | None]
    meeting_url: Mapped[HiddenMention | None]
    deleted_at: Mapped[datetime | None]
    merged_into_id: Mapped[UUID | None]  # the booking of the same meeting that stands for it


class DuplicateVerdict(LabelledEnum):
    OPEN = "open", "Not decided"
    MERGED = "merged"
    DIFFERENT = "different", "Two meetings"


class EventPair(TenantRow, Timestamps, Base):
    """What a person decided of two bookings that may be one meeting; of a merge ``event_id`` is the
    one that stays, and each two have one row whichever is named first. Of a merge it holds what
    an undo takes back: what the remaining booking took from the other, whether the form went over,
    and whether the cash of the other's form stopped counting.
    """

    __tablename__ = "event_pairs"
    __table_args__ = (
        refers_to("event_id", "events"),
        refers_to("other_id", "events"),
        UniqueConstraint("organization_id", "event_id", "other_id"),
        Index(None, "organization_id", "other_id"),
        CheckConstraint("event_id <> other_id", name="of_two"),
        secured(
            "reps",
            audit=True,
            owners=follows("event_id"),
            about=("event_id",),
            label="Possible duplicates",
        ),
    )

    event_id: Mapped[UUID]
    other_id: Mapped[UUID]
    rep_user_ids: Mapped[RepUsers]
    verdict: Mapped[DuplicateVerdict] = mapped_column(Words(DuplicateVerdict))
    decided_at: Mapped[datetime]
    decided_by: Mapped[UserId | None]
    taken: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    took_form: Mapped[bool] = mapped_column(server_default=text("false"))
    cash_set_aside: Mapped[bool] = mapped_column(server_default=text("false"))


class FormConfig(TenantRow, Timestamps, Base):
    """One version of a form's design. Its ``layout`` is complete in itself, so that a form is read
    with the questions that it was filed with; the one without a ``version`` is being worked on.
    """

    __tablename__ = "form_configs"
    __table_args__ = (
        UniqueConstraint(
            "organization_id", "form_type", "version", postgresql_nulls_not_distinct=True
        ),
        secured(
            "config",
            audit=True,
            label="Form designs",
            links=opened_by(portal=ByLink(read="true")),
        ),
    )

    form_type: Mapped[ProductText] = mapped_column(server_default="post_call")
    version: Mapped[int | None]
    layout: Mapped[list[Any]] = mapped_column(info={BY_PRODUCT: True})
    published_at: Mapped[datetime | None]
    published_by: Mapped[UserId | None]


class PostCallForm(TenantRow, Timestamps, Base):
    """What the closer reports about one event; exactly one per event."""

    __tablename__ = "post_call_forms"
    __table_args__ = (
        refers_to("event_id", "events"),
        refers_to("package_id", "packages"),
        refers_to("call_outcome_id", "list_entries"),
        refers_to("opportunity_status_id", "list_entries"),
        refers_to("reason_id", "list_entries"),
        UniqueConstraint("organization_id", "event_id"),
        Index(
            "ix_post_call_forms_to_follow_up",
            "organization_id",
            "follow_up_on",
            postgresql_where=text("follow_up_on is not null"),
        ),
        CheckConstraint("call_occurred or not lead_showed", name="showed_needs_occurred"),
        CheckConstraint("lead_showed or not offer_made", name="offer_needs_showed"),
        CheckConstraint("offer_made or not deal_closed", name="closed_needs_offer"),
        CheckConstraint(
            "deal_closed or payment_type = 'deposit' or coalesce(cash_collected, 0) = 0",
            name="cash_needs_closed",
        ),
        CheckConstraint("cash_collected >= 0", name="cash_not_negative"),
        secured(
            "forms",
            audit=True,
            label="Post-call forms",
            about=("event_id",),
            owners=follows("event_id"),
            links=opened_by(portal=ByLink(read=ONE_EVENT, add=ONE_EVENT)),
        ),
    )

    event_id: Mapped[UUID]
    rep_user_ids: Mapped[RepUsers]
    call_occurred: Mapped[bool]
    lead_showed: Mapped[bool] = mapped_column(server_default=text("false"))
    offer_made: Mapped[bool] = mapped_column(server_default=text("false"))
    deal_closed: Mapped[bool] = mapped_column(server_default=text("false"))
    no_show_party: Mapped[Party | None] = mapped_column(Words(Party))
    cash_collected: Mapped[Decimal | None]
    currency: Mapped[str | None]
    payment_type: Mapped[PaymentType | None] = mapped_column(Words(PaymentType))
    package_id: Mapped[UUID | None]
    call_outcome_id: Mapped[UUID | None]
    opportunity_status_id: Mapped[UUID | None]
    reason_id: Mapped[UUID | None]
    traffic_type: Mapped[str | None]  # as the closer wrote it
    objections: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    follow_up_on: Mapped[date | None]
    followed_up_at: Mapped[datetime | None]  # when it was marked as done
    followed_up_by: Mapped[UserId | None]
    notes: Mapped[AboutPerson | None]
    recording_url: Mapped[AboutPerson | None]
    config_version: Mapped[int | None]  # of the form's design; None is the product's own
    version: Mapped[int] = mapped_column(server_default=text("1"))
    submitted_by: Mapped[UserId | None]
    submitted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PcfDraft(TenantRow, Base):
    """A half-filled form, stored so that a dropped connection loses nothing."""

    __tablename__ = "pcf_drafts"
    __table_args__ = (
        refers_to("event_id", "events"),
        UniqueConstraint("organization_id", "event_id", "user_id"),
        secured("own", owners=own("user_id"), about=("event_id",)),
    )

    event_id: Mapped[UUID]
    user_id: Mapped[UUID]
    answers: Mapped[dict[str, Any]] = mapped_column(info=personal(Personal.DRAFT))
    form_version: Mapped[int] = mapped_column(server_default=text("0"))
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())
