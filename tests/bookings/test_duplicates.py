"""Which bookings are listed as possibly one meeting, for whom, and until when."""

from datetime import timedelta

import pytest

from core.bookings.duplicates import possible_duplicates
from core.bookings.merging import ask_again, call_different
from core.money.merged_bookings import merge_bookings
from core.people.actions import Person, find_or_make_contact
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.dataframes import records
from tests import factories as make
from tests.money.world import World

HOUR = timedelta(hours=1)
PHONE = "+1 202 555 0143"


class Desk(World):
    """Bookings of tomorrow."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.at = now() + timedelta(days=1)

    def book(self, email, at=None, phone=None, **values):
        with as_system(self.org) as db:
            contact = find_or_make_contact(db, Person("Lead One", email, phone), "US")
        name = {"lead_name": values.pop("name", email)}
        return self.event(at=at or self.at, email=email, contact_id=contact.id, **name, **values)

    def listed(self, viewer=None):
        with (viewer or self.mara).transaction() as db:
            rows = records(possible_duplicates(db))
        return {(frozenset((row["id"], row["other_id"])), row["reason"]) for row in rows}


def pair(one, other, reason):
    return {(frozenset((one, other)), reason)}


@pytest.fixture
def desk():
    return Desk()


def test_bookings_of_one_address_within_the_hours_are_listed(desk):
    first = desk.book("one@example.com")
    second = desk.book("one@example.com", desk.at + 24 * HOUR)
    desk.book("two@example.com", desk.at + HOUR)
    assert desk.listed() == pair(first, second, "same e-mail")


def test_bookings_further_apart_than_the_hours_are_not(desk):
    desk.book("one@example.com")
    desk.book("one@example.com", desk.at + 25 * HOUR)
    assert not desk.listed()


def test_the_organisation_sets_the_hours():
    desk = Desk(duplicate_hours=1)
    desk.book("one@example.com")
    desk.book("one@example.com", desk.at + 2 * HOUR)
    assert not desk.listed()


def test_one_name_with_the_same_start_is_listed_and_another_start_is_not(desk):
    first = desk.book("one@example.com", name="Lena Vogt")
    second = desk.book("two@example.com", name=" lena vogt")
    desk.book("three@example.com", desk.at + HOUR, name="Lena Vogt")
    assert desk.listed() == pair(first, second, "same name and start")


def test_one_phone_under_two_addresses_is_listed(desk):
    first = desk.book("one@example.com", phone=PHONE)
    second = desk.book("two@example.com", desk.at + HOUR, phone="(202) 555-0143")
    desk.book("three@example.com", desk.at + HOUR, phone="+1 202 555 0199")
    assert desk.listed() == pair(first, second, "same phone, another e-mail")


@pytest.mark.parametrize("status", ["canceled", "rescheduled"])
def test_what_was_cancelled_or_moved_is_in_no_pair(desk, status):
    desk.book("one@example.com")
    desk.book("one@example.com", call_status=status)
    assert not desk.listed()


def test_what_is_decided_is_listed_no_more_until_it_is_taken_back(desk):
    first, second = desk.book("one@example.com"), desk.book("one@example.com")
    for decide in (call_different, lambda db, one, other, by: merge_bookings(db, other, one, by)):
        with desk.mara.transaction() as db:
            decide(db, second, first, desk.mara)
        assert not desk.listed()
        if decide is call_different:
            with desk.mara.transaction() as db:
                ask_again(db, first, second, desk.mara)
            assert desk.listed() == pair(first, second, "same e-mail")


def test_nobody_sees_pairs_of_another_organisation(desk):
    desk.book("one@example.com")
    desk.book("one@example.com")
    assert not desk.listed(make.viewer(make.organization(), "manager"))
