"""Two people change the same thing: nobody's change is lost without a word, and nothing that was
typed is.
"""

from html import unescape

import pytest
from sqlalchemy import select

from core.bookings.lists import BY_KEY, entries, save_entry, values_of
from core.bookings.models import Closer, Package
from core.messages.models import ReportSettings
from core.messages.settings import REPORTS
from core.platform.database import as_system
from core.platform.edits import Changed, merged
from core.tenancy.organizations.queries import current_organization, settings_of
from core.tenancy.organizations.settings import ORGANIZATION, change_settings
from core.ui.parts.format import APART
from tests import factories as make
from tests.ui.screens import browser_of, opened, press, words

PACKAGES = BY_KEY["packages"]


@pytest.fixture
def admin():
    return make.viewer(make.organization(currency="USD"), "admin")


def save(page, viewer, key):
    with browser_of(viewer):
        return next(button for button in page.button if button.key == key).click().run()


def field(page, label):
    return [each for each in page.text_input if each.label.startswith(label)][-1]


def meanwhile(viewer, group, **changes):
    with viewer.transaction() as db:
        change_settings(db, group, changes)


def shown(page):
    return [unescape(line) for line in words(page)]


def test_of_two_changes_of_one_setting_the_later_is_asked_about_and_then_stands(admin):
    page = opened("settings", admin)
    meanwhile(admin, ORGANIZATION, name="Their name")
    field(page, "Name").set_value("My name")
    page = save(page, admin, "save name")
    assert "Name is now: Their name" in shown(page)
    assert any(line.startswith("Somebody else has changed this") for line in shown(page))
    assert field(page, "Name").value == "My name"
    with as_system(admin.organization_id) as db:
        assert current_organization(db).name == "Their name"
    save(page, admin, "save name")
    with as_system(admin.organization_id) as db:
        assert current_organization(db).name == "My name"


def test_whoever_agrees_with_the_other_change_has_the_field_as_it_is_now(admin):
    page = opened("settings", admin)
    for theirs in ("Their name", "Their other name"):
        meanwhile(admin, ORGANIZATION, name=theirs)
        field(page, "Name").set_value("My name")
        page = press(save(page, admin, "save name"), admin, "Keep theirs")
        assert field(page, "Name").value == theirs
        assert f"Name is now: {theirs}" not in shown(page)


def test_whoever_agrees_with_a_number_time_and_again_has_it(admin):
    page = opened("reports", admin)
    for theirs, mine in ((9, "10:00 AM"), (0, "11:00 AM"), (5, "1:00 PM")):
        meanwhile(admin, REPORTS, slack_report_hour=theirs)
        page.selectbox[0].set_value(mine)
        page = press(press(page, admin, "Save"), admin, "Keep theirs")
        assert page.selectbox[0].value == theirs


def test_a_change_of_another_value_of_the_row_crosses_nothing(admin):
    org = admin.organization_id
    with admin.transaction() as db:
        save_entry(db, PACKAGES, None, {"name": "Gold", "price": 10, "currency": "USD"})
        [gold] = entries(db, PACKAGES)
        read = values_of(PACKAGES, gold)
    with admin.transaction() as db:
        save_entry(db, PACKAGES, gold.id, read | {"price": 20})
    with admin.transaction() as db:
        save_entry(db, PACKAGES, gold.id, read | {"name": "Platinum"}, read)
    with as_system(org) as db:
        package = db.scalars(select(Package)).one()
        assert (package.name, int(package.price)) == ("Platinum", 20)
    with pytest.raises(Changed) as crossed, admin.transaction() as db:
        save_entry(db, PACKAGES, gold.id, read | {"name": "Silver"}, read)
    assert crossed.value.now == {"name": "Platinum"}


def test_a_row_of_a_list_that_was_changed_meanwhile_is_shown_beside_what_was_typed(admin):
    with admin.transaction() as db:
        save_entry(db, PACKAGES, None, {"name": "Gold", "price": 10, "currency": "USD"})
        [gold] = entries(db, PACKAGES)
    page = opened("lists", admin, list="Packages")
    with browser_of(admin):
        page = page.selectbox(key="change packages").set_value(0).run()
    with admin.transaction() as db:
        save_entry(db, PACKAGES, gold.id, {"name": "Gold", "price": 4997, "currency": "USD"})
    field(page, "Price").set_value("$5,997.00")
    page = save(page, admin, f"save {gold.id}")
    assert "Price, optional is now: $4,997.00" in shown(page)
    assert field(page, "Price").value == "$5,997.00"
    assert "= $5,997.00" in shown(page)


def test_the_daily_report_knows_what_it_replaces(admin):
    page = opened("reports", admin)
    meanwhile(admin, REPORTS, slack_report_hour=9)
    page.selectbox[0].set_value("10:00 AM")
    page = press(page, admin, "Save")
    assert "From this hour on is now: 9:00 AM" in shown(page)
    assert page.selectbox[0].value == 10
    press(page, admin, "Save")
    with as_system(admin.organization_id) as db:
        assert settings_of(db, ReportSettings).slack_report_hour == 10


def test_an_error_stands_at_its_field_and_what_was_typed_stays(admin):
    page = opened("lists", admin, list="Closers")
    field(page, "Name").set_value("Ana")
    field(page, "E-mail").set_value("ana at example")
    page = save(page, admin, "add closers")
    assert [unescape(error.value).replace(APART, "") for error in page.error] == [
        "“ana at example” is not an e-mail address, like name@example.com."
    ]
    assert (field(page, "Name").value, field(page, "E-mail").value) == ("Ana", "ana at example")
    field(page, "E-mail").set_value("ana@example.com")
    page = save(page, admin, "add closers")
    assert not page.error
    assert (field(page, "Name").value, field(page, "E-mail").value) == ("", "")


def test_a_second_closer_of_one_name_is_asked_about(admin):
    with admin.transaction() as db:
        save_entry(db, BY_KEY["closers"], None, {"name": "Ana"})
    page = opened("lists", admin, list="Closers")
    field(page, "Name").set_value(" ANA ")
    page = save(page, admin, "add closers")
    assert "There is a closer “ANA” already" in unescape(page.error[0].value)
    page.checkbox[0].set_value(True)
    page = save(page, admin, "add closers")
    assert not page.error
    with as_system(admin.organization_id) as db:
        assert sorted(db.scalars(select(Closer.name))) == ["ANA", "Ana"]


def test_what_nobody_changed_is_replaced_by_nobody():
    read, theirs = {"a": 1, "b": 1}, {"a": 1, "b": 2}
    assert merged(theirs, {"a": 3, "b": 1}, read) == {"a": 3, "b": 2}
    assert merged(theirs, {"a": 1, "b": 2}, read) == theirs
    assert merged(theirs, {"a": 3, "b": 1}, None) == {"a": 3, "b": 1}
    with pytest.raises(Changed) as crossed:
        merged(theirs, {"a": 3, "b": 3}, read)
    assert crossed.value.now == {"b": 2}
