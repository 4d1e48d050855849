"""What a closer agreed on a form comes back on its day, until it is done; and whoever may see a
booking reads its form's versions.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from core.bookings.follow_ups import follow_ups, mark_followed_up
from core.bookings.form_answers import FormAnswers
from core.bookings.form_history import form_history
from core.bookings.models import Event
from core.money.form_filing import file_form, withdraw_form
from core.people.actions import Person, find_or_make_contact
from core.platform.advisory_locks import lock_books
from core.platform.clock import day_start, now, today
from core.platform.database import as_system
from core.platform.errors import NotAllowed, NotFound
from core.tenancy.access.models import Role
from tests import factories as make

ZONE = "Europe/Copenhagen"


class Desk:
    """Ana, a closer, who held a meeting three days ago."""

    def __init__(self):
        self.org = make.organization()
        self.rep = make.viewer(self.org, Role.SALES_REP, name="Ana Alder")
        self.manager = make.viewer(self.org, Role.MANAGER, name="Mia Maple")
        self.day = today(ZONE)
        with as_system(self.org) as db:
            self.ana = make.closer(db, self.org, "Ana", user_id=self.rep.user_id)
        self.event = self.booked(days=-3)

    def booked(self, days, **values):
        with as_system(self.org) as db:
            at = now() + timedelta(days=days)
            return make.event(db, self.org, self.ana, at=at, **values).id

    def agree(self, day, event=None, **answers):
        answers = {"notes": "Call about the price"} | answers
        with self.rep.transaction() as db:
            filled = FormAnswers(True, True, follow_up_on=day, **answers)
            file_form(db, event or self.event, filled, self.rep)

    def due(self, viewer=None):
        viewer = viewer or self.rep
        with viewer.transaction() as db:
            found = follow_ups(
                db, self.rep.user_id, until=self.day, done_since=day_start(self.day, ZONE)
            )
        return [(row.event_id, row.followed_up_at is not None) for row in found]

    def mark(self, is_done, viewer=None):
        viewer = viewer or self.rep
        with viewer.transaction() as db:
            mark_followed_up(db, self.event, viewer, is_done=is_done)

    def change(self, event, **values):
        with as_system(self.org) as db:
            lock_books(db)
            db.execute(update(Event).where(Event.id == event).values(**values))


@pytest.fixture
def desk():
    return Desk()


def test_a_follow_up_comes_back_on_its_day_and_the_most_overdue_first(desk):
    desk.agree(desk.day)
    older = desk.booked(days=-9, email="tom@example.com")
    desk.agree(desk.day - timedelta(days=4), older)
    later = desk.booked(days=-1, email="kim@example.com")
    desk.agree(desk.day + timedelta(days=1), later)
    assert desk.due() == [(older, False), (desk.event, False)]


def test_it_is_done_when_somebody_says_so_and_back_when_they_take_it_back(desk):
    desk.agree(desk.day)
    desk.mark(True)
    assert desk.due() == [(desk.event, True)]
    desk.mark(False)
    assert desk.due() == [(desk.event, False)]


@pytest.mark.parametrize("status", ["canceled", "rescheduled"])
def test_a_later_booking_of_the_person_settles_it_while_that_stands(desk, status):
    desk.agree(desk.day)
    again = desk.booked(days=2)
    assert desk.due() == []
    desk.change(again, call_status=status)
    assert desk.due() == [(desk.event, False)]


@pytest.mark.parametrize("known_by", ["address", "contact"])
def test_a_later_booking_with_another_closer_settles_it_too(desk, known_by):
    with as_system(desk.org) as db:
        person = find_or_make_contact(db, Person("Lead One", "lead.one@example.com"), "US").id
        bo = make.closer(db, desk.org, "Bo", user_id=make.viewer(desk.org, Role.SALES_REP).user_id)
    desk.change(desk.event, contact_id=person)
    desk.agree(desk.day)
    whose = {} if known_by == "address" else {"email": "l@example.com", "contact_id": person}
    again = desk.booked(days=2, **whose)
    desk.change(again, closer_id=bo.id)
    assert (desk.due(), desk.due(desk.manager)) == ([], [])
    desk.change(again, call_status="canceled")
    assert desk.due() == desk.due(desk.manager) == [(desk.event, False)]


def test_a_booking_of_somebody_else_or_before_settles_nothing(desk):
    desk.agree(desk.day)
    desk.booked(days=2, email="tom@example.com")
    desk.booked(days=-20)
    assert desk.due() == [(desk.event, False)]


def test_another_day_makes_it_due_again_and_none_takes_it_off(desk):
    desk.agree(desk.day - timedelta(days=1))
    desk.mark(True)
    desk.agree(desk.day, notes="Moved by a day")
    assert desk.due() == [(desk.event, False)]
    desk.agree(None)
    assert desk.due() == []


def test_the_same_day_filed_again_leaves_it_done(desk):
    desk.agree(desk.day)
    desk.mark(True)
    desk.agree(desk.day, notes="The same, in other words")
    assert desk.due() == [(desk.event, True)]


def test_only_the_closer_and_managers_say_that_it_is_done(desk):
    other = make.viewer(desk.org, Role.SALES_REP)
    desk.agree(desk.day)
    with pytest.raises(NotFound):
        desk.mark(True, other)
    with pytest.raises(NotAllowed):
        desk.mark(True, make.viewer(desk.org, Role.VIEWER))
    desk.mark(True, desk.manager)
    assert desk.due() == [(desk.event, True)]


def versions(viewer, event):
    with viewer.transaction() as db:
        return [
            (each.verb, each.who, each.after.get("notes"), each.after.get("cash_collected"))
            for each in form_history(db, event)
        ]


def test_every_version_of_a_form_says_who_filed_it_and_what_it_said(desk):
    sold = {"offer_made": True, "deal_closed": True, "currency": "USD"}
    desk.agree(None, notes="Thinking")
    with desk.manager.transaction() as db:
        answers = FormAnswers(True, True, cash_collected=Decimal("4997.00"), notes="Paid", **sold)
        file_form(db, desk.event, answers, desk.manager)
    with desk.rep.transaction() as db:
        withdraw_form(db, desk.event, desk.rep)
    desk.agree(date(2027, 1, 4), notes="Again")
    desk.mark(True)

    said = [
        ("Filed", "Ana Alder", "Thinking", None),
        ("Corrected", "Mia Maple", "Paid", Decimal("4997.000")),
        ("Withdrawn", "Ana Alder", None, None),
        ("Filed", "Ana Alder", "Again", None),
    ]
    assert versions(desk.rep, desk.event) == versions(desk.manager, desk.event) == said
    with desk.rep.transaction() as db:
        assert form_history(db, desk.event)[-1].after["follow_up_on"] == date(2027, 1, 4)


@pytest.mark.parametrize("role", [Role.SALES_REP, Role.VIEWER])
def test_who_may_not_see_the_booking_reads_nothing_of_its_forms_versions(desk, role):
    desk.agree(desk.day)
    assert versions(make.viewer(desk.org, role), desk.event) == []
