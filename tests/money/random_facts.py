"""Random organisations in which bookings, forms, cards and decisions come in a random order, each
step through the product's own actions, with the facts that an oracle reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count as count_up
from random import Random
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from core.bookings.models import Event, Package, PostCallForm
from core.money.attribution import (
    adopt_address,
    attribute,
    attribute_event,
    choose_event,
)
from core.money.models import PairVerdict, Payment
from core.money.payouts import approve, create_snapshot
from core.money.reconciliation import decide_pair
from core.people.actions import Person, find_or_make_contact
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.errors import Conflict
from core.providers.connections import create_connection
from tests import factories as make
from tests.factories import NOON
from tests.money.attribution_oracle import EventFact, Facts, Money, count, earned, is_refused

AMOUNTS = (1000, 1000, 2500)
CURRENCIES = ("USD", "USD", "USD", "EUR")
ZONE = "Europe/Copenhagen"
DAYS = 6
STATUSES = ("scheduled", "completed", "completed", "no_show", "canceled", "rescheduled")
Step = Callable[[], None]


class History:
    """Facts of one random organisation, and the steps by which they come, each with what must have
    come before it.
    """

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.choices = count_up()
        self.facts = Facts(self.dice.choice((0, 2)), self.dice.choice((0, 1, 3)))
        self.org = make.organization(
            forward_attribution_days=self.facts.forward_days or None,
            reconciliation_days=self.facts.window_days,
        )
        self.mara = make.viewer(self.org, "manager", name="Mara")
        self.admin = make.viewer(self.org)
        self.paid_until = NOON.date().replace(day=1)
        self.steps: list[tuple[object, set[object], Step]] = []
        with as_system(self.org) as db:
            self.connection = create_connection(db, "stripe", "Main", "secret").id
            packages = [Package(organization_id=self.org, name=name) for name in ("Core", "Gold")]
            db.add_all(packages)
            db.flush()
            self.packages = [package.id for package in packages]
            self.closers = [make.closer(db, self.org, name).id for name in ("Ana", "Bo")]
            for name in ("one", "two"):
                contact = find_or_make_contact(db, Person(name, f"{name}@example.com"), "US")
                make.address(db, contact, f"{name}.more@example.com")
                for email in (f"{name}@example.com", f"{name}.more@example.com"):
                    self.facts.owner_of[email] = contact.id
        self.contacts = sorted(set(self.facts.owner_of.values()))
        for make_facts in (self.make_events, self.make_cards, self.make_forms):
            make_facts()
        self.make_decisions()
        self.make_address()

    def moment(self):
        return NOON + timedelta(seconds=self.dice.randrange(DAYS * 86400))

    def step(self, name: object, after: set[object], act: Step) -> None:
        self.steps.append((name, after, act))

    def make_events(self) -> None:
        for _ in range(self.dice.randint(2, 5)):
            contact = self.dice.choice([*self.contacts, None])
            theirs = [email for email, owner in self.facts.owner_of.items() if owner == contact]
            event = EventFact(
                uuid4(),
                contact,
                self.dice.choice([*(theirs or ["stranger@example.com"]), None]),
                self.moment(),
                self.dice.choice(STATUSES),
                self.dice.random() < 0.1,
            )
            self.facts.events[event.id] = event
        events = list(self.facts.events.values())
        for place, event in enumerate(events):
            if event.status in ("rescheduled", "no_show") and events[place + 1 :]:
                event.moved_to = self.dice.choice([None, *events[place + 1 :] * 2])
                event.moved_to = event.moved_to and event.moved_to.id
            needed = {event.id, event.moved_to} - {None}
            self.step(event.id, set(), lambda event=event: self.book(event))
            self.step(uuid4(), needed, lambda event=event: self.settle(event))

    def book(self, event: EventFact) -> None:
        """It begins scheduled, of the first closer; ``settle`` brings it to what it is."""
        with as_system(self.org) as db:
            row = make.event(
                db, self.org, at=event.at, email=event.email, id=event.id, contact_id=event.contact
            )
            row.closer_id = self.closers[0]
            db.flush()
            attribute_event(db, event.id)

    def settle(self, event: EventFact) -> None:
        with as_system(self.org) as db:
            lock_books(db)
            row = db.get_one(Event, (self.org, event.id))
            row.call_status, row.closer_id = event.status, self.closers[event.at.second % 2]
            row.deleted_at = NOON if event.is_deleted else None
            row.rescheduled_to_id = event.moved_to
            db.flush()
            attribute_event(db, event.id)

    def make_cards(self) -> None:
        emails = [*self.facts.owner_of, "stranger@example.com", "partner@example.com", None]
        for number in range(self.dice.randint(2, 6)):
            card = Money(
                uuid4(),
                self.dice.choice(AMOUNTS),
                self.moment(),
                self.dice.choice(emails),
                is_entered=False,
                key=f"pi_{number}",
                membership=self.dice.choice(["sub_1", None, None]),
                booked=self.dice.choice([*self.facts.events, *[None] * 8]),
                status=self.dice.choice(["succeeded"] * 5 + ["failed"]),
                currency=self.dice.choice(CURRENCIES),
                package=self.dice.choice([*self.packages, None, None]),
            )
            self.facts.money[card.id] = card
            self.step(card.id, {card.booked} - {None}, lambda card=card: self.charge(card))

    def charge(self, card: Money) -> None:
        with as_system(self.org) as db:
            payment = make.payment(
                db,
                self.org,
                str(card.amount),
                at=card.at,
                email=card.email,
                id=card.id,
                processor="stripe",
                connection_id=self.connection,
                processor_payment_id=card.key,
                membership_key=card.membership,
                booked_event_id=card.booked,
                status=card.status,
                currency=card.currency,
                named_package_id=card.package,
            )
            attribute(db, payment)

    def make_forms(self) -> None:
        for event in list(self.facts.events.values()):
            if self.dice.random() < 0.6:
                entry = Money(
                    uuid4(),
                    self.dice.choice(AMOUNTS),
                    event.at + timedelta(seconds=self.dice.randrange(4 * 86400)),
                    event.email,
                    is_entered=True,
                    form=event.id,
                    currency=self.dice.choice(CURRENCIES),
                    package=self.dice.choice([*self.packages, None]),
                )
                self.facts.money[entry.id] = entry
                if event.email and self.dice.random() < 0.5:
                    self.pay_by_card(event, entry)
                self.step(entry.id, {event.id}, lambda entry=entry: self.file_first(entry))
                again = self.dice.choice([self.correct, self.refile])
                self.step(uuid4(), {entry.id}, lambda entry=entry, again=again: again(entry))

    def pay_by_card(self, event: EventFact, entry: Money) -> None:
        """One of the cards was charged what the form says."""
        cards = [each for each in self.facts.money.values() if not each.is_entered]
        card = self.dice.choice(cards)
        card.email, card.amount, card.currency = event.email, entry.amount, entry.currency
        card.at = event.at + timedelta(seconds=self.dice.randrange(3600))

    def file_first(self, entry: Money) -> None:
        """With another amount than the one that it has in the end. The trigger writes the payment;
        here it is given the id that the facts know it by.
        """
        with as_system(self.org) as db:
            form = self.file(db, entry)
            form.cash_collected = Decimal(2500)
            db.flush()
            db.execute(
                text("update app.payments set id = :id where pcf_id = :form"),
                {"id": entry.id, "form": form.id},
            )
            attribute_event(db, entry.form)

    def file(self, db: Session, entry: Money, late: timedelta = timedelta(0)) -> PostCallForm:
        lock_books(db)
        form = PostCallForm(
            organization_id=self.org,
            event_id=entry.form,
            call_occurred=True,
            lead_showed=True,
            offer_made=True,
            deal_closed=True,
            cash_collected=Decimal(entry.amount),
            currency=entry.currency,
            package_id=entry.package,
            submitted_at=entry.at + late,
        )
        db.add(form)
        db.flush()
        return form

    def correct(self, entry: Money) -> None:
        """To what the facts say of it."""
        with as_system(self.org) as db:
            lock_books(db)
            form = db.scalars(select(PostCallForm).where(PostCallForm.event_id == entry.form)).one()
            form.cash_collected, form.currency = Decimal(entry.amount), entry.currency
            form.version += 1
            db.flush()
            attribute_event(db, entry.form)

    def withdraw(self, entry: Money) -> None:
        with as_system(self.org) as db:
            lock_books(db)
            db.execute(delete(PostCallForm).where(PostCallForm.event_id == entry.form))
            attribute_event(db, entry.form)

    def refile(self, entry: Money) -> None:
        """The form is withdrawn and filed again, days later."""
        self.withdraw(entry)
        with as_system(self.org) as db:
            self.file(db, entry, late=timedelta(days=9))
            attribute_event(db, entry.form)

    # after a payout

    def approve(self) -> None:
        """A payout counts everything."""
        period = Period(self.paid_until, self.paid_until + timedelta(days=20), ZONE)
        with self.admin.transaction() as db:
            snapshot = create_snapshot(db, f"From {self.paid_until}", period, self.admin)
            approve(db, snapshot.id, self.admin)
        self.paid_until = period.end
        count(self.facts)

    def go_on(self) -> None:
        """Forms are corrected, withdrawn and filed again, cards charged, pairs separated and
        joined, and bookings moved.
        """
        for pair in [pair for pair, said in self.facts.verdicts.items() if said == "counted"]:
            if self.dice.random() < 0.25:
                verdict = self.dice.choice(["different", "open"])
                if verdict == "different":
                    self.facts.verdicts.pop(pair)
                    self.facts.verdicts[pair] = verdict
                self.decide(pair, verdict)
        for entry in [each for each in self.facts.money.values() if each.is_entered]:
            act = self.dice.choice([self.correct, self.correct, self.refile, self.withdraw, None])
            if act is not None:
                entry.amount = self.dice.choice((*AMOUNTS, 999))
                entry.is_withdrawn = act == self.withdraw
                act(entry)
        self.charge_late()
        self.join()
        *some, last = self.facts.events.values()
        for event in some:
            if self.dice.random() < 0.3:
                event.status, event.moved_to = "rescheduled", last.id
                self.settle(event)

    def charge_late(self) -> None:
        """A card's record of what a payout has counted of a form."""
        counted = [each for each in self.facts.paid_as if self.facts.money[each].email]
        if counted:
            entry = self.facts.money[self.dice.choice(counted)]
            amount, currency = self.facts.paid_as[entry.id]
            card = Money(uuid4(), amount, entry.at, entry.email, is_entered=False, key="pi_late")
            card.currency = currency
            self.facts.money[card.id] = card
            self.charge(card)

    def join(self) -> None:
        """A person calls two payments the same, and is refused where that contradicts a payout."""
        entries = [
            each.id
            for each in self.facts.money.values()
            if each.is_entered and not each.is_withdrawn
        ]
        cards = [each.id for each in self.facts.money.values() if not each.is_entered]
        if not entries:
            return
        pair = self.dice.choice(entries), self.dice.choice(cards)
        if is_refused(self.facts, *pair):
            with pytest.raises(Conflict):
                self.decide(pair, "same")
            return
        said = self.facts.verdicts.pop(pair, "same")
        self.facts.verdicts[pair] = "counted" if said == "counted" else "same"
        self.decide(pair, "same")

    def paid(self) -> dict[tuple[UUID | None, str], Decimal]:
        """What approved payouts have paid, by closer and currency."""
        sums = text("""
            select closer_id, currency, sum(net_revenue) as net from app.payout_snapshot_details
             group by 1, 2 having sum(net_revenue) <> 0
        """)
        with as_system(self.org) as db:
            return {(row.closer_id, row.currency): row.net for row in db.execute(sums)}

    def owed(self) -> dict[tuple[UUID | None, str], Decimal]:
        sums: dict[tuple[UUID | None, str], Decimal] = {}
        for (event, currency), amount in earned(self.facts).items():
            closer = event and self.closers[self.facts.events[event].at.second % 2]
            sums[closer, currency] = sums.get((closer, currency), Decimal(0)) + amount
        return sums

    def make_decisions(self) -> None:
        events, money = list(self.facts.events), list(self.facts.money.values())
        for each in money:
            if self.dice.random() < 0.25:
                chosen = self.dice.choice([*events, None])
                each.choice = (chosen,)
                after = {each.id, chosen} - {None}
                self.step(uuid4(), after, lambda each=each: self.choose(each))
        entries = [each.id for each in money if each.is_entered]
        cards = [each.id for each in money if not each.is_entered]
        before: set[object] = set()
        for _ in range(self.dice.randint(0, 3) if entries else 0):
            pair = self.dice.choice(entries), self.dice.choice(cards)
            if pair not in self.facts.verdicts:
                verdict = self.dice.choice(["same", "different", "open"])
                self.facts.verdicts[pair] = verdict
                name = uuid4()
                self.step(
                    name,
                    {*pair, *before},
                    lambda pair=pair, verdict=verdict: self.decide(pair, verdict),
                )
                before = {name}  # the latest word counts: these have an order of their own

    def choose(self, money: Money) -> None:
        money.chosen_as = next(self.choices)
        with self.mara.transaction() as db:
            choose_event(db, money.id, money.choice[0], self.mara, "she says so")

    def decide(self, pair: tuple[UUID, UUID], verdict: str) -> None:
        with self.mara.transaction() as db:
            decide_pair(db, *pair, PairVerdict(verdict), self.mara, "the bank says so")

    def make_address(self) -> None:
        """The partner's address turns out to be one of a customer's."""
        paid = [
            each.id for each in self.facts.money.values() if each.email == "partner@example.com"
        ]
        booked = [event for event in self.facts.events.values() if event.contact]
        if paid and booked and self.dice.random() < 0.6:
            event = self.dice.choice(booked)
            self.facts.owner_of["partner@example.com"] = event.contact
            self.step(uuid4(), {paid[0], event.id}, lambda: self.adopt(paid[0], event.id))

    def adopt(self, payment_id: UUID, event_id: UUID) -> None:
        with self.mara.transaction() as db:
            adopt_address(db, payment_id, event_id, self.mara)

    def in_some_order(self) -> Iterator[Step]:
        """The steps, shuffled, none before what it stands on."""
        waiting, done = list(self.steps), set()
        while waiting:
            ready = [step for step in waiting if step[1] <= done]
            name, _, act = step = self.dice.choice(ready)
            waiting.remove(step)
            done.add(name)
            yield act

    def found(self):
        """Event, method, the payment that takes its place and the package, as the database has
        them; the people are the event's.
        """
        with as_system(self.org) as db:
            rows = db.execute(
                select(Payment, Event.closer_id).outerjoin(
                    Event,
                    (Event.organization_id == Payment.organization_id)
                    & (Event.id == Payment.event_id),
                )
            ).all()
        assert [row.Payment.closer_id for row in rows] == [row.closer_id for row in rows]
        return {
            row.Payment.id: (
                row.Payment.event_id,
                row.Payment.attribution_method,
                row.Payment.superseded_by_id,
                row.Payment.package_id,
            )
            for row in rows
        }

    def forget(self) -> None:
        """As if nothing had been attributed yet."""
        with as_system(self.org) as db:
            lock_books(db)
            db.execute(
                text(
                    "update app.payments set event_id = null, closer_id = null,"
                    " attribution_method = 'none', attribution_reason = null,"
                    " superseded_by_id = null, package_id = null"
                )
            )
