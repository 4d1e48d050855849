"""Settings and lists, changed where they are shown."""

from html import unescape

import pytest
from sqlalchemy import select

from core.bookings.models import BookingSettings, Event, Package, Setter
from core.platform.database import as_system
from core.tenancy.access.models import OrganizationMember
from core.tenancy.organizations.queries import settings_of
from tests import factories as make
from tests.ui.screens import browser_of, opened, words


@pytest.fixture
def admin():
    return make.viewer(make.organization(), "admin")


def press(page, viewer, key):
    with browser_of(viewer):
        return next(button for button in page.button if button.key == key).click().run()


def test_a_setting_says_what_it_means_how_it_stands_and_what_a_change_does(admin):
    page = opened("settings", admin)
    assert {
        "Form is overdue after",
        "24 hours after the meeting",
        "Never",
    } <= {line.strip("*").replace("&#58;", ":") for line in words(page)}
    assert any(
        "Days, weeks and months are recalculated" in warning.value for warning in page.warning
    )
    page.number_input[0].set_value(36)

    page = press(page, admin, "save pcf_grace_hours")

    assert any("36 hours after the meeting" in line for line in words(page))
    assert unescape(page.toast[0].value) == "Form is overdue after: saved."
    with as_system(admin.organization_id) as db:
        assert settings_of(db, BookingSettings).pcf_grace_hours == 36


def test_a_setting_that_cannot_be_is_refused_in_a_sentence(admin):
    page = opened("settings", admin)
    next(field for field in page.text_input if field.label == "Time zone").set_value("Nowhere")

    page = press(page, admin, "save timezone")

    assert "is not a time zone" in page.error[0].value.replace("&#95;", "_")


def test_a_setter_is_added_and_an_unknown_name_is_linked(admin):
    org = admin.organization_id
    with as_system(org) as db:
        make.event(db, org, setter_name="sammy")
    page = opened("lists", admin, list="Setters")
    page.text_input[0].set_value("Sam")
    page = press(page, admin, "add setters")
    assert any("1 setter name is unknown" in line for line in words(page))

    with browser_of(admin):
        next(box for box in page.selectbox if box.label == "Setter").set_value("Sam")
        page = next(button for button in page.button if button.label == "Match").click().run()

    assert unescape(page.toast[0].value) == "1 booking is theirs now; payments follow."
    with as_system(org) as db:
        sam = db.scalars(select(Setter)).one()
        assert (sam.name, sam.aliases, db.scalars(select(Event)).one().setter_id) == (
            "Sam",
            ["sammy"],
            sam.id,
        )


def test_a_row_stays_its_persons_when_it_is_changed_while_they_are_off(admin):
    org, person = admin.organization_id, make.viewer(admin.organization_id, "sales_rep")
    with as_system(org) as db:
        make.setter(db, org, "Sam", user_id=person.user_id)
        db.get_one(OrganizationMember, (org, person.user_id)).active = False
    page = opened("lists", admin, list="Setters")
    assert person.email not in str(page.selectbox[1].options)
    with browser_of(admin):
        page = page.selectbox(key="change setters").set_value(0).run()
    next(field for field in page.text_input if field.value == "Sam").set_value("Samuel")
    with browser_of(admin):
        next(button for button in page.button if button.label == "Save").click().run()

    with as_system(org) as db:
        setter = db.scalars(select(Setter)).one()
        assert (setter.name, setter.user_id) == ("Samuel", person.user_id)


def test_a_package_is_renamed_and_switched_off(admin):
    with as_system(admin.organization_id) as db:
        db.add(Package(organization_id=admin.organization_id, name="Gold"))
    page = opened("lists", admin, list="Packages")
    with browser_of(admin):
        page = page.selectbox(key="change packages").set_value(0).run()
    next(field for field in page.text_input if field.value == "Gold").set_value("Platinum")
    [field for field in page.text_input if field.label.startswith("Price")][-1].set_value("4997")
    page.toggle[0].set_value(False)
    with browser_of(admin):
        page = next(button for button in page.button if button.label == "Save").click().run()

    with as_system(admin.organization_id) as db:
        package = db.scalars(select(Package)).one()
        assert (package.name, str(package.price), package.currency, package.active) == (
            "Platinum",
            "4997.000",
            "USD",
            False,
        )
