"""Who is on the roster, and whom a booking means."""

import pytest

from core.bookings.roster import (
    Host,
    closers_by_name,
    closers_in_order,
    create_closer,
    create_setter,
    link_roster_to_user,
    match_closer,
    match_setter,
    roster_table,
    setters_in_order,
    unmapped_setters,
)
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput
from tests import factories as make

URI = "https://api.calendly.com/users/ANA"


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def db(org):
    with as_system(org) as session:
        yield session


def host(uri=None, email=None):
    return Host(uri, email, "Somebody")


def matched(db, hosts):
    return match_closer(db, "calendly", hosts, closers_in_order(db))


@pytest.mark.parametrize("create", [create_closer, create_setter])
@pytest.mark.parametrize(("name", "email"), [("  ", None), ("Ana", "no address")])
def test_a_rep_needs_a_name_and_an_address_that_is_one(db, create, name, email):
    with pytest.raises(InvalidInput):
        create(db, name, email)


def test_a__by_address_and_from_then_on_by_the_platforms_user(db):
    ana = create_closer(db, "Ana", "Ana@Example.com")

    assert matched(db, [host(URI, "ana@example.com")])[0] is ana
    assert matched(db, [host(URI, "other@example.com")])[0] is ana


def test_of_several_hosts_the_first_closer_is_credited_else_the_first_host(db):
    ana = create_closer(db, "Ana", "ana@example.com")
    assistant, closer = host(email="assistant@example.com"), host(email="ana@example.com")

    assert matched(db, [assistant, closer]) == (ana, closer)
    assert matched(db, [assistant]) == (None, assistant)
    assert matched(db, []) == (None, None)


def test_of_several_hosts_a_closer_in_service_goes_before_one_who_was_switched_off(db):
    ana, bo = create_closer(db, "Ana", "ana@example.com"), create_closer(db, "Bo", "bo@example.com")
    ana.active = False
    hers, his = host(email="ana@example.com"), host(email="bo@example.com")

    assert matched(db, [hers, his]) == (bo, his)
    assert matched(db, [hers]) == (ana, hers)


def test_of_two_closers_with_one_address_the_active_one_takes_the_booking(db):
    create_closer(db, "Former", "ana@example.com").active = False
    ana = create_closer(db, "Ana", "ana@example.com")
    assert matched(db, [host(email="ana@example.com")])[0] is ana


@pytest.mark.parametrize(
    "mention", ["Sam", " sam ", "SAM-IG", "sam_ig", "sam ig", "Sam@Example.com"]
)
def test_a_setter_is_mentioned_by_name_alias_or_address_however_written(db, mention):
    sam = create_setter(db, "Sam", "sam@example.com", aliases=["sam-ig", " "])
    assert match_setter(setters_in_order(db), mention) is sam


@pytest.mark.parametrize("mention", ["", " ", "Samuel", "sam@example.org"])
def test_whoever_is_not_on_the_roster_is_nobody(db, mention):
    create_setter(db, "Sam", "sam@example.com")
    assert match_setter(setters_in_order(db), mention) is None


def test_closers_who_share_a_name_are_told_apart_by_their_address(db):
    one, two = (create_closer(db, "Ana", f"ana{n}@example.com") for n in (1, 2))
    bo = create_closer(db, "Bo")
    assert closers_by_name(db) == {
        "Ana (ana1@example.com)": one.id,
        "Ana (ana2@example.com)": two.id,
        "Bo": bo.id,
    }


def test_a_user_has_exactly_the_rows_that_were_linked_last_and_nobody_elses(db, org):
    user, other = make.viewer(org).user_id, make.viewer(org).user_id
    ana, sam = create_closer(db, "Ana"), create_setter(db, "Sam")
    link_roster_to_user(db, user, [ana.id, sam.id])
    link_roster_to_user(db, user, [sam.id])

    table = roster_table(db)
    assert list(zip(table["name"], table["user_id"], strict=True)) == [("Ana", None), ("Sam", user)]
    with pytest.raises(Conflict, match="“Sam” is linked to somebody else"):
        link_roster_to_user(db, other, [sam.id])


def test_names_that_bookings_mention_but_nobody_has_are_listed_most_frequent_first(db, org):
    for name, count in (("Kim", 1), ("Pat", 2), (None, 1)):
        for _ in range(count):
            make.event(db, org, setter_name=name)
    make.event(db, org, set_by=make.setter(db, org, "Sam"))

    found = unmapped_setters(db)
    assert list(found.iloc[:, :2].itertuples(index=False, name=None)) == [("Pat", 2), ("Kim", 1)]
