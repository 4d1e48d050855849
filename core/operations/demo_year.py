"""A believable year of one sales team: bookings, forms, payments, refunds and payouts. The same
seed gives the same year.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.booking import Booking, Cancellation
from core.bookings.form_answers import FormAnswers
from core.bookings.intake import record_bookings
from core.bookings.models import ListEntry, Package
from core.bookings.roster import Host, create_closer, create_setter
from core.money.form_filing import Filing, file_forms
from core.money.ledger import record_payments
from core.money.models import PaymentStatus
from core.money.payment_facts import DisputeFact, DisputeState, PaymentFact, RefundFact
from core.money.payouts import approve, create_snapshot
from core.people.actions import Person
from core.people.contacts import change_contact, details_of
from core.people.models import Contact, Source, TrafficType
from core.platform.clock import Period, now, today
from core.platform.database import as_system, organization_id_of
from core.platform.money import rounded
from core.providers.connections import create_connection
from core.tenancy.access.models import Role
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import current_organization

SEED = 20260101
CLOSERS = ("Ana", "Ben", "Clara", "David", "Elif", "Frank")
SETTERS = ("Sam", "Tara", "Ugo", "Vera", "Will")
FIRST = (
    "Alex",
    "Bea",
    "Carl",
    "Dina",
    "Eli",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Jo",
    "Kim",
    "Lou",
    "Mia",
    "Nils",
    "Ona",
    "Per",
)
LAST = (
    "Adler",
    "Berg",
    "Cole",
    "Dahl",
    "Ek",
    "Frost",
    "Gray",
    "Holm",
    "Ives",
    "Jensen",
    "Kane",
    "Lund",
    "Moss",
    "Nash",
)
SOURCES = {"Webinar": ["webinar"], "Instagram": ["ig"], "Referral": ["ref"]}
TRAFFIC = {"Paid": ["paid", "cpc"], "Organic": ["organic"], "Outbound": ["dm"]}
PACKAGES = {"Starter": 1500, "Core": 4000, "Elite": 9000}
LISTS = {
    "objection": ("Price", "Timing", "Partner", "Trust"),
    "no_show_reason": ("No answer", "Forgot", "Ill"),
    "no_sale_reason": ("No budget", "Not a fit", "Wants to think"),
    "call_outcome": ("Follow up", "Closed", "Lost"),
}
COMPANIES = ("Adler Studio", "Berg & Co", "Harbour Yoga", "Lund Consulting", "Moss Media")
CITIES = ("Austin", "Boston", "Denver", "Portland", "Seattle")
TAGS = ("VIP", "Webinar", "Podcast", "Referral")
AGREED = (
    "Talks to her partner over the weekend; ring to close.",
    "Waits for the next salary. Send the payment plan first.",
    "Liked Core, asks for two references.",
)
HOURS = (9, 10, 11, 13, 14, 15, 16, 17)


@dataclass(frozen=True)
class Scale:
    """How large the team is."""

    bookings_a_day: int
    closers: int
    setters: int
    days: int = 365


def seed_year(organization_id: UUID, scale: Scale) -> None:
    """Fill the organisation with a year that ends next week, counted from today."""
    with as_system(organization_id) as db:
        team = _Team(db, scale)
    for first_day in range(
        -scale.days, 8, 30
    ):  # a month at a time, so that no transaction grows large
        month = _Month()
        for day in range(first_day, min(first_day + 30, 8)):
            team.add_day(month, day)
        with as_system(organization_id) as db:
            month.record(db, team.boss)
    with as_system(organization_id) as db:
        _payouts(db, team.boss)
        _describe_contacts(db, team)


@dataclass
class _Month:
    """What happens in a month: bookings, and by booking the form and the payments that follow."""

    bookings: list[Booking] = field(default_factory=list)
    forms: dict[str, tuple[FormAnswers, datetime]] = field(default_factory=dict)
    payments: list[PaymentFact] = field(default_factory=list)

    def record(self, db: Session, boss: Viewer) -> None:
        """Make it rows, as the product's own intake does."""
        events = {each.external_id: each.id for each in record_bookings(db, self.bookings)}
        filings = [Filing(events[key], *filed) for key, filed in self.forms.items()]
        file_forms(db, filings, boss)
        record_payments(db, self.payments)


class _Team:
    """The team's lists, and the random numbers that decide its year."""

    def __init__(self, db: Session, scale: Scale) -> None:
        organization_id = organization_id_of(db)
        self.dice = random.Random(SEED)  # noqa: S311 - a made-up year, not a secret
        self.organization = current_organization(db)
        self.zone = ZoneInfo(self.organization.timezone)
        self.scale = scale
        self.now = now().replace(minute=0, second=0, microsecond=0)
        self.number = 0
        self.boss = Viewer(
            organization_id,
            "Demo",
            "demo@example.com",
            organization_id,
            self.organization.name,
            self.organization.timezone,
            self.organization.currency,
            self.organization.locale,
            Role.ADMIN,
            frozenset(self.organization.modules),
        )
        self.hosts = [
            Host(None, f"{name.lower()}@example.com", name) for name in CLOSERS[: scale.closers]
        ]
        for host in self.hosts:
            create_closer(db, host.name or "", host.email)
        for name in SETTERS[: scale.setters]:
            create_setter(db, name, f"{name.lower()}@example.com", aliases=[f"{name.lower()}-dm"])
        for name, values in SOURCES.items():
            db.add(Source(organization_id=organization_id, name=name, utm_values=values))
        for name, values in TRAFFIC.items():
            db.add(TrafficType(organization_id=organization_id, name=name, utm_values=values))
        for name, price in PACKAGES.items():
            db.add(
                Package(
                    organization_id=organization_id,
                    name=name,
                    price=Decimal(price),
                    currency=self.organization.currency,
                )
            )
        for kind, names in LISTS.items():
            for position, name in enumerate(names):
                db.add(
                    ListEntry(
                        organization_id=organization_id, kind=kind, name=name, position=position
                    )
                )
        db.flush()
        self.packages = {package.name: package.id for package in db.scalars(select(Package))}
        self.stripe = create_connection(db, "stripe", "Stripe", f"demo-{organization_id}").id

    def add_day(self, month: _Month, offset: int) -> None:
        """Add the bookings of one day, counted from today, with their forms and payments; fewer at
        weekends.
        """
        day = today(self.organization.timezone) + timedelta(days=offset)
        wanted = self.scale.bookings_a_day if day.weekday() < 5 else self.scale.bookings_a_day // 3
        for _ in range(wanted + self.dice.randint(-1, 1) if wanted > 1 else wanted):
            hour, minute = self.dice.choice(HOURS), self.dice.choice((0, 30))
            at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
            self._add_booking(month, at)

    def _add_booking(self, month: _Month, at: datetime) -> None:
        self.number += 1
        booking = self._booking(at)
        luck = self.dice.random()
        if luck < 0.07 and booking.booked_at < self.now:
            given_up_at = min(at - timedelta(hours=self.dice.choice((3, 30))), self.now)
            month.bookings.append(_given_up(booking, given_up_at))
            return
        if luck < 0.14:
            self._move(month, booking)
            return
        month.bookings.append(booking)
        if at < self.now - timedelta(minutes=50):
            self._hold(month, booking)

    def _booking(self, at: datetime) -> Booking:
        person = f"{self.dice.choice(FIRST)} {self.dice.choice(LAST)}"
        setter = self.dice.choice([f"{name.lower()}-dm" for name in SETTERS[: self.scale.setters]])
        if self.number % 97 == 0:
            setter = "new-setter"
        medium = self.dice.choice([values[0] for values in TRAFFIC.values()])
        campaign = self.dice.choice([values[0] for values in SOURCES.values()])
        return Booking(
            person=Person(person, f"{person.lower().replace(' ', '.')}.{self.number}@example.com"),
            scheduled_at=at,
            ends_at=at + timedelta(minutes=45),
            booked_at=min(
                at - timedelta(hours=self.dice.randint(4, 120)), self.now - timedelta(hours=1)
            ),
            hosts=[self.dice.choice(self.hosts)],
            call_type=self.dice.choice(("Strategy Call", "Strategy Call", "Follow-up")),
            utm={"utm_source": setter, "utm_medium": medium, "utm_campaign": campaign},
            setter_mentions=[setter],
            meeting_url="https://meet.example.com/demo",
            platform="calendly",
            external_id=f"demo-{self.organization.slug}-{self.number}",
        )

    def _move(self, month: _Month, booking: Booking) -> None:
        """Reschedule to two days later, as a calendar reports it: cancelled, and booked again."""
        moved_at = min(booking.scheduled_at - timedelta(hours=5), self.now)
        month.bookings.append(_given_up(booking, moved_at, moved=True))
        later = booking.scheduled_at + timedelta(days=2)
        again = replace(
            booking,
            scheduled_at=later,
            ends_at=later + timedelta(minutes=45),
            booked_at=moved_at,
            external_id=f"{booking.external_id}-b",
            replaces_external_id=booking.external_id,
        )
        month.bookings.append(again)
        if later < self.now - timedelta(minutes=50):
            self._hold(month, again)

    def _hold(self, month: _Month, booking: Booking) -> None:
        """File the booking's form and pay what was sold. The newest forms are often still
        missing.
        """
        at, key = booking.scheduled_at, str(booking.external_id)
        fresh = at > self.now - timedelta(days=4)
        if fresh and (booking.hosts[0].name == CLOSERS[0] or self.dice.random() < 0.3):
            return
        showed = self.dice.random() < 0.74
        offered = showed and self.dice.random() < 0.8
        closed = offered and self.dice.random() < 0.38
        package = self.dice.choice(list(PACKAGES))
        answers = FormAnswers(
            call_occurred=True,
            lead_showed=showed,
            offer_made=offered,
            deal_closed=closed,
            package_id=self.packages[package] if closed else None,
            payment_type="pif" if closed else None,
            objections=[self.dice.choice(LISTS["objection"])] if offered and not closed else [],
            notes="Wants to start next month." if closed else None,
        )
        if offered and not closed and at > self.now - timedelta(days=12):
            answers = self._agreeing(answers, at)
        filed_at = min(at + timedelta(hours=self.dice.choice((1, 2, 3, 20, 30))), self.now)
        if closed and self.dice.random() < 0.15:
            cash, currency = Decimal(PACKAGES[package]), self.organization.currency
            month.forms[key] = replace(answers, cash_collected=cash, currency=currency), filed_at
            return
        month.forms[key] = answers, filed_at
        if closed:
            self._pay(month, booking.person, package, at + timedelta(hours=1))

    def _agreeing(self, answers: FormAnswers, at: datetime) -> FormAnswers:
        """The same answers with a day to follow up on, a few days after the meeting."""
        day = at.date() + timedelta(days=self.dice.choice((3, 5, 7, 9)))
        return replace(answers, notes=self.dice.choice(AGREED), follow_up_on=day)

    def _pay(self, month: _Month, lead: Person, package: str, at: datetime) -> None:
        """Pay by card, at once or in three instalments. Some payments are refunded, and some come
        from another e-mail address.
        """
        plan = self.dice.random() < 0.3
        email = lead.email if self.dice.random() > 0.04 else f"billing.{self.number}@example.com"
        for instalment in range(3 if plan else 1):
            paid_at = at + timedelta(days=30 * instalment)
            if paid_at > self.now:
                return
            amount = Decimal(PACKAGES[package]) / (3 if plan else 1)
            key = f"pi_demo{self.number}{'abc'[instalment]}"
            refunds = []
            if self.dice.random() < 0.05:
                back = min(paid_at + timedelta(days=4), self.now)
                refunds = [
                    RefundFact(
                        f"re_{key}",
                        rounded(amount / 2, self.organization.currency),
                        "succeeded",
                        back,
                    )
                ]
            month.payments.append(
                PaymentFact(
                    processor="stripe",
                    connection_id=self.stripe,
                    key=key,
                    amount=rounded(amount, self.organization.currency),
                    currency=self.organization.currency,
                    status=PaymentStatus.SUCCEEDED,
                    at=paid_at,
                    email=email,
                    name=lead.name,
                    package_name=package,
                    membership_key=f"sub_demo{self.number}" if plan else None,
                    disputes=self._disputes(key, amount, paid_at),
                    refunds=refunds,
                ),
            )

    def _disputes(self, key: str, amount: Decimal, at: datetime) -> list[DisputeFact]:
        if self.number % 211:
            return []
        return [DisputeFact(f"dp_{key}", amount, "needs_response", DisputeState.OPEN, at)]


def _given_up(booking: Booking, at: datetime, *, moved: bool = False) -> Booking:
    gone = Cancellation(moved, at, booking.person.name, reason="Something came up")
    return replace(booking, cancellation=gone)


def _describe_contacts(db: Session, team: _Team) -> None:
    """Some of the latest contacts have a company, a city and tags, as a team would note them."""
    latest = select(Contact).order_by(Contact.created_at.desc(), Contact.id).limit(40)
    for number, contact in enumerate(db.scalars(latest).all()):
        if number % 2:
            continue
        before = details_of(db, contact)
        after = replace(
            before,
            company=COMPANIES[number % len(COMPANIES)],
            city=CITIES[number % len(CITIES)],
            country="United States",
            tags=(TAGS[number % len(TAGS)],),
        )
        change_contact(db, contact.id, before, after, team.boss)


def _payouts(db: Session, boss: Viewer) -> None:
    """The last two months approved, so that the second adjusts the first; this month a draft."""
    this_month = today(boss.timezone).replace(day=1)
    last_month = _month_before(this_month)
    next_month = (this_month + timedelta(days=32)).replace(day=1)
    for start, end in (
        (_month_before(last_month), last_month),
        (last_month, this_month),
        (this_month, next_month),
    ):
        snapshot = create_snapshot(db, f"{start:%B %Y}", Period(start, end, boss.timezone), None)
        if end <= this_month:
            approve(db, snapshot.id, boss)


def _month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)
