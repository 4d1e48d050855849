"""A person's data, found, exported and erased on the screen."""

import pytest
from sqlalchemy import select

from core.bookings.models import Event
from core.messages.suppression_list import lift
from core.people.actions import Person, find_or_make_contact
from core.people.models import Contact
from core.platform.database import as_system
from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.screens import opened, press, token_of, words
from tests.ui.server import OWN, ask

EMAIL = "petronella@example.com"


@pytest.fixture
def admin():
    admin = make.viewer(make.organization(), Role.ADMIN)
    with as_system(admin.organization_id) as db:
        make.event(db, admin.organization_id, email=EMAIL, lead_name="Petronella")
    return admin


def found(viewer, email):
    page = opened("privacy", viewer)
    page.text_input[0].set_value(email)
    return press(page, viewer, "Find")


def test_a_person_is_found_and_erased_only_with_the_address_typed(admin):
    page = found(admin, f" {EMAIL.upper()} ")
    assert f"Addresses: {EMAIL}" in words(page)
    page.text_input[1].set_value("petronella")
    page = press(page, admin, "Erase")
    assert page.error[0].value.startswith("Type the e")

    page.text_input[1].set_value(EMAIL)
    page = press(page, admin, "Erase")

    assert "This address is erased" in page.success[0].value
    with as_system(admin.organization_id) as db:
        assert db.scalars(select(Event.lead_name)).one() == "Erased person"
    page = press(page, admin, "Accept this address again")
    assert not page.success


def test_who_asks_for_it_is_written_to_no_more_until_they_agree_again(admin):
    with as_system(admin.organization_id) as db:
        find_or_make_contact(db, Person(name="Petronella", email=EMAIL), "US")
    page = press(found(admin, EMAIL), admin, "Unsubscribe")
    assert any("Unsubscribed from e-mails and text messages today" in word for word in words(page))
    assert "Unsubscribe" not in [button.label for button in page.button]
    with as_system(admin.organization_id) as db:
        assert db.scalars(select(Contact.unsubscribed_at)).one() is not None

    with admin.transaction() as db:
        lift(db, admin, EMAIL)
    page = found(admin, EMAIL)
    assert "Unsubscribe" in [button.label for button in page.button]


@pytest.mark.parametrize(
    ("email", "says"),
    [("nobody@example.com", "Nothing here is about"), ("nonsense", "is not an e")],
)
def test_an_address_that_nothing_is_about_is_told(admin, email, says):
    assert says in found(admin, email).info[0].value


def download(cookie, email=EMAIL):
    return ask("POST", "/exports/person", cookie=cookie, data={"email": email}, headers=OWN)


def test_an_admin_downloads_everything_about_a_person(admin):
    answer = download(token_of(admin))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="person.json"'
    assert [call["lead_name"] for call in answer.json()["bookings"]] == ["Petronella"]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_nobody_else_does(admin, role):
    answer = download(token_of(make.viewer(admin.organization_id, role)))
    assert (answer.status_code, EMAIL in answer.text) == (403, False)


def test_a_request_without_a_session_or_about_nobody_is_refused(admin):
    assert download(None).status_code == 401
    assert download(token_of(admin), email="nobody@example.com").status_code == 422


def test_somebody_without_an_address_is_opened_from_their_contact_and_erased_by_name(admin):
    with as_system(admin.organization_id) as db:
        region = "US"
        quinn = find_or_make_contact(db, Person("Quinn Nomail", None, "+4520123499"), region).id
    link = "Export or erase this person's data"
    for viewer, offered in (
        (admin, True),
        (make.viewer(admin.organization_id, Role.MANAGER), False),
    ):
        page = opened("contact", viewer, id=str(quinn))
        assert (link in [each.label for each in page.get("page_link")]) == offered
    asked = {"contact": str(quinn)}
    answer = ask("POST", "/exports/person", cookie=token_of(admin), data=asked, headers=OWN)
    assert [each["name"] for each in answer.json()["contacts"]] == ["Quinn Nomail"]
    for nonsense in ("x", str(admin.user_id)):
        data = {"contact": nonsense}
        wrong = ask("POST", "/exports/person", cookie=token_of(admin), data=data, headers=OWN)
        assert wrong.status_code == 422

    page = opened("privacy", admin, contact=str(quinn))
    assert {"Names: Quinn Nomail", "Addresses: –", "Phones: +4520123499"} <= set(words(page))
    assert "Unsubscribe" not in [button.label for button in page.button]
    page.text_input[1].set_value("quin")
    page = press(page, admin, "Erase")
    assert page.error[0].value.startswith("Type the name")
    page.text_input[1].set_value("Quinn Nomail")
    page = press(page, admin, "Erase")

    assert "erased already" in page.info[0].value
    with as_system(admin.organization_id) as db:
        contact = db.get_one(Contact, (admin.organization_id, quinn))
        assert (contact.name, contact.phone) == ("Erased person", None)
