"""Contacts and leads as people write them: by whom, what is refused, and what two people who write
at once leave behind.
"""

import csv
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.metrics.exports import export
from core.people.actions import Person, find_or_make_contact
from core.people.address_requests import add_asked_emails, dismiss_asked_emails
from core.people.contact_queries import ORDERED, ContactFilter, contacts_table, count_contacts
from core.people.contacts import (
    ContactDetails,
    change_contact,
    contact_reach,
    create_contact,
    details_of,
    find_contact,
)
from core.people.leads import LeadDetails, change_lead, create_lead, create_lead_of, lead_details_of
from core.people.models import Activity, Contact, Lead, LeadPriority, LeadStatus
from core.platform.database import as_system
from core.platform.edits import Changed
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.platform.paging import Order
from core.tenancy.access.models import Role
from tests import factories as make

NOBODYS = uuid4()
LENA = ContactDetails(
    name="Lena Vogt",
    emails=("Lena@Example.com", "l.vogt@example.com"),
    phones=("+4520123456", "+4531415999"),
    company="Vogt & Co",
    city="Aarhus",
    country="Denmark",
    tags=("VIP", "Webinar"),
    custom_fields={"Shirt size": "L"},
    external_ids={"hubspot": "12345"},
)


@pytest.fixture
def org():
    return make.organization()


@pytest.fixture
def manager(org):
    return make.viewer(org, Role.MANAGER)


@pytest.fixture
def rep(org):
    return make.viewer(org, Role.SALES_REP)


@pytest.fixture
def danish():
    return make.viewer(make.organization(region="DK"), Role.MANAGER)


@pytest.fixture
def lena(manager):
    with manager.transaction() as db:
        return create_contact(db, LENA, manager).id


def read(viewer, contact_id):
    with viewer.transaction() as db:
        return details_of(db, db.get_one(Contact, (viewer.organization_id, contact_id)))


def save(viewer, contact_id, before, after):
    with viewer.transaction() as db:
        change_contact(db, contact_id, before, after, viewer)


def test_a_contact_is_read_as_it_was_written(manager, lena):
    assert read(manager, lena) == LENA


def test_what_arrives_under_any_address_or_number_of_a_contact_is_theirs(org, lena):
    with as_system(org) as db:
        for person in (
            Person(None, "L.Vogt@example.com"),
            Person(None, None, "20123456"),
        ):
            assert find_or_make_contact(db, person, "DK").id == lena


@pytest.mark.parametrize(
    "typed",
    [
        *("ask at the desk", "20123456 after five", "20 12 34 56 / 30 30 30 30", "12"),
        *("+45 20 12 34 56 ext. 7", "call 20123456", "+999 20123456", "٠", "\0", "()", "9" * 600),
    ],
    ids=ascii,
)
def test_what_is_no_phone_number_is_refused_at_its_field(danish, typed):
    for write in (
        lambda db: create_contact(db, ContactDetails("Tom", phones=(typed,)), danish),
        lambda db: create_lead_of(db, Person("Tom", None, typed), LeadDetails(), danish),
    ):
        with pytest.raises(InvalidInput) as refusal, danish.transaction() as db:
            write(db)
        assert refusal.value.field == "phones"
        assert "Write it like 34 41 23 45, or with its country like +45 34" in str(refusal.value)


@pytest.mark.parametrize("typed", ["20 12 34 56", "(20)123456", "+45 2012-3456", "004520123456"])
def test_a_number_is_stored_so_that_every_country_dials_it(danish, typed):
    with danish.transaction() as db:
        made = create_contact(db, ContactDetails("Tom", phones=(typed,)), danish)
        assert (made.phone, made.phone_e164) == ("+4520123456", "+4520123456")


def test_what_a_delivery_brought_as_a_number_stays_as_it_was_written(danish):
    brought = "call 20123456 after five"
    with as_system(danish.organization_id) as db:
        person = Person("Tom", "tom@example.com", brought)
        tom = find_or_make_contact(db, person, "DK").id
    before = read(danish, tom)
    assert before.phones == (brought,)
    save(danish, tom, before, replace(before, phones=("30 30 30 30", brought), city="Odense"))
    after = read(danish, tom)
    assert (after.phones, after.city) == (("+4530303030", brought), "Odense")
    with pytest.raises(InvalidInput):
        save(danish, tom, after, replace(after, phones=(brought, "call 30303030")))


def test_a_number_is_found_as_people_of_the_region_write_it():
    org = make.organization(region="GB")
    manager = make.viewer(org, Role.MANAGER)
    with manager.transaction() as db:
        create_contact(db, ContactDetails("Tom", phones=("020 7946 0018",)), manager)
        found = [
            count_contacts(db, ContactFilter(words, region="GB"))
            for words in ("020 7946 0018", "+44 20 7946 0018", "7946 0018", "020 7946 0019")
        ]
    assert found == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("vogt", 1),
        ("lena@exam", 1),
        ("l.vogt@example.com", 1),
        ("20 12 34", 1),
        ("Vogt & Co", 1),
        ("100 %", 0),
        ("nobody", 0),
        ("\0", 1),
    ],
)
def test_a_contact_is_found_by_name_address_number_or_company(manager, lena, words, found):
    with manager.transaction() as db:
        chosen = ContactFilter(words)
        assert count_contacts(db, chosen) == len(contacts_table(db, chosen)) == found


@pytest.mark.parametrize("column", ORDERED)
def test_contacts_are_sorted_by_every_column_a_page_at_a_time(manager, lena, column):
    with manager.transaction() as db:
        for name in ("ada", "Bo"):
            make_like = ContactDetails(name, phones=(f"+45 30 30 30 3{len(name)}",), city=name)
            create_contact(db, make_like, manager)
        for descending in (False, True):
            order = Order(column, descending)
            pages = [
                contacts_table(db, ContactFilter(), order=order, limit=1, offset=place)
                for place in range(3)
            ]
            rows = [page.iloc[0] for page in pages]
            assert len({row["id"] for row in rows}) == 3
            if column in ("name", "city"):
                known = sorted((row[column] for row in rows), key=str.lower, reverse=descending)
                assert [row[column] for row in rows] == known


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (ContactDetails(), "name"),
        (ContactDetails("Tom", emails=("tom at example.com",)), "emails"),
        (ContactDetails("Tom", source_id=NOBODYS), "source_id"),
        (ContactDetails("T" * 501), "name"),
        (ContactDetails("Tom", tags=tuple(map(str, range(51)))), "tags"),
    ],
)
def test_a_contact_that_cannot_be_used_is_refused_at_its_field(manager, details, field):
    with pytest.raises(InvalidInput) as refusal, manager.transaction() as db:
        create_contact(db, details, manager)
    assert refusal.value.field == field


def test_what_is_written_twice_is_stored_once_in_its_place(manager):
    twice = ("tom@example.com", "t@example.com", "TOM@example.com")
    with manager.transaction() as db:
        made = create_contact(db, ContactDetails("Tom", emails=twice), manager).id
    assert read(manager, made).emails == twice[:2]


def test_all_that_is_written_of_a_contact_is_exported(manager, lena):
    rows = b"".join(export(manager.transaction, "contacts", "csv")).decode("utf-8-sig")
    [line] = csv.DictReader(rows.splitlines())
    shown = {name: line[name] for name in ("name", "company", "city", "tags", "external_ids")}
    assert shown == {
        "name": "Lena Vogt",
        "company": "Vogt & Co",
        "city": "Aarhus",
        "tags": "VIP, Webinar",
        "external_ids": '{"hubspot": "12345"}',
    }


def test_an_address_belongs_to_one_contact(manager, lena):
    with pytest.raises(Conflict, match="merge"), manager.transaction() as db:
        create_contact(db, ContactDetails("Tom", emails=("LENA@example.com",)), manager)
    with manager.transaction() as db:
        assert db.scalar(select(func.count()).select_from(Contact)) == 1


def test_what_a_rep_creates_is_theirs_and_nobody_elses(org, rep, manager):
    other = make.viewer(org, Role.SALES_REP)
    with rep.transaction() as db:
        contact = create_contact(db, LENA, rep)
        lead = create_lead(db, contact.id, LeadDetails(company="Vogt & Co"), rep)
    assert read(rep, contact.id) == replace(LENA, emails=(), owner_user_id=rep.user_id)
    with other.transaction() as db:
        assert db.scalars(select(Contact.id)).all() == db.scalars(select(Lead.id)).all() == []
        assert contact_reach(db, contact.id) == {"email": (), "phone": ()}
    with pytest.raises(NotFound):
        save(other, contact.id, LENA, replace(LENA, city="Odense"))
    with manager.transaction() as db:
        assert db.scalars(select(Lead.id)).all() == [lead.id]


def test_a_manager_of_a_team_creates_what_is_theirs(org, manager, rep):
    with make.viewer(org).transaction() as db:
        db.execute(text("update app.access_settings set managers_see_their_team_only = true"))
        db.execute(
            text(
                "update app.organization_members set manager_user_id = :boss where user_id = :rep"
            ),
            {"boss": manager.user_id, "rep": rep.user_id},
        )
    with manager.transaction() as db:
        mine = create_contact(db, LENA, manager)
        given = ContactDetails("Tom", owner_user_id=rep.user_id)
        theirs = create_contact(db, given, manager)
        lead = create_lead(db, theirs.id, LeadDetails(owner_user_id=rep.user_id), manager)
        assert (mine.owner_user_id, theirs.owner_user_id) == (manager.user_id, rep.user_id)
    with rep.transaction() as db:
        assert db.scalars(select(Contact.id)).all() == [theirs.id]
        assert db.scalars(select(Lead.id)).all() == [lead.id]
    stranger = make.viewer(org, Role.SALES_REP)
    with pytest.raises(NotAllowed), manager.transaction() as db:
        create_contact(db, ContactDetails("Kim", owner_user_id=stranger.user_id), manager)


def test_only_a_manager_says_whose_a_record_is(org, rep, manager):
    with rep.transaction() as db:
        contact_id = create_contact(db, LENA, rep).id
    mine = replace(LENA, emails=(), owner_user_id=rep.user_id)
    theirs = replace(mine, owner_user_id=manager.user_id)
    with pytest.raises(NotAllowed, match="Only a manager"):
        save(rep, contact_id, mine, theirs)
    with pytest.raises(NotAllowed, match="Only a manager"), rep.transaction() as db:
        create_contact(db, ContactDetails("Tom", owner_user_id=manager.user_id), rep)
    save(manager, contact_id, mine, theirs)
    with rep.transaction() as db:
        assert db.scalars(select(Contact.id)).all() == []


@pytest.mark.parametrize(
    "emails",
    [(*LENA.emails, "payer@example.com"), LENA.emails[:1], (), LENA.emails[::-1]],
    ids=["one more", "one less", "none", "another first"],
)
def test_a_rep_changes_no_address_and_therefore_nobodys_payments(manager, rep, emails):
    mine = replace(LENA, owner_user_id=rep.user_id)
    with manager.transaction() as db:
        contact_id = create_contact(db, mine, manager).id
    with pytest.raises(InvalidInput, match="A manager changes e-mail addresses") as refused:
        save(rep, contact_id, mine, replace(mine, emails=emails))
    assert refused.value.field == "emails"
    changed = replace(mine, city="Odense", phones=("+4530303030", "+4530303031"))
    save(rep, contact_id, mine, changed)
    assert read(rep, contact_id) == changed


@pytest.mark.parametrize("emails", ["{new@example.com}", "{}"])
def test_no_statement_of_a_rep_changes_the_addresses_of_a_contact(manager, rep, emails):
    with manager.transaction() as db:
        with_one = replace(LENA, emails=LENA.emails[:1], owner_user_id=rep.user_id)
        contact_id = create_contact(db, with_one, manager).id
    with rep.transaction() as db:
        without = create_contact(db, ContactDetails("Tom"), rep).id
    for each in (contact_id, without) if emails != "{}" else (contact_id,):
        with pytest.raises(ProgrammingError, match="a manager changes"), rep.transaction() as db:
            set_reach(db, each, emails)
    # Not even in the transaction that creates it, so that nobody tries which are known.
    with pytest.raises(ProgrammingError, match="a manager changes"), rep.transaction() as db:
        set_reach(db, create_contact(db, ContactDetails("Ute"), rep).id, "{ute@example.com}")


def set_reach(db, contact_id, emails):
    db.execute(
        text(
            "select app.set_contact_reach(:id, cast(:emails as text[]), cast(:emails as text[]),"
            " '{}', '{}')"
        ),
        {"id": contact_id, "emails": emails},
    )


FIRST = "update app.contacts set email = 'a@b.dk', email_normalized = 'a@b.dk' where id = :id"
NEW = """
    insert into app.contacts (organization_id, name, email, email_normalized, owner_user_id)
    values (app.cur_org(), 'Any', 'a@b.dk', 'a@b.dk', app.cur_user())
"""
FURTHER = """
    insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
    values (app.cur_org(), :id, 'a@b.dk', 'a@b.dk')
"""
TAKEN_OVER = "update app.contact_emails set email = 'a@b.dk', email_normalized = 'a@b.dk'"


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.SALES_REP, Role.VIEWER])
@pytest.mark.parametrize(
    "statement", [FIRST, NEW, FURTHER, TAKEN_OVER], ids=["first", "new", "further", "changed"]
)
def test_no_statement_of_anybody_writes_an_address_past_the_function(org, lena, role, statement):
    viewer = make.viewer(org, role)
    before = addresses(org)
    with suppress(ProgrammingError), viewer.transaction() as db:
        db.execute(text(statement), {"id": lena} if ":id" in statement else {})
    assert addresses(org) == before


def addresses(org):
    asked = text("""
        select email_normalized, id from app.contacts where email is not null
        union all select email_normalized, contact_id from app.contact_emails order by 1, 2
    """)
    with as_system(org) as db:
        return db.execute(asked).all()


def test_a_rep_who_enters_an_address_does_not_learn_whether_anybody_has_it(org, rep, lena):
    with as_system(org) as db:
        make.payment(db, org, email="payer@example.com")
        make.event(db, org, email="booker@example.com")
    before = addresses(org)
    seen = set()
    for typed in ("Payer@example.com", "booker@example.com", "l.vogt@example.com", "no@body.dk"):
        with rep.transaction() as db:
            made = create_contact(db, ContactDetails("Tom", emails=(typed,)), rep)
            lead = create_lead_of(db, Person("Tom", typed), LeadDetails(), rep)
            told = list(db.scalars(select(Activity.summary).where(Activity.contact_id == made.id)))
            assert made.asked_emails == [typed]
            assert lead.contact_id not in (made.id, lena)
            seen |= {(made.email, contact_reach(db, made.id)["email"]), *told}
    created = f"Contact created by {rep.name}; a manager is asked to add the addresses"
    assert seen == {(None, ()), created}
    assert addresses(org) == before


def test_a_manager_adds_what_a_rep_has_entered_or_does_not(rep, manager, lena):
    with rep.transaction() as db:
        new, known, refused = (
            create_contact(db, ContactDetails("Tom", emails=(typed,)), rep).id
            for typed in ("Tom@example.com", "l.vogt@example.com", "bad@example.com")
        )
    for action in (add_asked_emails, dismiss_asked_emails):
        with pytest.raises(NotAllowed), rep.transaction() as db:
            action(db, new, rep)
    with manager.transaction() as db:
        assert count_contacts(db, ContactFilter(asking=True)) == 3
        add_asked_emails(db, new, manager)
        dismiss_asked_emails(db, refused, manager)
    taken = pytest.raises(Conflict, match=r"l\.vogt@example\.com is another contact's")
    with taken, manager.transaction() as db:
        add_asked_emails(db, known, manager)
    assert read(rep, new).emails == ("Tom@example.com",)
    assert read(rep, refused).emails == ()
    with manager.transaction() as db:
        assert count_contacts(db, ContactFilter(asking=True)) == 1
        assert find_contact(db, "tom@example.com").id == new
        create_contact(db, ContactDetails("Pay", emails=("payer@example.com",)), manager)


def test_nothing_is_written_to_a_contact_that_is_merged_or_erased(org, manager, lena):
    with manager.transaction() as db:
        merged, erased = (create_contact(db, ContactDetails(n), manager).id for n in ("Al", "Bo"))
    with as_system(org) as db:
        db.get_one(Contact, (org, merged)).merged_into_id = lena
        db.get_one(Contact, (org, erased)).erased_at = func.now()
    for each in (merged, erased):
        with pytest.raises(NotFound), manager.transaction() as db:
            create_lead(db, each, LeadDetails(), manager)
        with pytest.raises(DBAPIError, match="merged or erased"), manager.transaction() as db:
            set_reach(db, each, "{a@b.dk}")


def test_whoever_owns_a_lead_reads_its_contact(org, rep, manager, lena):
    with manager.transaction() as db:
        lead = create_lead(db, lena, LeadDetails(owner_user_id=rep.user_id), manager)
    assert read(rep, lena) == LENA
    before = LeadDetails(owner_user_id=rep.user_id)
    with manager.transaction() as db:
        change_lead(db, lead.id, before, LeadDetails(), manager)
    with rep.transaction() as db:
        assert db.scalars(select(Contact.id)).all() == []


def test_a_viewer_changes_nothing_whatever_they_try(org, lena, manager):
    viewer = make.viewer(org, Role.VIEWER)
    with pytest.raises(NotAllowed), viewer.transaction() as db:
        create_contact(db, ContactDetails("Tom"), viewer)
    with pytest.raises(NotAllowed):
        save(viewer, lena, LENA, replace(LENA, city="Odense"))
    with viewer.transaction() as db:
        assert contact_reach(db, lena) == {"email": (), "phone": ()}
        assert db.execute(update(Contact).values(city="Odense")).rowcount == 0
    for statement in (
        "insert into app.contacts (organization_id, name) values (app.cur_org(), 'Tom')",
        "select app.set_contact_reach(:id, '{}', '{}', '{}', '{}')",
        "select app.merge_contacts(:id, :id)",
    ):
        with pytest.raises(ProgrammingError), viewer.transaction() as db:
            db.execute(text(statement), {"id": lena} if ":id" in statement else {})
    assert read(manager, lena) == LENA


def test_two_people_who_change_different_fields_lose_nothing(manager, lena):
    save(manager, lena, LENA, replace(LENA, city="Odense"))
    save(manager, lena, LENA, replace(LENA, company="Lena Vogt ApS", phones=()))
    assert read(manager, lena) == replace(LENA, city="Odense", company="Lena Vogt ApS", phones=())


def test_two_people_who_change_the_same_field_are_asked(manager, lena):
    save(manager, lena, LENA, replace(LENA, city="Odense"))
    with pytest.raises(Changed) as conflict:
        save(manager, lena, LENA, replace(LENA, city="Kolding", country=None))
    assert conflict.value.now == {"city": "Odense"}
    assert read(manager, lena) == replace(LENA, city="Odense")
    save(manager, lena, replace(LENA, city="Odense"), replace(LENA, city="Kolding"))
    assert read(manager, lena).city == "Kolding"


def test_a_rep_goes_on_with_an_edit_of_what_a_manager_has_given_them_meanwhile(manager, rep, lena):
    with manager.transaction() as db:
        lead = create_lead(db, lena, LeadDetails(owner_user_id=rep.user_id), manager).id
    save(manager, lena, LENA, replace(LENA, owner_user_id=rep.user_id))
    save(rep, lena, LENA, replace(LENA, city="Odense"))
    assert read(rep, lena) == replace(LENA, owner_user_id=rep.user_id, city="Odense")
    before = LeadDetails(owner_user_id=rep.user_id)
    with manager.transaction() as db:
        change_lead(db, lead, before, replace(before, company="Vogt ApS"), manager)
    with rep.transaction() as db:
        changed = change_lead(db, lead, before, replace(before, city="Odense"), rep)
        assert (changed.company, changed.city) == ("Vogt ApS", "Odense")


def test_what_two_people_write_alike_is_changed_once(manager, lena):
    save(manager, lena, LENA, replace(LENA, city="Odense"))
    save(manager, lena, LENA, replace(LENA, city="Odense"))
    with manager.transaction() as db:
        summaries = db.scalars(select(Activity.summary).where(Activity.subject_id == lena)).all()
    assert sum(line.startswith("Contact changed") for line in summaries) == 1


def test_the_first_address_is_the_one_in_use(manager, lena):
    save(manager, lena, LENA, replace(LENA, emails=("l.vogt@example.com", "new@example.com")))
    with manager.transaction() as db:
        contact = db.get_one(Contact, (manager.organization_id, lena))
        assert (contact.email, contact.email_normalized) == ("l.vogt@example.com",) * 2
    assert read(manager, lena).emails == ("l.vogt@example.com", "new@example.com")


LEAD = LeadDetails(
    status=LeadStatus.QUALIFIED,
    priority=LeadPriority.HIGH,
    score=80,
    qualification_summary="Has the budget.\nWants to start in March.",
    company="Vogt & Co",
    city="Aarhus",
    external_id="crm-1",
)


def test_a_lead_is_read_as_it_was_written_and_says_who_changed_it(manager, lena):
    with manager.transaction() as db:
        lead = create_lead(db, lena, LEAD, manager)
        assert (lead_details_of(lead), lead.is_converted) == (LEAD, False)
    changed = replace(LEAD, status=LeadStatus.CONVERTED, is_spam=True)
    with manager.transaction() as db:
        lead = change_lead(db, lead.id, LEAD, changed, manager)
        db.refresh(lead)
        assert (lead_details_of(lead), lead.is_converted) == (changed, True)
        said = db.scalars(
            select(Activity.summary).where(Activity.subject_id == lead.id).order_by(Activity.at)
        ).all()
    assert said == [
        f"Lead created by {manager.name}",
        f"Lead changed by {manager.name}: status Qualified → Converted, spam",
    ]


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_that_no_lead_can_have_is_refused(manager, lena, score):
    with pytest.raises(InvalidInput, match="0 to 100"), manager.transaction() as db:
        create_lead(db, lena, LeadDetails(score=score), manager)


def test_a_lead_of_somebody_known_is_their_next_inquiry(manager, rep, lena):
    with manager.transaction() as db:
        known = create_lead_of(db, Person(None, "l.vogt@example.com"), LeadDetails(), manager)
        new = create_lead_of(db, Person("Tom", None, "+4530303030"), LeadDetails(), manager)
        assert (known.contact_id, new.contact_id == lena) == (lena, False)
    with rep.transaction() as db:
        theirs = create_lead_of(db, Person("Lena", "lena@example.com"), LeadDetails(), rep)
        assert theirs.contact_id != lena


def test_a_rep_changes_own_leads_only(org, rep, manager, lena):
    with manager.transaction() as db:
        lead = create_lead(db, lena, LeadDetails(), manager)
    with pytest.raises(NotFound), rep.transaction() as db:
        change_lead(db, lead.id, LeadDetails(), LEAD, rep)
    with pytest.raises(NotFound), rep.transaction() as db:
        create_lead(db, lena, LeadDetails(), rep)
    with rep.transaction() as db:
        assert db.execute(update(Lead).values(score=1)).rowcount == 0
