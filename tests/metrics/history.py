"""A random month of one organisation, made of rows as the product writes them, with events at
awkward instants.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.bookings.models import CallType, Closer, Event, Package, PostCallForm, Setter
from core.bookings.status import settle_status
from core.money.models import Payment, Refund
from core.people.models import Contact, Lead, Source, TrafficType
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.tenancy.access.viewers import Viewer
from tests import factories as make

LATE_CANCEL_HOURS = 24
TICK = timedelta(microseconds=1)
NEAR = (
    timedelta(),
    -TICK,
    TICK,
    timedelta(minutes=-30),
    timedelta(minutes=30),
    timedelta(hours=-1),
    timedelta(hours=1),
)
CHANGES = {  # a day on which the clocks change, or just any day where they never do
    "Europe/Copenhagen": date(2026, 3, 29),
    "America/New_York": date(2026, 11, 1),
    "America/Havana": date(2026, 3, 8),
    "Australia/Lord_Howe": date(2026, 10, 4),
    "Asia/Kathmandu": date(2026, 5, 1),
}


@dataclass(frozen=True)
class History:
    """What was generated. ``at`` is the instant that counts as now; ``lists`` has the ids of each
    list by the column that refers to it.
    """

    organization_id: UUID
    timezone: str
    period: Period
    at: datetime
    viewers: dict[str, Viewer]
    lists: dict[str, list[UUID]]


def random_history(
    timezone: str,
    seed: int,
    *,
    calls: int = 220,
    payments: int = 140,
    around: date | None = None,
) -> History:
    """The same rows for the same seed; ten days before the clocks change, or before the day
    ``around``, and twelve after.
    """
    dice = random.Random(f"{timezone} {seed}")
    change, grace = around or CHANGES[timezone], dice.choice([0, 1, 24, 36])
    period = Period(change - timedelta(days=10), change + timedelta(days=12), timezone)
    org = make.organization(
        timezone=timezone, pcf_grace_hours=grace, late_cancel_hours=LATE_CANCEL_HOURS
    )
    viewers = {role: make.viewer(org, role) for role in ("admin", "manager", "viewer", "sales_rep")}
    edges = _edges(period)
    at = dice.choice(edges[6:]) + timedelta(hours=dice.randint(0, 30))
    edges += [at, at - timedelta(hours=grace)] * 3
    with as_system(org) as db:
        lock_books(db)
        lists = _lists(db, org, viewers)
        events = [_event(db, org, dice, edges, at, grace, lists) for _ in range(calls)]
        db.flush()
        _payments(db, org, dice, edges, events, lists, payments)
        _leads(db, org, random.Random(f"{timezone} {seed} leads"), edges, events, lists)
        db.flush()
        # touching a call or payment hands its people to its form and its refunds
        db.execute(text("update app.events set closer_id = closer_id"))
        db.execute(text("update app.payments set closer_id = closer_id"))
    return History(org, timezone, period, at, viewers, lists)


def _edges(period: Period) -> list[datetime]:
    """The instants at which a new local day begins or the clocks change, found by looking at every
    quarter of an hour.
    """
    zone = ZoneInfo(period.timezone)
    at = datetime.combine(period.start - timedelta(days=2), datetime.min.time(), UTC)
    quarters = [at + timedelta(minutes=15 * number) for number in range((period.days + 4) * 96)]
    local = [quarter.astimezone(zone) for quarter in quarters]
    return [
        quarters[number]
        for number in range(1, len(quarters))
        if (local[number].date(), local[number].utcoffset())
        != (local[number - 1].date(), local[number - 1].utcoffset())
    ]


def _lists(db: Session, org: UUID, viewers: dict[str, Viewer]) -> dict[str, list[UUID]]:
    rep, manager = viewers["sales_rep"].user_id, viewers["manager"].user_id
    rows = {
        "closer_id": [
            Closer(name="Ana", user_id=rep),
            Closer(name="Bo", user_id=manager),
            Closer(name="Cy"),
            Closer(name="Cy"),
        ],
        "setter_id": [Setter(name="Sam", user_id=rep), Setter(name="Tia")],
        "source_id": [Source(name=name) for name in ("Webinar", "Ads", "List")],
        "traffic_type_id": [TrafficType(name=name) for name in ("Paid", "Organic")],
        "call_type_id": [CallType(name=name) for name in ("Demo", "Strategy")],
        "package_id": [Package(name=name) for name in ("Gold", "Silver")],
    }
    for made in rows.values():
        for row in made:
            row.organization_id = org
            db.add(row)
    db.flush()
    return {column: [row.id for row in made] for column, made in rows.items()}


def _moment(dice: random.Random, edges: list[datetime]) -> datetime:
    edge = dice.choice(edges)
    return edge + (
        dice.choice(NEAR) if dice.random() < 0.5 else timedelta(seconds=dice.randint(0, 86_400))
    )


def _maybe(dice: random.Random, chance: float, value: object) -> object:
    return value if dice.random() < chance else None


def _new_id(dice: random.Random) -> UUID:
    return UUID(int=dice.getrandbits(128), version=4)


def _event(
    db: Session,
    org: UUID,
    dice: random.Random,
    edges: list[datetime],
    at: datetime,
    grace: int,
    lists: dict[str, list[UUID]],
) -> Event:
    starts, notice = _moment(dice, edges), timedelta(hours=LATE_CANCEL_HOURS)
    status = dice.choices(["scheduled", "canceled", "rescheduled"], [7, 2, 1])[0]
    event = Event(
        organization_id=org,
        id=_new_id(dice),
        lead_name="Lead",
        scheduled_at=starts,
        provider_status=status,
        booked_at=starts - timedelta(minutes=dice.randint(1, 20_000)),
        deleted_at=_maybe(dice, 0.05, at),
        provider_no_show_at=_maybe(dice, 0.15, starts + timedelta(hours=1)),
        canceled_at=starts - notice + dice.choice(NEAR) if status == "canceled" else None,
        **{
            column: _maybe(dice, 0.8, dice.choice(ids))
            for column, ids in lists.items()
            if column != "package_id"
        },
    )
    form = (
        _form(dice, event, grace, lists)
        if starts < at and status != "rescheduled" and dice.random() < 0.6
        else None
    )
    settle_status(event, form, LATE_CANCEL_HOURS)
    db.add_all([event, form] if form else [event])
    return event


def _form(
    dice: random.Random, event: Event, grace: int, lists: dict[str, list[UUID]]
) -> PostCallForm:
    depth = dice.randint(0, 4)
    waited = (
        timedelta(hours=grace) + dice.choice(NEAR)
        if dice.random() < 0.5
        else timedelta(minutes=dice.randint(1, 4_000))
    )
    return PostCallForm(
        organization_id=event.organization_id,
        event_id=event.id,
        call_occurred=depth > 0,
        lead_showed=depth > 1,
        offer_made=depth > 2,
        deal_closed=depth > 3,
        submitted_at=event.scheduled_at + waited,
        package_id=_maybe(dice, 0.5, dice.choice(lists["package_id"])),
    )


def _payments(
    db: Session,
    org: UUID,
    dice: random.Random,
    edges: list[datetime],
    events: list[Event],
    lists: dict[str, list[UUID]],
    count: int,
) -> None:
    made = [_payment(org, dice, edges, dice.choice(events), lists) for _ in range(count)]
    db.add_all(made)
    db.flush()
    for payment in made:
        payment.superseded_by_id = _maybe(dice, 0.05, dice.choice(made).id)
        if dice.random() < 0.3:
            _refund(db, dice, payment)


def _payment(
    org: UUID,
    dice: random.Random,
    edges: list[datetime],
    event: Event,
    lists: dict[str, list[UUID]],
) -> Payment:
    attributed = dice.random() < 0.8
    columns = ("closer_id", "setter_id", "source_id", "traffic_type_id", "call_type_id")
    return Payment(
        organization_id=org,
        id=_new_id(dice),
        amount=Decimal(dice.randint(0, 999_999)).scaleb(-2),
        currency=dice.choice(["USD", "USD", "EUR", "JPY"]),
        payment_date=_moment(dice, edges),
        status=dice.choices(["succeeded", "pending", "failed", "canceled"], [8, 1, 1, 1])[0],
        disputed=dice.random() < 0.1,
        deleted_at=_maybe(dice, 0.05, event.scheduled_at),
        package_id=_maybe(dice, 0.5, dice.choice(lists["package_id"])),
        event_id=event.id if attributed else None,
        **{column: getattr(event, column) for column in columns if attributed},
    )


def _refund(db: Session, dice: random.Random, payment: Payment) -> None:
    """Refunds in full or in two parts, at once or months later, as a refund or as a dispute; failed
    refunds and won disputes do not count.
    """
    parts = dice.choice([[payment.amount], [payment.amount / 4, Decimal("0.01")]])
    for number, amount in enumerate(parts):
        status = dice.choice(
            ["succeeded", "succeeded", "pending", "requires_action", "failed", "canceled"]
        )
        refund = Refund(
            organization_id=payment.organization_id,
            payment_id=payment.id,
            amount=round(amount, 2),
            currency=payment.currency,
            status=status,
            processor_refund_id=f"re_{number}",
            kind=dice.choice(["refund", "refund", "dispute"]),
            refunded_at=payment.payment_date + timedelta(days=dice.choice([0, 3, 90])),
        )
        db.add(refund)
        payment.refund_amount = (payment.refund_amount or 0) + (
            refund.amount if status not in ("failed", "canceled") else 0
        )


def _leads(
    db: Session,
    org: UUID,
    dice: random.Random,
    edges: list[datetime],
    events: list[Event],
    lists: dict[str, list[UUID]],
) -> None:
    """Leads with any number of bookings; some without an instant at which they arrived, and some
    that are spam.
    """
    leads = []
    for number in range(len(events) // 2):
        contact = Contact(organization_id=org, id=_new_id(dice), name=f"Lead {number}")
        received = _maybe(dice, 0.8, _moment(dice, edges))
        lead = Lead(
            organization_id=org,
            id=_new_id(dice),
            contact_id=contact.id,
            received_at=received,
            created_at=_moment(dice, edges),
            spam_since=edges[0] if number % 7 == 3 else None,
            source_id=_maybe(dice, 0.7, dice.choice(lists["source_id"])),
            traffic_type_id=_maybe(dice, 0.7, dice.choice(lists["traffic_type_id"])),
        )
        leads.append(lead)
        db.add(contact)
    db.flush()
    db.add_all(leads)
    db.flush()
    contacts = {lead.id: lead.contact_id for lead in leads}
    for event in events:
        if lead_id := _maybe(dice, 0.5, dice.choice(leads).id):
            event.lead_id, event.contact_id = lead_id, contacts[lead_id]
