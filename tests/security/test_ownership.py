"""To whom rows belong, for every table that declares it, through the product's own actions: who
reads them before and after a booking, a form, a payment, a new link and a new owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, MetaData, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from core.bookings.booking import Booking
from core.bookings.closer_reassignment import change_closer
from core.bookings.designs import add_item, design_in_work, publish
from core.bookings.forms import Draft, FormAnswers, save_draft
from core.bookings.intake import record_booking
from core.bookings.merging import call_different
from core.bookings.models import Closer, Event, EventPair, PcfDraft, PostCallForm, Setter
from core.bookings.roster import Host, link_roster_to_user, link_user
from core.bookings.setter_reassignment import name_setter
from core.migrations.tables import metadata
from core.money.attribution import choose_event
from core.money.form_filing import file_form
from core.money.ledger import record_payment
from core.money.models import PairVerdict, Payment, PaymentPair, PaymentStatus, Refund
from core.money.payment_facts import PaymentFact, RefundFact
from core.money.reconciliation import decide_pair
from core.people.actions import Person
from core.people.models import Activity, Contact, CustomFieldValue, FieldKind, Lead
from core.platform.advisory_locks import lock_books
from core.platform.database import as_system
from core.platform.errors import Misconfigured
from core.platform.schema import Own, OwnedBy, owned_by, secured
from core.platform.security.ownership import functions, user_columns
from core.platform.security.policies import access_of
from core.providers.connections import create_connection
from core.tenancy.access.list_views import choose_default, save_view
from core.tenancy.access.models import ListChoice, ListView, Role
from core.tenancy.access.viewers import Viewer
from tests import factories as make
from tests.factories import NOON
from tests.flow import work
from tests.ports import owner

REPS = ("ana", "sam", "bo", "kim")


@dataclass
class Team:
    """Ana and Bo are closers, Sam and Kim setters. Petra's event with Ana, booked by Sam, took
    place. It was paid in the form and at a processor, which refunded a part.
    """

    org: UUID
    people: dict[str, Viewer]
    event: UUID
    booking: Booking

    def readers(self, model) -> set[str]:
        """The reps who read all rows of one table; a rep who reads only some fails the test."""
        everything = self.rows(self.people["admin"], model)
        assert everything
        seen = {name: self.rows(self.people[name], model) for name in REPS}
        assert set(seen.values()) <= {everything, frozenset()}
        return {name for name, rows in seen.items() if rows}

    def rows(self, viewer, model) -> frozenset[UUID]:
        """The rows that the viewer reads. Timeline lines of the viewer's own actions are left out,
        since everybody always reads those.
        """
        wanted = select(model.id)
        if model is Activity:
            wanted = wanted.where(Activity.actor_user_id.is_(None))
        with viewer.transaction() as db:
            return frozenset(db.scalars(wanted))

    def book(self, **changes) -> UUID:
        with as_system(self.org) as db:
            event = record_booking(db, replace(self.booking, **changes)).id
        work()
        return event


@dataclass(frozen=True)
class Owned:
    """A table whose rows are somebody's. ``made`` has the product make a row where the team's deal
    comes with none. ``named`` is which of the reps its rows belong to, by the owner's name; with
    ``of_a_booking`` other rows are theirs when the booking passes to others.
    """

    model: Any
    made: Callable[[Team], object] = lambda _: None
    named: Mapping[str, str] = field(default_factory=lambda: {"closer": "ana", "setter": "sam"})
    of_a_booking: bool = True

    def readers(self, **passed: str | None) -> set[str]:
        """Who reads the rows once those of some reps have passed to others, or to nobody."""
        return {now for rep in self.named.values() if (now := passed.get(rep, rep))}


def type_a_draft(team: Team) -> None:
    with team.people["ana"].transaction() as db:
        save_draft(db, team.event, Draft({"notes": "Half"}), team.people["ana"])


def answer_a_question(team):
    """The form asks how warm the lead is, and Ana says so."""
    admin, ana = team.people["admin"], team.people["ana"]
    with admin.transaction() as db:
        asked = add_item(db, FieldKind.RATING, {"label": "How warm"})
        publish(db, design_in_work(db), admin)
    with ana.transaction() as db:
        file_form(db, team.event, FormAnswers(True, True), ana, custom={asked: 4})


def choose_a_default(team):
    """Ana saves a view of the bookings, and her list opens with it."""
    ana = team.people["ana"]
    with ana.transaction() as db:
        view = save_view(db, "bookings", "Mine", {}, ana, shared=False)
        choose_default(db, "bookings", view, ana)


def call_two_meetings(team):
    """Another booking of Ana's and Sam's is not the one that was held."""
    other = team.book(external_id="another", scheduled_at=NOON + timedelta(days=2))
    with team.people["admin"].transaction() as db:
        call_different(db, team.event, other, team.people["admin"])


OWNED = {
    "events": Owned(Event),
    "event_pairs": Owned(EventPair, call_two_meetings),
    "payments": Owned(Payment),
    "payment_pairs": Owned(PaymentPair),
    "refunds": Owned(Refund),
    "post_call_forms": Owned(PostCallForm),
    "leads": Owned(Lead),
    "contacts": Owned(Contact),
    "activities": Owned(Activity),
    "pcf_drafts": Owned(PcfDraft, type_a_draft, {"user": "ana"}, of_a_booking=False),
    "custom_field_values": Owned(CustomFieldValue, answer_a_question),
    "list_views": Owned(ListView, choose_a_default, {"user": "ana"}, of_a_booking=False),
    "list_choices": Owned(ListChoice, choose_a_default, {"user": "ana"}, of_a_booking=False),
}
OWNERS = {table.name: table.info["owners"] for table in metadata.sorted_tables}
OF_ONE_USER = [name for name in OWNED if isinstance(OWNERS[name], Own)]
OF_REPS = [name for name in OWNED if name not in OF_ONE_USER]
OF_A_BOOKING = [name for name in OF_REPS if OWNED[name].of_a_booking]


def host(name):
    return Host(None, f"{name}@example.com", name)


@pytest.fixture
def team():
    org = make.organization()
    people = {name: make.viewer(org, Role.SALES_REP, name=name) for name in REPS}
    people["admin"] = make.viewer(org, Role.ADMIN)
    with as_system(org) as db:
        for name, roster in zip(REPS, (make.closer, make.setter) * 2, strict=True):
            who = roster if name in ("ana", "sam") else make.closer if name == "bo" else make.setter
            who(db, org, name, email=f"{name}@example.com", user_id=people[name].user_id)
        connection = create_connection(db, "stripe", "Main", "whsec_secret").id
    booking = Booking(
        Person("Petra", "petra@example.com", "+4531415926"),
        NOON,
        NOON - timedelta(days=2),
        hosts=[host("ana")],
        setter_mentions=["sam"],
        utm={"utm_source": "sam"},
        external_id="petra",
        platform="calendly",
    )
    made = Team(org, people, None, booking)
    made.event = made.book()
    closed = FormAnswers(True, True, True, True, cash_collected=Decimal(250), currency="USD")
    with people["ana"].transaction() as db:
        file_form(db, made.event, closed, people["ana"])
    fact = PaymentFact(
        "stripe",
        connection,
        "ch_1",
        Decimal(900),
        "USD",
        PaymentStatus.SUCCEEDED,
        NOON + timedelta(hours=2),
        email="petra@example.com",
        refunds=[RefundFact("re_1", Decimal(100), "succeeded", NOON + timedelta(hours=3))],
    )
    with as_system(org) as db:
        record_payment(db, fact)
    work()
    with people["admin"].transaction() as db:
        entered, reported = (
            db.scalars(select(Payment.id).where(Payment.processor == processor)).one()
            for processor in ("manual", "stripe")
        )
        decide_pair(db, entered, reported, PairVerdict.DIFFERENT, people["admin"], "Two payments")
    return made


def test_every_table_whose_rows_are_somebodys_is_tried_here():
    assert {name for name, owners in OWNERS.items() if owners} == set(OWNED)


def test_every_owner_whom_a_table_names_is_one_of_the_reps():
    for table, owners in OWNERS.items():
        if isinstance(owners, OwnedBy):
            assert set(OWNED[table].named) == set(owners.names), table
    account = Owned(Event, named={"owner": "ana", "partner": "kim"})
    assert account.readers() == {"ana", "kim"}
    assert account.readers(ana="bo") == {"bo", "kim"}
    assert account.readers(ana=None) == {"kim"}


def check_readers(team, table, **passed):
    assert team.readers(OWNED[table].model) == OWNED[table].readers(**passed)


each_table = pytest.mark.parametrize("table", OF_REPS)
each_of_a_booking = pytest.mark.parametrize("table", OF_A_BOOKING)


@each_table
def test_a_row_is_read_by_its_closer_and_its_setter(team, table):
    OWNED[table].made(team)
    check_readers(team, table)


@each_table
def test_another_closers_user_reads_it_once_the_roster_says_so(team, table):
    OWNED[table].made(team)
    with team.people["admin"].transaction() as db:
        ana = db.scalars(select(Closer.id).where(Closer.name == "ana")).one()
        link_roster_to_user(db, team.people["ana"].user_id, [])
    check_readers(team, table, ana=None)
    with team.people["admin"].transaction() as db:
        link_roster_to_user(db, team.people["kim"].user_id, [ana])
    check_readers(team, table, ana="kim")


@each_table
def test_a_rep_who_joins_later_reads_what_was_theirs_all_along(team, table):
    OWNED[table].made(team)
    with team.people["admin"].transaction() as db:
        link_roster_to_user(db, team.people["ana"].user_id, [])
        link_user(db, team.people["ana"].user_id, "ana@example.com")
    check_readers(team, table)


@each_of_a_booking
def test_a_booking_that_passes_to_another_setter_takes_everything_along(team, table):
    OWNED[table].made(team)
    with team.people["admin"].transaction() as db:
        sam, kim = (
            db.scalars(select(Setter.id).where(Setter.name == name)).one()
            for name in ("sam", "kim")
        )
        lock_books(db)
        db.execute(update(Setter).where(Setter.id == sam).values(name="samuel"))
    with team.people["admin"].transaction() as db:
        name_setter(db, "sam", kim)
    work()
    check_readers(team, table, sam="kim")


@each_of_a_booking
def test_a_booking_whose_host_changes_takes_everything_along(team, table):
    OWNED[table].made(team)
    team.book(hosts=[host("bo")])
    check_readers(team, table, ana="bo")


@each_of_a_booking
def test_a_booking_whose_host_nobody_knew_is_read_once_the_closer_is_named(team, table):
    OWNED[table].made(team)
    team.book(hosts=[host("zoe")], setter_mentions=[], utm={})
    check_readers(team, table, ana=None, sam=None)
    with team.people["admin"].transaction() as db:
        bo = db.scalars(select(Closer).where(Closer.name == "bo")).one()
        change_closer(db, bo.id, name="zoe", email=bo.email, user_id=bo.user_id, active=True)
    work()
    check_readers(team, table, ana="bo", sam=None)


def test_a_rep_reads_the_line_that_their_call_was_booked(team):
    with team.people["ana"].transaction() as db:
        lines = set(db.scalars(select(Activity.summary).where(Activity.subject_type == "event")))
    assert {"Booking made", "Form filed by ana"} <= lines


def test_a_person_with_two_calls_is_read_by_the_people_of_both_and_each_call_by_its_own(team):
    second = team.book(
        external_id="again",
        scheduled_at=NOON + timedelta(days=9),
        hosts=[host("bo")],
        setter_mentions=["kim"],
        utm={},
    )
    for model in (Contact, Lead):
        assert team.readers(model) == set(REPS)
    assert team.rows(team.people["ana"], Event) == {team.event}
    assert team.rows(team.people["bo"], Event) == {second}

    team.book(
        external_id="again",
        scheduled_at=NOON + timedelta(days=9),
        hosts=[host("ana")],
        setter_mentions=[],
        utm={"utm_content": "nobody"},
    )
    for model in (Contact, Lead):
        assert team.readers(model) == {"ana", "sam"}


def test_a_person_whose_booking_turns_out_to_be_somebody_elses_is_nobodys_any_more(team):
    team.book(person=Person("Quentin", "quentin@example.com"))
    for model in (Contact, Lead):
        name = select(model.id) if model is Contact else select(model.contact_id)
        with team.people["ana"].transaction() as db:
            seen = set(db.scalars(name))
        with as_system(team.org) as db:
            hers = db.scalars(select(Contact.id).where(Contact.name == "Quentin")).all()
        assert seen == set(hers)


def test_a_payment_that_is_put_on_another_call_passes_to_its_people_with_refund_and_timeline(team):
    other = team.book(
        person=Person("Quentin", "quentin@example.com"),
        external_id="other",
        hosts=[host("bo")],
        setter_mentions=["kim"],
        utm={},
    )
    with team.people["admin"].transaction() as db:
        payment = db.scalars(select(Payment.id).where(Payment.processor == "stripe")).one()
        choose_event(db, payment, other, team.people["admin"], "Hers")
    assert team.readers(Refund) == {"bo", "kim"}
    of_it = select(func.count()).where(Activity.subject_id == payment)
    for name, sees in (("bo", True), ("kim", True), ("ana", False), ("sam", False)):
        with team.people[name].transaction() as db:
            assert (db.scalar(of_it) > 0) == sees
            assert (db.get(Payment, (team.org, payment)) is not None) == sees


@pytest.mark.parametrize("table", OF_ONE_USER)
def test_a_row_of_one_user_is_read_by_them_alone(team, table):
    OWNED[table].made(team)
    readers = {name for name, who in team.people.items() if team.rows(who, OWNED[table].model)}
    assert readers == OWNED[table].readers()


@each_table
def test_nobody_makes_a_row_theirs_by_writing_themselves_on_it(team, table):
    OWNED[table].made(team)
    columns = metadata.tables[f"app.{table}"].columns
    with owner() as db:
        for name in user_columns(metadata.tables[f"app.{table}"]):
            me = "array[cast(:me as uuid)]" if isinstance(columns[name].type, ARRAY) else ":me"
            db.execute(
                text(f"update app.{table} set {name} = {me} where organization_id = :org"),
                {"me": team.people["bo"].user_id, "org": team.org},
            )
    check_readers(team, table)


def table_with(*columns, **declared):
    return Table(
        "things",
        MetaData(schema="app"),
        *(Column(name) for name in ("organization_id", "id", *columns)),
        **secured("reps", **declared),
    )


def test_a_table_of_somebodys_rows_that_does_not_say_whose_is_refused():
    with pytest.raises(Misconfigured, match=r"Table things .* does not say to whom; add owners="):
        access_of(table_with())


def test_a_declaration_that_leads_nowhere_is_refused():
    with pytest.raises(Misconfigured, match="has no column closer_id"):
        access_of(table_with(owners=owned_by("closer")))
    lost = table_with("closer_id", "closer_user_id", owners=owned_by("closer"))
    with pytest.raises(Misconfigured, match="closer_id of table things refers to no table"):
        functions(lost.metadata)


def test_the_users_of_a_row_stand_in_the_columns_that_its_declaration_names():
    assert user_columns(table_with("owner_id", "owner_user_id", owners=owned_by("owner"))) == [
        "owner_user_id"
    ]
