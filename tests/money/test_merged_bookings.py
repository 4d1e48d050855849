"""Two bookings of one meeting that were merged count once, whatever arrives afterwards and for
whichever of the two; and an undo leaves every table as it was.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import select, text

from core.bookings.booking import Booking, Cancellation
from core.bookings.custom_answers import custom_answers
from core.bookings.designs import add_item, design_in_work, publish
from core.bookings.intake import record_booking
from core.bookings.merging import call_different
from core.bookings.models import Event, PostCallForm
from core.migrations.tables import metadata
from core.money.attribution import choose_event
from core.money.form_filing import file_form
from core.money.merged_bookings import counted_since, merge_bookings, undo_merge
from core.money.models import Payment
from core.people.actions import Person
from core.people.models import FieldKind
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests import factories as make
from tests.factories import NOON
from tests.money.world import DAY, LEAD, PARTNER, World, closed
from tests.ports import owner

HOUR = timedelta(hours=1)
# What tells of the merge and of its undo, and when a row was written last.
TOLD = {"audit_logs", "activities", "event_pairs"}
WHEN = ("updated_at", "attributed_at")


class Twice(World):
    """One meeting that was booked twice, with Ana under one address and with Bo under another."""

    def __init__(self, **settings):
        super().__init__(**settings)
        with as_system(self.org) as db:
            self.sam = make.setter(db, self.org)
        self.kept = self.event("Ana")
        self.other = self.event("Bo", at=NOON + HOUR, email=PARTNER, setter_id=self.sam.id)

    def merge(self, kept=None, other=None, by=None):
        by = by or self.mara
        with by.transaction() as db:
            merge_bookings(db, kept or self.kept, other or self.other, by)

    def undo(self, other=None, by=None):
        by = by or self.mara
        with by.transaction() as db:
            undo_merge(db, other or self.other, by)

    def row(self, event_id):
        with as_system(self.org) as db:
            return db.get_one(Event, (self.org, event_id))

    def answers(self):
        """What the forms of the two say to the organisation's own questions."""
        with self.mara.transaction() as db:
            return [custom_answers(db, each) for each in (self.kept, self.other)]

    def tables(self):
        """Every row of the organisation but what tells of changes."""
        found = {}
        with owner() as db:
            for table in metadata.sorted_tables:
                if table.name in TOLD or "organization_id" not in table.c:
                    continue
                rows = db.execute(select(table).where(table.c.organization_id == self.org))
                found[table.name] = sorted(
                    str({name: value for name, value in row.items() if name not in WHEN})
                    for row in rows.mappings()
                )
        return found


@pytest.fixture
def twice():
    return Twice()


def test_money_of_either_booking_is_the_kept_ones(twice):
    mine, theirs = twice.card(), twice.card("pi_2", email=PARTNER, at=NOON + 2 * HOUR)
    assert twice.cash() == {"Ana": Decimal(4997), "Bo": Decimal(4997)}
    twice.merge()
    assert twice.cash() == {"Ana": Decimal(9994)}
    later = twice.card("pi_3", email=PARTNER, at=NOON + DAY)
    assert [twice.payment(each).event_id for each in (mine, theirs, later)] == [twice.kept] * 3


def test_a_form_of_the_other_goes_over_with_its_cash_and_is_corrected_there(twice):
    twice.form(twice.other, cash="1000")
    twice.merge()
    assert twice.row(twice.kept).pcf_submitted
    assert twice.cash() == {"Ana": Decimal(1000)}
    twice.form(twice.kept, cash="1200")
    assert twice.cash() == {"Ana": Decimal(1200)}
    twice.undo()
    assert not twice.row(twice.kept).pcf_submitted
    assert twice.row(twice.other).call_status == "completed"
    assert twice.cash() == {"Bo": Decimal(1200)}


def test_the_answers_to_the_organisations_own_questions_go_with_the_form_and_come_back(twice):
    boss = make.viewer(twice.org, "admin")
    with boss.transaction() as db:
        asked = add_item(db, FieldKind.TEXT, {"label": "Budget"})
        publish(db, design_in_work(db), boss)
    with twice.mara.transaction() as db:
        file_form(db, twice.other, closed("1000"), twice.mara, custom={asked: "Big"})
    before = twice.tables()
    twice.merge()
    assert twice.answers() == [{asked: "Big"}, {}]
    twice.undo()
    assert twice.answers() == [{}, {asked: "Big"}]
    assert twice.tables() == before


def test_of_two_forms_the_cash_of_the_kept_one_counts(twice):
    twice.form(twice.kept, cash="1000")
    twice.form(twice.other, cash="1000")
    assert sum(twice.cash().values()) == 2000
    twice.merge()
    assert twice.cash() == {"Ana": Decimal(1000)}
    twice.undo()
    assert twice.cash() == {"Ana": Decimal(1000), "Bo": Decimal(1000)}


def test_the_kept_booking_takes_what_it_lacks_and_gives_it_back(twice):
    twice.merge()
    assert twice.row(twice.kept).setter_id == twice.sam.id
    twice.undo()
    assert twice.row(twice.kept).setter_id is None


def test_a_choice_made_for_the_other_follows(twice):
    paid = twice.card(email="somebody.else@example.com")
    with twice.mara.transaction() as db:
        choose_event(db, paid, twice.other, twice.mara, "Paid for Bo's lead")
    twice.merge()
    assert twice.payment(paid).event_id == twice.kept
    twice.undo()
    assert twice.payment(paid).event_id == twice.other


def test_a_refund_after_the_merge_stays_with_its_payment(twice):
    paid = twice.card(email=PARTNER, at=NOON + 2 * HOUR)
    twice.merge()
    with as_system(twice.org) as db:
        make.refund(db, db.get_one(Payment, (twice.org, paid)), "997", at=NOON + DAY)
    assert twice.cash() == {"Ana": Decimal(4000)}
    twice.undo()
    assert twice.cash() == {"Bo": Decimal(4000)}


def test_money_that_came_after_the_merge_is_its_own_bookings_after_an_undo(twice):
    twice.merge()
    twice.card("pi_9", email=PARTNER, at=NOON + DAY)
    twice.undo()
    assert twice.cash() == {"Bo": Decimal(4997)}


@pytest.mark.parametrize("seed", range(8))
def test_a_merge_and_its_undo_leave_every_table_as_it_was(seed):
    chance = Random(seed)
    twice = Twice()
    deeds = [
        lambda: twice.form(twice.kept, cash=chance.choice(("500", "1000"))),
        lambda: twice.form(twice.other, cash=chance.choice(("500", "1000"))),
        lambda: twice.withdraw(twice.kept),
        lambda: twice.withdraw(twice.other),
        lambda: twice.card(f"pi_{chance.random()}", chance.choice(("500", "1000"))),
        lambda: twice.card(f"pi_{chance.random()}", "1000", email=PARTNER, at=NOON + DAY),
    ]
    for deed in chance.choices(deeds, k=chance.randint(3, 7)):
        try:
            deed()
        except NotFound:
            continue  # there was no form to withdraw
    kept, other = chance.sample([twice.kept, twice.other], 2)
    before, cash = twice.tables(), twice.cash()
    twice.merge(kept, other)
    assert twice.tables() != before
    twice.undo(other)
    assert twice.tables() == before
    assert twice.cash() == cash


def test_what_a_payout_counted_since_cannot_be_undone_and_says_so(twice):
    twice.card(email=PARTNER, at=NOON + 2 * HOUR)
    twice.merge()
    assert twice.approved(2) == [("Ana", Decimal(4997))]
    with twice.mara.transaction() as db:
        assert counted_since(db, twice.other) == "Payout of 2 November"
    with pytest.raises(Conflict, match="Payout of 2 November was approved after the merge"):
        twice.undo()


def test_a_payout_of_before_the_merge_is_made_up_for_and_does_not_hinder_an_undo(twice):
    twice.card(email=PARTNER, at=NOON + 2 * HOUR)
    assert twice.approved(2) == [("Bo", Decimal(4997))]
    twice.merge()
    twice.undo()
    assert twice.cash() == {"Bo": Decimal(4997)}


def test_only_a_manager_merges_separates_and_dismisses(twice):
    for by in (twice.reps["Ana"], make.viewer(twice.org, "viewer")):
        with pytest.raises(NotAllowed):
            twice.merge(by=by)
        with pytest.raises(NotAllowed):
            twice.undo(by=by)
        with pytest.raises(NotAllowed), by.transaction() as db:
            call_different(db, twice.kept, twice.other, by)


def test_what_cannot_be_merged_says_why(twice):
    with pytest.raises(InvalidInput):
        twice.merge(twice.kept, twice.kept)
    third = twice.event("Ana", at=NOON + 2 * HOUR)
    gone = twice.event("Ana", at=NOON + 3 * HOUR, call_status="canceled")
    with pytest.raises(Conflict, match="cancelled or moved"):
        twice.merge(twice.kept, gone)
    twice.merge()
    with pytest.raises(Conflict, match="merged already"):
        twice.merge(third, twice.other)
    with pytest.raises(Conflict, match="Keep that one instead"):
        twice.merge(third, twice.kept)
    twice.merge(twice.kept, third)
    stranger = Twice()
    with pytest.raises(NotFound):
        twice.merge(twice.kept, stranger.kept)


def test_of_two_people_who_merge_at_once_each_into_the_other_one_is_refused(twice):
    with ThreadPoolExecutor(2) as pool:
        pairs = [(twice.kept, twice.other), (twice.other, twice.kept)]
        outcomes = [pool.submit(twice.merge, *pair).exception() for pair in pairs]
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "NoneType"]
    rows = [twice.row(each) for each in (twice.kept, twice.other)]
    assert [row.deleted_at is None for row in rows].count(True) == 1


def booking(key, at=NOON, **changes):
    known = {"person": Person("Lead One", LEAD), "booked_at": NOON - 3 * DAY, "scheduled_at": at}
    return Booking(
        platform="calendly", external_id=key, reported_at=NOON - 2 * DAY, **known | changes
    )


def take(world, *reports):
    with as_system(world.org) as db:
        return [record_booking(db, each).id for each in reports][-1]


@pytest.fixture
def online():
    """The same, booked at a platform."""
    world = Twice()
    world.kept = take(world, booking("a"))
    world.other = take(world, booking("b", NOON + HOUR))
    return world


def cancelled(key, at, **changes):
    return booking(key, at, cancellation=Cancellation(False, NOON - DAY), **changes)


def test_a_meeting_is_cancelled_when_both_of_its_bookings_are(online):
    online.merge()
    take(online, cancelled("b", NOON + HOUR))
    assert online.row(online.kept).call_status == "scheduled"
    take(online, cancelled("a", NOON))
    assert online.row(online.kept).call_status == "canceled"
    take(online, booking("a"))
    assert online.row(online.kept).call_status == "scheduled"


def test_a_no_show_that_is_reported_of_the_other_is_the_kept_ones(online):
    online.merge()
    take(online, booking("b", NOON + HOUR, no_show_at=NOON + 2 * HOUR))
    assert online.row(online.kept).call_status == "no_show"
    online.undo()
    assert online.row(online.kept).call_status == "scheduled"
    assert online.row(online.other).call_status == "no_show"


@pytest.mark.parametrize("late", [False, True], ids=["new first", "old first"])
def test_when_the_other_is_moved_the_meeting_is(online, late):
    online.merge()
    moved = booking("b", NOON + HOUR, cancellation=Cancellation(moved=True, at=NOON - DAY))
    new = booking("c", NOON + 2 * DAY, replaces_external_id="b", booked_at=NOON - DAY)
    take(online, *([moved, new] if late else [new, moved]))
    with as_system(online.org) as db:
        event = db.scalars(select(Event).where(Event.external_id == "c")).one()
    kept = online.row(online.kept)
    assert (kept.call_status, kept.rescheduled_to_id) == ("rescheduled", event.id)
    assert event.booked_at == NOON - 3 * DAY
    paid = online.card(at=NOON + 3 * DAY)
    assert online.payment(paid).event_id == event.id
    online.undo()
    kept, other = online.row(online.kept), online.row(online.other)
    assert (kept.call_status, kept.rescheduled_to_id) == ("scheduled", None)
    assert (other.call_status, other.rescheduled_to_id) == ("rescheduled", event.id)


def test_what_is_reported_again_of_the_other_changes_nothing(online):
    online.merge()
    before = online.tables()
    take(online, booking("b", NOON + HOUR), booking("a"))
    assert online.tables() == before


def test_a_booking_that_is_merged_counts_once(online):
    online.merge()
    with as_system(online.org) as db:
        counted = db.execute(
            text("select count(*) from app.events where deleted_at is null")
        ).scalar_one()
        forms = db.scalars(select(PostCallForm)).all()
    assert (counted, forms) == (1 + 2, [])
