"""To whom earlier events belong when the roster changes, and the payments that follow them."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, update

from core.bookings.booking import Booking
from core.bookings.closer_reassignment import change_closer
from core.bookings.intake import record_booking
from core.bookings.lists import BY_KEY, save_entry
from core.bookings.models import BookingSettings, Closer, Event, Setter
from core.bookings.roster import Host, setter_mentions
from core.bookings.setter_reassignment import change_setter, name_setter
from core.money.attribution import attribute_payment
from core.money.models import Payment
from core.people.actions import Person
from core.people.models import Lead
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.tenancy.organizations.queries import settings_of
from tests import factories as make
from tests.factories import NOON
from tests.flow import work


def booked(db, says, *, email="lead@example.com", key="a", answers=(), **more):
    """A booking as the Calendly module would record it."""
    named_in = settings_of(db, BookingSettings)
    utm = {"utm_source": says}
    return record_booking(
        db,
        Booking(
            Person("Lead", email),
            NOON,
            NOON - timedelta(days=2),
            utm=utm,
            answers=answers,
            setter_mentions=setter_mentions(utm, answers, named_in),
            external_id=key,
            **({"platform": "calendly"} | more),
        ),
    )


def sams(db, **changes):
    """Change the one setter named Sam."""
    sam = db.scalars(select(Setter).where(Setter.name == "Sam")).one()
    facts = {
        "name": sam.name,
        "email": sam.email,
        "aliases": sam.aliases,
        "user_id": sam.user_id,
        "active": True,
    }
    return change_setter(db, sam.id, **(facts | changes))


def setters(db):
    """By booking, the setter that each event belongs to, and the name it was booked under."""
    names = {setter.id: setter.name for setter in db.scalars(select(Setter))}
    return {
        event.calendly_invitee_uuid: (names.get(event.setter_id), event.setter_name)
        for event in db.scalars(select(Event))
    }


def test_an_alias_that_is_added_brings_the_calls_that_named_it_and_their_payments_follow():
    org = make.organization()
    with as_system(org) as db:
        sam = make.setter(db, org, "Sam")
        event = booked(db, "Sammy-B")
        booked(db, "sammy b", email="two@example.com", key="b")
        booked(db, "Kim", email="three@example.com", key="c")
        payment = make.payment(db, org, email="lead@example.com")
        attribute_payment(db, payment.id)
        assert (payment.event_id, payment.setter_id) == (event.id, None)

        assert sams(db, aliases=["sammy b"]) == 2
        assert setters(db) == {"a": ("Sam", "Sam"), "b": ("Sam", "Sam"), "c": (None, "Kim")}
        lead = db.get_one(Lead, (org, event.lead_id), populate_existing=True)
        assert (lead.original_setter_name, lead.current_setter_name) == ("Sam", "Sam")
    work()
    with as_system(org) as db:
        assert db.get_one(Payment, (org, payment.id)).setter_id == sam.id


def test_an_alias_that_is_taken_away_gives_its_calls_back_and_another_setter_can_have_it():
    org = make.organization()
    with as_system(org) as db:
        make.setter(db, org, "Sam", aliases=["sm"])
        kim = make.setter(db, org, "Kim")
        booked(db, "sm")
        booked(db, "Sam", email="two@example.com", key="b")
        with pytest.raises(Conflict, match="already means Sam"):
            name_setter(db, "SM", kim.id)

        assert sams(db, aliases=[]) == 1
        assert setters(db) == {"a": (None, "sm"), "b": ("Sam", "Sam")}
        assert name_setter(db, "sm", kim.id) == 1
        assert setters(db) == {"a": ("Kim", "Kim"), "b": ("Sam", "Sam")}


def test_a_setter_who_is_renamed_keeps_their_calls_and_those_that_will_name_them_as_before():
    org = make.organization()
    with as_system(org) as db:
        make.setter(db, org, "Sam")
        booked(db, "sam")
        by_hand = make.event(
            db,
            org,
            set_by=db.scalars(select(Setter)).one(),
            booking_platform="calendly",
            external_id="hand",
        )
        assert sams(db, name="Samuel") == 0
        assert db.scalars(select(Setter)).one().aliases == ["Sam"]
        assert {name for name, _ in setters(db).values()} == {"Samuel"}
        assert by_hand.setter_id is not None
        booked(db, "SAM", email="two@example.com", key="later")
        assert setters(db)["later"] == ("Samuel", "Samuel")


def test_a_moved_call_goes_where_its_first_booking_goes():
    org = make.organization()
    with as_system(org) as db:
        make.setter(db, org, "Sam")
        booked(db, "sb")
        booked(db, None, key="b", replaces_external_id="a")
        booked(db, "Kim", key="c", replaces_external_id="b")
        assert sams(db, aliases=["sb"]) == 3
        assert set(setters(db).values()) == {("Sam", "Sam")}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "backwards"])
def test_whom_nobody_set_at_first_has_no_setter_when_the_booking_is_moved(order):
    org = make.organization(setter_question="Who invited you?")
    says_sam = {"answers": [{"question": "Who invited you?", "answer": "Sammy"}]}
    with as_system(org) as db:
        make.setter(db, org, "Sam")
        made = [
            lambda: booked(db, None),
            lambda: booked(db, "Sam", key="b", replaces_external_id="a", **says_sam),
        ]
        for number in order:
            made[number]()
        assert set(setters(db).values()) == {(None, None)}
        sams(db, aliases=["sammy"])
        assert set(setters(db).values()) == {(None, None)}


def test_the_answer_to_the_organisations_question_names_the_setter_too():
    org = make.organization(setter_question="Who invited you?")
    answers = [
        {"question": "who invited  you?", "answer": "Sammy"},
        {"question": "Budget", "answer": "Sam"},
    ]
    with as_system(org) as db:
        make.setter(db, org, "Sam", aliases=[])
        booked(db, None, answers=answers)
        assert setters(db) == {"a": (None, "Sammy")}
        assert sams(db, aliases=["sammy"]) == 1
        assert setters(db) == {"a": ("Sam", "Sam")}


def test_a_setter_who_is_added_gets_the_calls_that_named_them_before_anybody_knew_them():
    org = make.organization()
    with as_system(org) as db:
        booked(db, "Sam")
        booked(db, "sam@example.com", email="two@example.com", key="b")
        booked(db, "Sammy", email="three@example.com", key="c")
        added = {"name": "Sam", "email": "sam@example.com", "aliases": ["Sammy"]}
        assert save_entry(db, BY_KEY["setters"], None, added) == 3
        assert {name for name, _ in setters(db).values()} == {"Sam"}


def test_a_closer_whose_address_is_added_gets_the_calls_of_the_host_nobody_knew():
    org = make.organization()
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana")
        event = make.event(db, org, closer_name="Ana@Work.example.com")
        assert (
            change_closer(
                db, ana.id, name="Ana", email="ana@work.example.com", user_id=None, active=True
            )
            == 1
        )
        assert (db.get_one(Event, (org, event.id), populate_existing=True).closer_id) == ana.id


@pytest.mark.parametrize(
    ("key", "values", "error"),
    [
        ("sources", {"name": "  "}, InvalidInput),
        ("sources", {"name": "webinar"}, Conflict),
        ("packages", {"name": "Gold", "price": "abc", "currency": "USD"}, InvalidInput),
        ("packages", {"name": "Gold", "price": "1.005", "currency": "USD"}, InvalidInput),
        ("setters", {"name": ""}, InvalidInput),
        ("closers", {"name": "Ana", "email": "nonsense"}, InvalidInput),
    ],
)
def test_an_entry_that_cannot_be_is_refused(key, values, error):
    org = make.organization()
    with as_system(org) as db:
        make.source(db, org, "Webinar")
        with pytest.raises(error):
            save_entry(db, BY_KEY[key], None, values)


def test_an_entry_of_another_organisation_is_not_found():
    ours, theirs = make.organization(), make.organization()
    with as_system(theirs) as db:
        source, setter = make.source(db, theirs), make.setter(db, theirs)
    with as_system(ours) as db:
        with pytest.raises(NotFound):
            save_entry(db, BY_KEY["sources"], source.id, {"name": "Mine"})
        with pytest.raises(NotFound):
            save_entry(db, BY_KEY["setters"], setter.id, {"name": "Mine"})


def hosted(db, name, email, *, uri=None, key="a", others=(), **more):
    """A booking with this host whom nobody on the roster is."""
    more |= {"hosts": [Host(uri, email, name), *others]}
    return booked(db, None, email=f"{key}@example.com", key=key, **more)


def credited(db):
    """By booking, the name of the closer on the roster."""
    names = {closer.id: closer.name for closer in db.scalars(select(Closer))}
    events = db.scalars(select(Event).execution_options(populate_existing=True))
    return {event.external_id: names.get(event.closer_id) for event in events}


@pytest.mark.parametrize("uris", [("u/sales", "u/support"), (None, None)], ids=["users", "no user"])
def test_of_two_hosts_of_one_name_a_closer_claims_those_of_their_address(uris):
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "chris.sales@example.com", uri=uris[0])
        hosted(db, "Chris", "chris.support@example.com", uri=uris[1], key="b")
        added = {"name": "Chris", "email": "chris.sales@example.com"}
        assert save_entry(db, BY_KEY["closers"], None, added) == 1
        assert credited(db) == {"a": "Chris", "b": None}
    if uris[0]:
        with as_system(org) as db:
            hosted(db, "Chris", "chris.support@example.com", uri=uris[1], key="later")
            assert credited(db)["later"] is None


@pytest.mark.parametrize(
    ("second", "claimed"),
    [("u/one", 2), ("u/two", 0)],
    ids=["one host", "two hosts"],
)
def test_a_name_claims_the_bookings_of_one_host_and_of_no_two(second, claimed):
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "c@work.example", uri="u/one")
        hosted(db, "Chris", "c@work.example", uri=second, key="b")
        added = {"name": "Chris", "email": "chris@example.com"}
        assert save_entry(db, BY_KEY["closers"], None, added) == claimed


@pytest.mark.parametrize(
    ("elsewhere", "claimed"),
    [
        (("27238", None), {"a": "Chris", "b": "Chris"}),
        (("u/one", None), {"a": "Chris", "b": "Chris"}),
        (("27238", "c@work.example"), {"a": "Chris", "b": "Chris"}),
        (("27238", "someone@example.org"), {"a": None, "b": None}),
    ],
    ids=["another id", "the same id", "the same address", "another address"],
)
def test_hosts_of_one_name_on_two_platforms_are_one_unless_their_addresses_differ(
    elsewhere, claimed
):
    org = make.organization()
    uri, email = elsewhere
    with as_system(org) as db:
        hosted(db, "Chris", "c@work.example", uri="u/one")
        hosted(db, "Chris", email, uri=uri, key="b", platform="lantern")
        save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": None})
        assert credited(db) == claimed


@pytest.mark.parametrize(
    ("email", "closer"),
    [(None, "Chris"), ("chris@example.com", "Chris"), ("someone@example.org", None)],
)
def test_a_closer_known_on_one_platform_claims_by_name_on_another(email, closer):
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "chris@example.com", uri="u/one")
        hosted(db, "Chris", email, uri="27238", key="b", platform="lantern")
        added = {"name": "Chris", "email": "chris@example.com"}
        save_entry(db, BY_KEY["closers"], None, added)
        assert credited(db) == {"a": "Chris", "b": closer}


def test_a_name_that_a_stranger_has_on_another_platform_names_nobody():
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "sales@example.com", uri="u/sales")
        hosted(db, "Chris", "support@example.com", uri="u/support", key="b")
        hosted(db, "Chris", None, uri="27238", key="c", platform="lantern")
        added = {"name": "Chris", "email": "sales@example.com"}
        assert save_entry(db, BY_KEY["closers"], None, added) == 1
        hosted(db, "Chris", None, uri="27238", key="later", platform="lantern")
        assert credited(db) == {"a": "Chris", "b": None, "c": None, "later": None}


def test_hosts_of_earlier_bookings_are_told_apart_by_who_they_were_all_together():
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "c@work.example", uri="u/one")
        hosted(db, "Chris", "c@work.example", uri="u/two", key="b")
        db.execute(update(Event).values(host_uri=None, host_email=None))
        assert save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": None}) == 0


@pytest.mark.parametrize("uris", [("u/one", "u/two"), (None, None)], ids=["users", "no user"])
def test_a_name_that_two_hosts_have_names_nobody_on_later_bookings(uris):
    org = make.organization()
    with as_system(org) as db:
        hosted(db, "Chris", "one@example.com", uri=uris[0])
        hosted(db, "Chris", "two@example.com", uri=uris[1], key="b")
        assert save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": None}) == 0
        hosted(db, "CHRIS", "one@example.com", uri=uris[0], key="later")
        assert set(credited(db).values()) == {None}


@pytest.mark.parametrize("uri", ["u/cy", None], ids=["user", "no user"])
def test_a_closer_claims_bookings_that_they_host_together_with_somebody_who_is_none(uri):
    org, cy = make.organization(), Host(uri, "cy@example.com", "Cy")
    with as_system(org) as db:
        hosted(db, "Xaver", "x@example.com", uri="u/x", others=[cy])
        added = {"name": "Cy", "email": "cy@example.com"}
        assert save_entry(db, BY_KEY["closers"], None, added) == 1
        assert credited(db) == {"a": "Cy"}
        said = db.execute(select(Event.host_email, Event.closer_name, Event.other_hosts)).one()
    xaver = {"uri": "u/x", "email": "x@example.com", "name": "Xaver"}
    assert tuple(said) == ("cy@example.com", "Cy", [xaver])
    with as_system(org) as db:
        hosted(db, "Xaver", "x@example.com", uri="u/x", others=[cy])  # delivered again
        assert credited(db) == {"a": "Cy"}


def change_address(db, name, email):
    closer = db.scalars(select(Closer).where(Closer.name == name)).one()
    change_closer(db, closer.id, name=name, email=email, user_id=None, active=True)


@pytest.mark.parametrize("platform", ["calendly", "lantern"])
@pytest.mark.parametrize("uri", ["u/ana", None], ids=["user", "no user"])
@pytest.mark.parametrize("after", [(), ("ana@new.example",)], ids=["", "new account"])
def test_a_closer_of_another_address_stays_who_their_address_once_proved(platform, uri, after):
    org = make.organization()
    with as_system(org) as db:
        make.closer(db, org, "Ana", email="ana@old.example")
        hosted(db, "Ana", "ana@old.example", uri=uri)
        change_address(db, "Ana", "ana@new.example")
        for email in after:
            hosted(db, "Ana", email, uri=uri and "u/new", key="c")
        hosted(db, "Ana", "ana@else.example", uri=uri and "u/9", key="b", platform=platform)
        known = {"a": "Ana", "b": None} | ({"c": "Ana"} if after else {})
        assert credited(db) == known


def test_a_closer_whom_an_upgrade_knows_by_user_keeps_their_bookings():
    org = make.organization()
    with as_system(org) as db:
        make.closer(db, org, "Ana", known_as={"calendly": "u/ana"})
        hosted(db, "Ana", "ana@work.example", uri="u/ana")
        hosted(db, "Ana", "ana@else.example", uri="u/9", key="b")
        hosted(db, "Ana", None, uri="27238", key="c", platform="lantern")
        assert credited(db) == {"a": "Ana", "b": None, "c": None}
        assert db.scalars(select(Closer.known_as)).one() == {"calendly": "u/ana"}


CALENDLY, LANTERN = "calendly", "lantern"


@pytest.mark.parametrize("order", [*map("".join, permutations("12R"))])
@pytest.mark.parametrize(
    ("on_roster", "first", "second", "closers"),
    [
        ("one", ("u/1", "one", CALENDLY), ("u/2", "two", CALENDLY), ("Chris", None)),
        ("one", ("u/1", "one", CALENDLY), ("u/2", None, CALENDLY), ("Chris", None)),
        ("one", (None, "one", CALENDLY), (None, "two", CALENDLY), ("Chris", None)),
        ("one", ("u/1", "one", CALENDLY), ("2", "two", LANTERN), ("Chris", None)),
        ("one", ("u/1", "one", CALENDLY), (None, "two", LANTERN), ("Chris", None)),
        ("one", ("u/1", "one", CALENDLY), ("2", None, LANTERN), ("Chris", "Chris")),
        ("one", ("u/1", "one", CALENDLY), ("2", "one", LANTERN), ("Chris", "Chris")),
        (None, ("u/1", "one", CALENDLY), ("u/2", "two", CALENDLY), (None, None)),
        (None, ("u/1", "one", CALENDLY), ("u/2", None, CALENDLY), (None, None)),
        (None, ("u/1", "one", CALENDLY), ("2", "two", LANTERN), (None, None)),
        (None, ("u/1", "one", CALENDLY), ("2", None, LANTERN), ("Chris", "Chris")),
    ],
)
def test_whose_the_bookings_of_two_of_one_name_are_depends_on_no_order(
    order, on_roster, first, second, closers
):
    org, hosts = make.organization(), {"1": first, "2": second}
    with as_system(org) as db:
        for what in order:
            if what == "R":
                added = {"name": "Chris", "email": on_roster and f"{on_roster}@example.com"}
                save_entry(db, BY_KEY["closers"], None, added)
                continue
            uri, email, platform = hosts[what]
            address = email and f"{email}@example.com"
            hosted(db, "Chris", address, uri=uri, key=what, platform=platform)
        assert credited(db) == dict(zip("12", closers, strict=True))


def test_a_booking_that_a_name_gave_goes_to_whoever_has_the_hosts_address():
    org = make.organization()
    bo = Host("u/bo", "bo@example.com", "Bo")
    with as_system(org) as db:
        make.closer(db, org, "Chris")
        make.closer(db, org, "Bo", email="bo@example.com")
        hosted(db, "Chris", "other@example.com", uri="u/9", others=[bo])
        assert credited(db) == {"a": "Chris"}
        hosted(db, "Chris", "chris@example.com", uri="u/1", key="b")
        assert credited(db) == {"a": "Bo", "b": None}
        added = {"name": "Chris Berg", "email": "chris@example.com"}
        save_entry(db, BY_KEY["closers"], None, added)
        assert credited(db) == {"a": "Bo", "b": "Chris Berg"}


def test_payments_follow_when_a_name_turns_out_to_be_anothers():
    org = make.organization()
    with as_system(org) as db:
        chris = make.closer(db, org, "Chris", email="chris@example.com")
        hosted(db, "Chris", "other@example.com", uri="u/9")
        payment_id = make.payment(db, org, email="a@example.com").id
        attribute_payment(db, payment_id)
        assert db.get_one(Payment, (org, payment_id)).closer_id == chris.id
        hosted(db, "Chris", "chris@example.com", uri="u/1", key="b")
    work()
    with as_system(org) as db:
        assert db.get_one(Payment, (org, payment_id)).closer_id is None


def order_of_two_closers(first, second, host, order):
    """Whose the booking of a host named Chris is when it and two closers of that name come in this
    order, each closer with the address that is given.
    """
    org = make.organization()
    with as_system(org) as db:
        for what in order:
            if what == "B":
                hosted(db, "Chris", host and f"{host}@example.com", uri="u/9")
                continue
            address = {"1": first, "2": second}[what]
            email = address and f"{address}@example.com"
            save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": email})
        emails = dict(db.execute(select(Closer.id, Closer.email)).all())
        [closer_id] = db.scalars(select(Event.closer_id))
        return emails[closer_id] if closer_id else None


@pytest.mark.parametrize("order", [*map("".join, permutations("12B"))])
@pytest.mark.parametrize(
    ("first", "second", "host", "whose"),
    [
        ("one", "two", "else", None),
        ("one", "two", None, None),
        ("one", None, "else", None),
        ("one", "two", "one", "one@example.com"),
        ("one", "two", "two", "two@example.com"),
        (None, "two", "two", "two@example.com"),
    ],
)
def test_a_name_that_two_closers_share_gives_neither_a_booking_in_any_order(
    order, first, second, host, whose
):
    assert order_of_two_closers(first, second, host, order) == whose


@pytest.mark.parametrize("booked_first", [True, False])
def test_a_name_is_its_one_closers_again_when_the_other_is_renamed_or_switched_off(booked_first):
    for name, active in (("Kim", True), ("Chris", False)):
        org = make.organization()
        with as_system(org) as db:
            first = make.closer(db, org, "Chris")
            if booked_first:
                hosted(db, "Chris", "else@example.com", uri="u/9")
            save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": "two@example.com"})
            if not booked_first:
                hosted(db, "Chris", "else@example.com", uri="u/9")
            assert credited(db) == {"a": None}
            [second] = db.scalars(select(Closer.id).where(Closer.id != first.id))
            facts = {"email": "two@example.com", "user_id": None, "active": active}
            assert change_closer(db, second, name=name, **facts) == 1
            assert db.scalars(select(Event.closer_id)).all() == [first.id]


def test_a_closer_who_was_switched_off_keeps_the_bookings_that_their_name_gave():
    org = make.organization()
    with as_system(org) as db:
        first = make.closer(db, org, "Chris")
        hosted(db, "Chris", "else@example.com", uri="u/9")
        change_closer(db, first.id, name="Chris", email=None, user_id=None, active=False)
        save_entry(db, BY_KEY["closers"], None, {"name": "Chris", "email": "two@example.com"})
        assert db.scalars(select(Event.closer_id)).all() == [first.id]
