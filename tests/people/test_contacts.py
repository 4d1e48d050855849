"""A person is one contact, however they write their name and address; each inquiry of theirs is one
lead.
"""

import pytest
from sqlalchemy import select

from core.people.actions import (
    Directory,
    Person,
    Sources,
    find_or_make_contact,
)
from core.people.models import Contact, ContactEmail, Source, TrafficType
from core.people.queries import leads_page
from core.platform.database import as_system
from tests import factories as make
from tests.factories import NOON

LENA = Person("Lena Vogt", "Lena@Example.com", "+45 20 12 34 56")


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def db(org):
    with as_system(org) as session:
        yield session


def contact(db, person=LENA):
    return find_or_make_contact(db, person, "DK")


def addresses(db):
    return sorted(db.scalars(select(ContactEmail.email_normalized)))


@pytest.mark.parametrize(
    "again",
    [
        LENA,
        Person(None, " lena@example.COM "),
        Person("L. Vogt", "lena@example.com", "+45 99 99 99 99"),
    ],
    ids=["repeated", "spelled otherwise", "with another phone"],
)
def test_an_address_is_one_contact(db, again):
    assert contact(db).id == contact(db, again).id
    assert addresses(db) == ["lena@example.com"]


def test_what_is_known_stays_and_gaps_are_filled(db):
    contact(db, Person(None, "lena@example.com"))
    made = contact(db)
    contact(db, Person("Somebody Else", "lena@example.com", "+45 11 11 11 11"))

    assert (made.name, made.phone_e164) == ("Lena Vogt", "+4520123456")


def test_somebody_without_an_address_is_found_by_phone_in_the_regions_spelling(db):
    assert contact(db).id == contact(db, Person("Lena", None, "20123456")).id


def test_a_phone_never_joins_two_addresses(db):
    assert contact(db).id != contact(db, Person("Tom", "tom@example.com", LENA.phone)).id


@pytest.mark.parametrize(
    "nobody", [Person("Lena"), Person("Lena", "no address", "no phone")], ids=["bare", "unreadable"]
)
def test_without_an_address_or_a_phone_there_is_no_contact(db, nobody):
    assert contact(db, nobody) is None
    assert db.scalars(select(Contact)).all() == []


def test_a_further_address_finds_the_same_contact(db):
    lena, tom = contact(db), contact(db, Person("Tom", "tom@example.com"))
    make.address(db, lena, "L.Vogt@Example.com")

    assert contact(db, Person(None, "l.vogt@example.com")).id == lena.id
    assert contact(db, Person(None, "tom@example.com")).id == tom.id
    assert addresses(db) == ["l.vogt@example.com", "lena@example.com", "tom@example.com"]


def lead(db, person, **values):
    directory = Directory(db, "DK")
    found = directory.lead(
        directory.contact(person),
        **({"received_at": NOON, "source_id": None, "traffic_type_id": None} | values),
    )
    directory.save()
    return found


def test_a_booking_belongs_to_the_latest_inquiry_whose_first_source_stays(db, org):
    lena = LENA
    webinar, advert = make.source(db, org, "Webinar"), make.source(db, org, "Advert")
    first = lead(db, lena)
    lead(db, lena, source_id=webinar.id)
    again = lead(db, lena, source_id=advert.id)

    assert (again.id, again.source_id, again.received_at) == (first.id, webinar.id, NOON)


def test_leads_are_listed_with_their_contact_latest_first_page_by_page(db):
    people = [Person(f"P{n}", f"p{n}@example.com") for n in range(3)]
    made = [lead(db, person) for person in people]
    for age, row in enumerate(made):
        row.received_at = NOON.replace(day=NOON.day - age)
    db.flush()

    first = leads_page(db, limit=2)
    rest = leads_page(db, limit=2, after=(first[-1].received_at, first[-1].id))

    assert [(row.name, row.email) for row in [*first, *rest]] == [
        (f"P{n}", f"p{n}@example.com") for n in range(3)
    ]


UTM = {
    "utm_source": "Instagram",
    "utm_medium": "paid_social",
    "utm_campaign": "spring webinar",
}


def source(db, org, name, *utm_values, table=Source, active=True):
    row = table(organization_id=org, name=name, utm_values=list(utm_values), active=active)
    db.add(row)
    db.flush()
    return row.id


def test_a_source_is_matched_by_campaign_before_source_before_medium(db, org):
    medium = source(db, org, "Paid social")
    assert Sources(db).source(UTM) == medium
    by_source = source(db, org, "Ads", "instagram")
    assert Sources(db).source(UTM) == by_source
    campaign = source(db, org, "Spring", "Spring-Webinar")
    assert Sources(db).source(UTM) == campaign


def test_a_traffic_type_is_matched_by_medium_first(db, org):
    source(db, org, "Instagram", table=TrafficType)
    paid = source(db, org, "Paid", "paid social", table=TrafficType)
    assert Sources(db).traffic_type(UTM) == paid


@pytest.mark.parametrize("match", [Sources.source, Sources.traffic_type])
def test_an_unknown_or_switched_off_value_matches_nothing(db, org, match):
    source(db, org, "Instagram", active=False)
    source(db, org, "paid_social", table=TrafficType, active=False)
    assert match(Sources(db), UTM) is None
    assert match(Sources(db), {}) is None
