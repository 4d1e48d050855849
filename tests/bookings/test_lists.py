"""The lists that an organisation keeps for its forms and bookings."""

from decimal import Decimal

import pytest

from core.bookings.lists import BY_KEY, LISTS, entries, save_entry
from core.bookings.models import Closer, Setter
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotFound
from tests import factories as make

NAMED = [each.key for each in LISTS]
PLAIN = [each.key for each in LISTS if each.table not in (Closer, Setter)]


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def db(org):
    with as_system(org) as session:
        yield session


def save(db, key, name, entry_id=None, **values):
    return save_entry(db, BY_KEY[key], entry_id, {"name": name, "currency": "USD"} | values)


def on(db, key):
    return [(entry.name, entry.active) for entry in entries(db, BY_KEY[key])]


@pytest.mark.parametrize("key", NAMED)
def test_an_entry_is_added_renamed_and_switched_off_but_never_gone(db, key):
    save(db, key, " First ")
    save(db, key, "Second")
    [first, _] = entries(db, BY_KEY[key])
    save(db, key, "Renamed", first.id, active=False)

    assert on(db, key) == [("Second", True), ("Renamed", False)]


@pytest.mark.parametrize("key", NAMED)
@pytest.mark.parametrize("name", ["", "  "])
def test_an_entry_needs_a_name(db, key, name):
    with pytest.raises(InvalidInput):
        save(db, key, name)


@pytest.mark.parametrize("key", PLAIN)
def test_a_name_stands_once_on_a_list_however_it_is_written(db, key):
    save(db, key, "Too early")
    with pytest.raises(Conflict, match="The list has “TOO-EARLY” already"):
        save(db, key, "TOO-EARLY")


@pytest.mark.parametrize("key", PLAIN)
def test_what_is_on_another_organisations_list_cannot_be_changed(db, key):
    theirs = make.organization()
    with as_system(theirs) as other:
        save(other, key, "Theirs")
        [entry] = entries(other, BY_KEY[key])
    with pytest.raises(NotFound):
        save(db, key, "Ours", entry.id)


def test_lists_of_one_table_are_apart_and_in_the_order_of_their_positions(db):
    save(db, "objections", "Price", position=2)
    save(db, "objections", "Partner", position=1)
    save(db, "no_sale_reasons", "Price")

    assert on(db, "objections") == [("Partner", True), ("Price", True)]
    assert on(db, "no_sale_reasons") == [("Price", True)]


@pytest.mark.parametrize(
    ("price", "stored"), [("4997.00", (Decimal("4997.00"), "USD")), ("", (None, None))]
)
def test_a_package_has_a_price_in_its_currency_or_none(db, price, stored):
    save(db, "packages", "Mastermind", price=price)
    [package] = entries(db, BY_KEY["packages"])
    assert (package.price, package.currency) == stored


def test_words_of_a_source_are_cleaned(db):
    save(db, "sources", "Webinar", utm_values=[" spring ", "", "live"])
    [source] = entries(db, BY_KEY["sources"])
    assert source.utm_values == ["spring", "live"]
