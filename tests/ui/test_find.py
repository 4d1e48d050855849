"""Find anything: what fits a few words, of each kind, and nothing that the viewer may not see."""

from datetime import timedelta

import httpx
import pytest

from app import app
from core.operations.find import KINDS, MOST_OF_A_KIND, find, searched
from core.people.models import Contact, Lead
from core.platform.database import as_system
from core.tenancy.access.models import Role
from core.ui.server.middleware import COOKIE
from tests import factories as make
from tests.factories import NOON
from tests.ui.screens import token_of
from tests.ui.teams import team

BY_LABEL = {kind.label: kind for kind in KINDS}
OURS = {"sec-fetch-site": "same-origin", "origin": "http://ours"}


@pytest.fixture(scope="module")
def crew(database_url):
    return team("Finch")


async def asked(viewer, words, organization=None):
    cookies = {COOKIE: token_of(viewer)} if viewer else {}
    form = {"q": words, "organization": str(organization or viewer.organization_id)}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://ours", cookies=cookies, headers=OURS
    ) as browser:
        return await browser.post("/find", data=form)


async def titles(viewer, words):
    groups = (await asked(viewer, words)).json()["groups"]
    return {group["label"]: [row["title"] for row in group["rows"]] for group in groups}


@pytest.mark.anyio
async def test_a_manager_finds_bookings_payments_and_screens_by_a_part_of_the_name(crew):
    found = await titles(crew.people[Role.MANAGER], "finch le")
    assert "Bookings" in found
    assert set(found["Bookings"]) == {"Finch lead"}
    assert (await titles(crew.people[Role.MANAGER], "leader"))["Screens"] == ["Leaderboards"]


@pytest.mark.anyio
async def test_people_and_their_screen_are_found_by_admins_alone(crew):
    assert (await titles(crew.admin, "finch viewer"))["People"] == ["Finch viewer"]
    assert "People" not in await titles(crew.people[Role.MANAGER], "finch viewer")


@pytest.mark.anyio
async def test_a_viewer_finds_nobody_by_contact_details(crew):
    assert await titles(crew.people[Role.VIEWER], "finch le") == {}


def test_a_viewer_who_finds_a_payment_by_its_amount_or_id_sees_no_payer():
    boss = make.viewer(make.organization(), "admin")
    viewer = make.viewer(boss.organization_id, "viewer")
    with as_system(boss.organization_id) as db:
        make.event(db, boss.organization_id, email="pay_55667788@example.com", lead_name="997")
        facts = {"email": "997@example.com", "email_normalized": "997@example.com"}
        db.add(contact := Contact(organization_id=boss.organization_id, name="997", **facts))
        db.flush()
        db.add(Lead(organization_id=boss.organization_id, contact_id=contact.id))
        payer = {"customer_name": "Ana Lopez", "email": "ana@example.com"}
        number = {"processor_payment_id": "pay_55667788"}
        make.payment(db, boss.organization_id, "997", **payer, **number)
    with viewer.transaction() as db:
        for words in ("997", "pay_55667788"):
            for kind in ("Bookings", "Leads", "Contacts", "Payments"):
                found = find(db, BY_LABEL[kind], words)
                assert [(each.name, each.email) for each in found] == (
                    [(None, None)] if kind == "Payments" else []
                )


@pytest.mark.anyio
async def test_a_rep_finds_their_own_bookings_and_nobody_elses(crew):
    rep = make.viewer(crew.admin.organization_id, "sales_rep", name="Finch newcomer")

    assert "Bookings" not in await titles(rep, "finch le")
    assert "Bookings" in await titles(crew.people[Role.SALES_REP], "finch le")


@pytest.mark.anyio
async def test_nothing_of_another_organisation_is_found(crew):
    stranger = make.viewer(make.organization(), "owner")

    assert await titles(stranger, "finch") == {}
    refused = await asked(stranger, "finch", crew.admin.organization_id)
    assert (refused.status_code, "finch" in refused.text.lower()) == (403, False)
    assert (await asked(None, "finch", crew.admin.organization_id)).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize("words", ["", "f", "\0", "  ", "%", "_", "zz%", "'; drop", "1e99", "99.5"])
async def test_odd_words_find_nothing_and_break_nothing(crew, words):
    assert (await asked(crew.admin, words)).json() == {"groups": []}


def test_names_that_begin_with_the_words_come_first_and_few_of_a_kind():
    boss = make.viewer(make.organization(), "admin")
    with as_system(boss.organization_id) as db:
        for number in range(MOST_OF_A_KIND + 2):
            make.event(db, boss.organization_id, lead_name=f"Mary Ana {number}")
        make.event(db, boss.organization_id, lead_name="Ana Lopez")
    with boss.transaction() as db:
        found = [each.name for each in find(db, BY_LABEL["Bookings"], "ana")]
    assert (found[0], len(found)) == ("Ana Lopez", MOST_OF_A_KIND)


def test_a_payment_is_found_by_its_amount_and_by_the_processors_number(crew):
    with as_system(crew.admin.organization_id) as db:
        paid = make.payment(
            db, crew.admin.organization_id, "1234.50", processor_payment_id="pay_99887766"
        )
        made = paid.id
    with crew.admin.transaction() as db:
        for words in ("1234.5", "pay_99887766"):
            assert [each.id for each in find(db, BY_LABEL["Payments"], words)] == [made]


def test_contacts_and_leads_are_found_by_name_and_by_whole_address():
    boss = make.viewer(make.organization(), "admin")
    with as_system(boss.organization_id) as db:
        facts = {"email": "Ana@Example.com", "email_normalized": "ana@example.com"}
        db.add(contact := Contact(organization_id=boss.organization_id, name="Ana Lopez", **facts))
        db.flush()
        db.add(Lead(organization_id=boss.organization_id, contact_id=contact.id))
    with boss.transaction() as db:
        for kind in ("Contacts", "Leads"):
            for words in ("lopez", "ANA@example.com"):
                assert [each.name for each in find(db, BY_LABEL[kind], words)] == ["Ana Lopez"]
            assert find(db, BY_LABEL[kind], "ana@example.org") == []


def test_what_is_typed_is_cut_to_words():
    assert searched("  Ana \n Lopez\0 ") == "Ana Lopez"
    assert searched("x" * 5000) == "x" * 100


@pytest.mark.anyio
async def test_amounts_and_days_are_written_as_the_organisation_writes_them():
    boss = make.viewer(make.organization(locale="da_DK"), "admin")
    with as_system(boss.organization_id) as db:
        make.payment(db, boss.organization_id, "4997.50", customer_name="Ida Holm")
    [group] = (await asked(boss, "ida holm")).json()["groups"]
    assert "4.997,50" in group["rows"][0]["note"]


def reachable(role="admin"):
    """Somebody of a new organisation in which Ana Lopez has a booking, a lead and a phone."""
    who = make.viewer(make.organization(), role)
    with as_system(who.organization_id) as db:
        booking = {"lead_name": "Ana Lopez", "email": "ana.lopez@example.com"}
        event = make.event(db, who.organization_id, **booking)
        event.lead_phone = "+1 (212) 555-0142"
        facts = {"email": "Ana.Lopez@example.com", "email_normalized": "ana.lopez@example.com"}
        number = {"phone": "(212) 555-0142", "phone_e164": "+12125550142"}
        contact = Contact(organization_id=who.organization_id, name="Ana Lopez", **facts, **number)
        db.add(contact)
        db.flush()
        came = {"received_at": make.NOON, "created_at": make.NOON + timedelta(days=9)}
        db.add(Lead(organization_id=who.organization_id, contact_id=contact.id, **came))
    return who


def found_of(viewer, words):
    with viewer.transaction() as db:
        found = {each: find(db, BY_LABEL[each], words) for each in BY_LABEL if each != "People"}
    return {label for label, rows in found.items() if rows}


@pytest.mark.parametrize(
    "words",
    ["0142", "555-0142", "(212) 555", "+1 212 555 0142", "0212 555", "ana.lo", "ANA.LOPEZ@exam"],
)
def test_somebody_is_found_by_a_part_of_a_number_and_the_beginning_of_an_address(words):
    assert found_of(reachable(), words) == {"Bookings", "Leads", "Contacts"}
    assert found_of(reachable("viewer"), words) == set()


@pytest.mark.parametrize("words", ["142", "55 01 43", "lopez@exam", "142 (x"])
def test_too_few_digits_and_the_middle_of_an_address_find_nobody(words):
    assert found_of(reachable(), words) == set()


def test_what_is_the_words_comes_before_what_begins_with_them_and_that_before_what_has_them():
    boss = make.viewer(make.organization(), "admin")
    names = ["Ann", "Annabel", "Jo Anning", "Hanna"]
    with as_system(boss.organization_id) as db:
        for age, name in enumerate(names):
            at = NOON - timedelta(days=len(names) - age)
            make.event(db, boss.organization_id, lead_name=name, at=at)
        make.event(db, boss.organization_id, lead_name="Annika", at=NOON)
    with boss.transaction() as db:
        found = [each.name for each in find(db, BY_LABEL["Bookings"], "ann")]
    assert found == ["Ann", "Annika", "Annabel", "Jo Anning", "Hanna"]


@pytest.mark.anyio
async def test_a_lead_shows_when_it_was_received():
    groups = (await asked(reachable(), "ana lopez")).json()["groups"]
    [lead] = next(group["rows"] for group in groups if group["label"] == "Leads")
    assert lead["note"].startswith("received ")
    assert "Nov 4" in lead["note"]
