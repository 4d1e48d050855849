"""Contacts, leads and bookings on their screens: created, edited, merged, and read as a whole."""

from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from core.bookings.form_answers import FormAnswers
from core.bookings.queries import timeline
from core.money.attribution import attribute
from core.money.form_filing import file_form, withdraw_form
from core.money.models import Payment
from core.people.contacts import ContactDetails, change_contact, create_contact, details_of
from core.people.leads import LeadDetails, change_lead, create_lead
from core.people.models import Contact, Lead, LeadStatus
from core.platform.clock import now, today
from core.platform.database import as_system
from core.tenancy.access.models import Role
from tests import factories as make
from tests.ui.grids import grid, grids
from tests.ui.screens import addressed, below, browser_of, opened, press, sent, words

LENA = ContactDetails("Lena Vogt", emails=("lena@example.com",), company="Vogt & Co", tags=("VIP",))


class Office:
    """A manager, and Ana, who held a meeting with Lena and has another one ahead."""

    def __init__(self):
        self.org = make.organization()
        self.manager = make.viewer(self.org, Role.MANAGER, name="Mia Maple")
        self.rep = make.viewer(self.org, Role.SALES_REP, name="Ana Alder")
        with self.manager.transaction() as db:
            self.lena = create_contact(db, LENA, self.manager).id
            self.lead = create_lead(db, self.lena, LeadDetails(), self.manager).id
        with as_system(self.org) as db:
            ana = make.closer(db, self.org, "Ana", user_id=self.rep.user_id)
            of_lena = {"email": "lena@example.com", "lead_name": "Lena Vogt"}
            of_lena |= {"contact_id": self.lena, "lead_id": self.lead}
            self.held = make.event(db, self.org, ana, at=now() - timedelta(days=2), **of_lena).id
            self.next = make.event(db, self.org, ana, at=now() + timedelta(days=2), **of_lena).id
            paid = make.payment(
                db, self.org, at=now() - timedelta(hours=40), email="lena@example.com"
            )
            attribute(db, paid)
        with self.rep.transaction() as db:
            answers = FormAnswers(True, True, True, False, notes="Asks her partner")
            file_form(db, self.held, answers, self.rep)


@pytest.fixture
def office():
    return Office()


def submit(page, viewer, label):
    page = press(page, viewer, label)
    assert not page.exception
    return page


def field(page, label, kind="text_input"):
    return next(each for each in page.get(kind) if each.label == label)


def begin(screen, viewer, label, **query):
    return submit(opened(screen, viewer, **query), viewer, label)


def test_a_contacts_page_joins_all_that_is_theirs(office):
    page = opened("contact", office.manager, id=str(office.lena))
    assert not page.exception
    said = " ".join(words(page))
    for part in ("Company: Vogt & Co", "E-mail: lena@example.com", "Tags: VIP"):
        assert part in said
    assert "Asks her partner" in said
    assert "Lead created by Mia Maple" in said
    assert len(grid(page, "scheduled_at").rows) == 2
    assert [row["amount"] for row in grid(page, "amount").rows] == ["$4,997.00"]
    assert len(grid(page, "priority").rows) == 1


def test_the_list_of_contacts_is_searched_and_filtered_by_its_address(office):
    for query, found in (
        ({}, 1),
        ({"search": "vogt"}, 1),
        ({"search": "nobody"}, 0),
        ({"tag": "VIP"}, 1),
        ({"tag": "No such tag"}, 1),
    ):
        page = opened("contacts", office.manager, **query)
        assert not page.exception
        assert sum(len(each.rows) for each in grids(page)) == found
    row = grid(opened("contacts", office.manager), "name").targets[0]
    assert f"id={office.lena}" in row


def test_a_contact_is_created_on_the_list_and_a_mistake_keeps_what_was_typed(office):
    page = begin("contacts", office.manager, "Create contact")
    field(page, "Name").input("Tom Berg")
    emails = "E-mail addresses, one per line, main one first"
    field(page, emails, "text_area").input("tom at example")
    page = submit(page, office.manager, "Create")
    assert "is not an e-mail address" in " ".join(words(page))
    assert field(page, "Name").value == "Tom Berg"

    field(page, emails, "text_area").input("tom@example.com\nt.berg@example.com")
    submit(page, office.manager, "Create")
    with office.manager.transaction() as db:
        made = db.scalars(select(Contact).where(Contact.name == "Tom Berg")).one()
        assert details_of(db, made).emails == ("tom@example.com", "t.berg@example.com")


def test_an_address_that_is_taken_is_refused_at_its_field_and_at_the_button(office):
    page = begin("contacts", office.manager, "Create contact")
    field(page, "Name").input("Tom Berg")
    emails = "E-mail addresses, one per line, main one first"
    field(page, emails, "text_area").input("lena@example.com")
    page = submit(page, office.manager, "Create")
    assert "is another contact" in unescape(below(page, emails))
    said = next(each for each in words(page) if each.startswith("Nothing was saved"))
    assert "E-mail addresses" in said
    assert "is another contact" in unescape(said)
    assert field(page, "Name").value == "Tom Berg"


def test_an_edit_that_somebody_else_was_quicker_with_shows_both(office):
    page = begin("contact", office.manager, "Edit", id=str(office.lena))
    with office.manager.transaction() as db:
        other = ContactDetails(**(vars(LENA) | {"company": "Vogt ApS", "city": "Odense"}))
        change_contact(db, office.lena, LENA, other, office.manager)
    field(page, "Company").input("Vogt Holding")
    page = submit(page, office.manager, "Save")
    assert "Somebody else has changed this" in " ".join(words(page))
    assert "Company is now: Vogt ApS" in words(page)
    assert field(page, "Company").value == "Vogt Holding"

    submit(page, office.manager, "Save")
    with office.manager.transaction() as db:
        lena = db.get_one(Contact, (office.org, office.lena))
        assert (lena.company, lena.city) == ("Vogt Holding", "Odense")


def test_whoever_agrees_with_another_edit_goes_on_with_the_rest_of_their_own(office):
    page = begin("contact", office.manager, "Edit", id=str(office.lena))
    with office.manager.transaction() as db:
        other = ContactDetails(**(vars(LENA) | {"company": "Vogt ApS", "tags": ()}))
        change_contact(db, office.lena, LENA, other, office.manager)
    field(page, "Company").input("Vogt Holding")
    field(page, "City").input("Kolding")
    field(page, "Tags", "multiselect").set_value(["VIP", "Webinar"])
    page = submit(page, office.manager, "Save")
    assert {"Company is now: Vogt ApS", "Tags is now: –"} <= set(words(page))
    assert field(page, "Tags", "multiselect").value == ["VIP", "Webinar"]

    page = submit(page, office.manager, "Keep theirs")
    assert (field(page, "Company").value, field(page, "City").value) == ("Vogt ApS", "Kolding")
    assert field(page, "Tags", "multiselect").value == []
    submit(page, office.manager, "Save")
    with office.manager.transaction() as db:
        lena = details_of(db, db.get_one(Contact, (office.org, office.lena)))
        assert (lena.company, lena.city, lena.tags) == ("Vogt ApS", "Kolding", ())


def test_another_edit_of_a_lead_is_shown_in_words(office):
    page = begin("lead", office.manager, "Edit", id=str(office.lead))
    with office.manager.transaction() as db:
        other = LeadDetails(
            status=LeadStatus.CONTACTED, is_spam=True, owner_user_id=office.rep.user_id
        )
        change_lead(db, office.lead, LeadDetails(), other, office.manager)
    field(page, "Status", "selectbox").select("Qualified")
    field(page, "Owner", "selectbox").select("Mia Maple")
    page = submit(page, office.manager, "Save")
    assert {"Status is now: Contacted", "Owner is now: Ana Alder"} <= set(words(page))
    assert "Spam is now: On" not in words(page)
    assert field(page, "Status", "selectbox").value == LeadStatus.QUALIFIED


def test_a_mistake_stands_at_its_field_and_is_seen_there(office):
    page = begin("contact", office.manager, "Edit", id=str(office.lena))
    more = next(each for each in page.expander if each.label == "Address, other facts and IDs")
    assert not more.proto.expanded
    field(page, "Other facts, one per line", "text_area").input("Likes it short")
    page = submit(page, office.manager, "Save")
    more = next(each for each in page.expander if each.label == "Address, other facts and IDs")
    assert more.proto.expanded
    assert "write “Likes it short” as a name" in " ".join(error.value for error in more.error)
    assert any("what you typed is still here" in line for line in words(page))
    assert field(page, "Other facts, one per line", "text_area").value == "Likes it short"


def test_an_edit_that_is_given_up_begins_anew(office):
    page = begin("contact", office.manager, "Edit", id=str(office.lena))
    field(page, "Company").input("Vogt Holding")
    page = submit(page, office.manager, "Cancel")
    assert "Save" not in [button.label for button in page.button]
    page = submit(page, office.manager, "Edit")
    assert field(page, "Company").value == "Vogt & Co"


def test_the_addresses_of_a_contact_are_a_managers_to_edit(office):
    label = "E-mail addresses, one per line, main one first"
    for viewer, is_closed in ((office.rep, True), (office.manager, False)):
        page = begin("contact", viewer, "Edit", id=str(office.lena))
        assert field(page, label, "text_area").disabled == is_closed
    page = begin("contacts", office.rep, "Create contact")
    assert not field(page, label, "text_area").disabled


def test_an_address_that_a_rep_enters_waits_for_a_manager(office):
    page = begin("contacts", office.rep, "Create contact")
    label = "E-mail addresses, one per line, main one first"
    field(page, "Name").input("Tom Berg")
    field(page, label, "text_area").input("tom@example.com")
    submit(page, office.rep, "Create")
    with office.rep.transaction() as db:
        tom = db.scalars(select(Contact.id).where(Contact.name == "Tom Berg")).one()
    said = "A manager is asked to add tom@example.com."
    assert said in words(opened("contact", office.rep, id=str(tom)))
    assert not any("to add" in each.label for each in opened("contacts", office.rep).toggle)

    page = opened("contacts", office.manager, asking="true")
    assert grid(page, "name").column("name") == ["Tom Berg"]
    assert "Addresses to add (1)" in [each.label for each in page.toggle]
    page = opened("contact", office.manager, id=str(tom))
    assert "You are asked to add tom@example.com" in " ".join(words(page))
    submit(page, office.manager, "Add to this contact")
    with office.manager.transaction() as db:
        added = db.get_one(Contact, (office.org, tom))
        assert (added.email, added.asked_emails) == ("tom@example.com", [])


def test_a_lead_is_edited_on_its_page_by_whoever_has_it(office):
    for viewer, status in ((office.rep, "Contacted"), (office.manager, "Qualified")):
        page = begin("lead", viewer, "Edit", id=str(office.lead))
        field(page, "Status", "selectbox").select(status)
        page = submit(page, viewer, "Save")
        assert f"**{status}**" in words(page)
    with office.manager.transaction() as db:
        assert db.scalars(select(Lead.status)).all() == [LeadStatus.QUALIFIED]


def test_the_list_of_leads_is_narrowed_to_what_stands_as_asked(office):
    for status, found in (("New", 1), ("Qualified", 0), ("No such status", 1)):
        page = opened("leads", office.manager, status=status)
        assert not page.exception
        assert sum(len(each.rows) for each in grids(page)) == found


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP])
def test_a_lead_is_created_on_the_list(office, role):
    viewer = office.manager if role == Role.MANAGER else office.rep
    page = begin("leads", viewer, "Create lead")
    field(page, "Name").input("Tom Berg")
    field(page, "Score, 0 to 100").input("many")
    page = submit(page, viewer, "Create")
    assert "A score is a number" in " ".join(words(page))
    field(page, "Score, 0 to 100").input("80")
    submit(page, viewer, "Create")
    with viewer.transaction() as db:
        lead = db.scalars(select(Lead).where(Lead.score == 80)).one()
        assert db.get_one(Contact, (office.org, lead.contact_id)).name == "Tom Berg"


ODD = "\0\U0001f600\u202e'\"<b>\\%s{x}\r\n@example.com: \0"


@pytest.mark.parametrize(
    ("screen", "begins", "ends"),
    [
        ("contacts", "Create contact", "Create"),
        ("contact", "Edit", "Save"),
        ("contact", "Create lead", "Create"),
        ("leads", "Create lead", "Create"),
        ("lead", "Edit", "Save"),
    ],
)
def test_nothing_that_is_typed_breaks_a_form(office, screen, begins, ends):
    row = {"contact": office.lena, "lead": office.lead}
    asked = {"id": str(row[screen])} if screen in row else {}
    fields = ("text_input", "text_area")
    count = sum(len(begin(screen, office.manager, begins, **asked).get(kind)) for kind in fields)
    for place in range(count):
        page = begin(screen, office.manager, begins, **asked)
        [*page.text_input, *page.text_area][place].set_value(ODD)
        page = submit(page, office.manager, ends)
        assert "could not be shown" not in " ".join(words(page))


def test_a_rep_finds_own_contacts_and_leads_alone(office):
    other = make.viewer(office.org, Role.SALES_REP)
    for screen, thing in (("contact", office.lena), ("lead", office.lead)):
        assert "Lena" in sent(opened(screen, office.rep, id=str(thing)))
        assert "Lena" not in sent(opened(screen, other, id=str(thing)))
    for screen in ("contacts", "leads"):
        assert "Lena" in sent(opened(screen, office.rep))
        assert "Lena" not in sent(opened(screen, other))


def test_a_viewer_is_shown_when_where_from_and_how_leads_came_and_no_way_to_one(office):
    viewer = make.viewer(office.org, Role.VIEWER)
    page = opened("leads", viewer)
    board = grid(page, "received_at")
    assert (board.names, board.targets) == (["received_at", "source", "status"], [None])
    assert "Create lead" not in [button.label for button in page.button]
    booking = sent(opened("event", viewer, id=str(office.held)))
    assert not any(part in booking for part in ("Lena", "View contact", "Form history", "partner"))


def test_two_contacts_are_chosen_compared_and_merged(office):
    with office.manager.transaction() as db:
        twice = ContactDetails("L. Vogt", emails=("l.vogt@example.com",), city="Odense")
        other = create_contact(db, twice, office.manager).id
    ids = {"id": str(office.lena), "with": str(other)}
    search = opened("merge-contacts", office.manager, id=str(office.lena))
    field(search, "Search for the other contact").input("vogt")
    with browser_of(office.manager):
        search.run()
    assert grid(search, "name").column("name") == ["L. Vogt"]

    page = opened("merge-contacts", office.manager, **ids)
    sides = {row["field"]: (row["stays"], row["goes"]) for row in grid(page, "stays").rows}
    assert sides["Name"] == ("Lena Vogt", "L. Vogt")
    assert sides["City"] == ("–", "Odense")
    assert sides["Bookings"] == ("2", "0")
    assert "0 leads, 0 bookings and 0 payments move" in " ".join(words(page))
    submit(page, office.manager, "Merge")
    assert "City: Odense" in words(opened("contact", office.manager, id=str(other)))


def test_a_bookings_page_has_the_forms_history_reasons_and_the_persons_other_bookings(office):
    with office.rep.transaction() as db:
        withdraw_form(db, office.held, office.rep)
    page = opened("event", office.manager, id=str(office.held))
    said = words(page)
    assert any(line.startswith("**Withdrawn** by Ana Alder") for line in said)
    assert any(line.startswith("**Filed** by Ana Alder") for line in said)
    assert "Notes: Asks her partner" in said
    assert "Matched lena@example.com" in grid(page, "amount").rows[0]["attribution_reason"]
    [others] = [each for each in grids(page) if "scheduled_at" in each.names]
    assert [str(office.next) in target for target in others.targets] == [True]
    assert "Booked with: Entered by hand" in said


def test_a_name_that_is_on_no_roster_says_so(office):
    with as_system(office.org) as db:
        unknown = make.event(db, office.org, setter_name="new-setter").id
    page = opened("event", office.manager, id=str(unknown))
    assert "Setter: “new-setter” (not in your list)" in words(page)
    assert "Closer: No closer" in words(page)


def test_what_was_agreed_is_on_the_closers_day_until_it_is_done(office):
    with as_system(office.org) as db:
        ana = make.closer(db, office.org, "Ana A", user_id=office.rep.user_id)
        past = make.event(
            db, office.org, ana, at=now() - timedelta(days=5), email="tom@example.com"
        ).id
    day = today(office.rep.timezone) - timedelta(days=2)
    with office.rep.transaction() as db:
        answers = FormAnswers(True, True, follow_up_on=day, notes="Ring about the price")
        file_form(db, past, answers, office.rep)
    with browser_of(office.rep):
        page = addressed("my-day").run()
    said = " ".join(words(page))
    assert "Follow up today" in said
    assert "2 days overdue" in said
    assert "Ring about the price" in said

    page = submit(page, office.rep, "Mark done")
    assert "overdue" not in " ".join(words(page))
    page = submit(page, office.rep, "Undo")
    assert "2 days overdue" in " ".join(words(page))
    assert "Follow up today" not in words(opened("my-day", office.manager))


def test_a_phone_is_read_by_its_region_and_refused_at_its_field():
    manager = make.viewer(make.organization(region="DK"), Role.MANAGER)
    phones = "Phone numbers, one per line, main one first"
    page = begin("contacts", manager, "Create contact")
    field(page, "Name").input("Tom Berg")
    field(page, phones, "text_area").input("20 12 34 56\nask at the desk")
    page = submit(page, manager, "Create")
    assert "“ask at the desk” is not a phone number. Write it like 34 41 23 45" in " ".join(
        words(page)
    )
    assert field(page, phones, "text_area").value == "20 12 34 56\nask at the desk"

    field(page, phones, "text_area").input("20 12 34 56\n+1 212 555 0100")
    submit(page, manager, "Create")
    with manager.transaction() as db:
        [made] = db.scalars(select(Contact))
        assert details_of(db, made).phones == ("+4520123456", "+12125550100")
    assert grid(opened("contacts", manager), "phone").rows[0]["phone"] == "20 12 34 56"
    page = opened("contact", manager, id=str(made.id))
    assert "Phone: 20 12 34 56, +1 212-555-0100" in words(page)
    page = submit(page, manager, "Edit")
    assert field(page, phones, "text_area").value == "20 12 34 56\n+1 212-555-0100"
    field(page, "City").input("Odense")
    submit(page, manager, "Save")
    with manager.transaction() as db:
        assert details_of(db, db.get_one(Contact, (made.organization_id, made.id))).phones == (
            "+4520123456",
            "+12125550100",
        )


def test_a_payment_leads_to_its_contact(office):
    with office.manager.transaction() as db:
        [paid] = db.scalars(select(Payment.id))
    [link] = [
        each.proto
        for each in opened("payment", office.manager, id=str(paid)).get("page_link")
        if each.proto.label == "View contact"
    ]
    assert link.query_string == f"id={office.lena}"


def test_no_timeline_is_announced_to_whoever_may_see_no_line_of_it(office):
    looker = make.viewer(office.org, Role.VIEWER)
    with office.manager.transaction() as db:
        assert timeline(db, [office.held]).empty is False
    headings = [each.value for each in opened("event", looker, id=str(office.held)).subheader]
    with looker.transaction() as db:
        assert timeline(db, [office.held]).empty
    assert "Timeline" not in headings


def test_the_choice_of_a_contact_to_merge_asks_before_it_says_that_nobody_is_found(office):
    page = opened("merge-contacts", office.manager, id=str(office.lena))
    said = " ".join(words(page))
    assert "Who is the same person?" in said
    assert "Nobody found" not in said
    with browser_of(office.manager):
        page = field(page, "Search for the other contact").set_value("qqq").run()
    assert "Nobody found" in " ".join(words(page))


def test_a_merge_says_that_it_cannot_be_undone_before_it_is_asked_for(office):
    with office.manager.transaction() as db:
        other = create_contact(db, ContactDetails("L. Vogt"), office.manager).id
    query = {"id": str(office.lena), "with": str(other)}
    page = opened("merge-contacts", office.manager, **query)
    [warning] = [each for each in words(page) if "cannot be undone" in each]
    assert "Lena Vogt's is kept" in warning


def test_somebody_elses_form_says_what_it_is_and_leads_back(office):
    other = make.viewer(office.org, Role.SALES_REP)
    page = opened("form", other, event=str(office.held))
    assert [each.value for each in page.title] == ["Post-call form"]
    assert page.get("page_link")


def test_two_bookings_are_compared_merged_and_separated_again(office):
    with as_system(office.org) as db:
        known = {"lead_name": "Lena Vogt", "contact_id": office.lena}
        at = now() + timedelta(days=2, hours=1)
        twin = make.event(db, office.org, at=at, email="lena@example.com", **known).id
    listed = grid(opened("duplicates", office.manager), "reason")
    assert listed.column("reason") == ["same e-mail"]

    ids = {"id": str(office.next), "with": str(twin)}
    page = opened("merge-bookings", office.manager, **ids)
    sides = {row["field"]: (row["stays"], row["goes"]) for row in grid(page, "stays").rows}
    assert sides["Closer"] == ("Ana", "–")
    submit(page, office.manager, "Merge")
    kept = opened("event", office.manager, id=str(office.next))
    assert "Merged with the booking of" in " ".join(words(kept))
    assert "No possible duplicates" in " ".join(words(opened("duplicates", office.manager)))

    submit(kept, office.manager, "Undo the merge")
    assert grid(opened("duplicates", office.manager), "reason").column("reason") == ["same e-mail"]

    submit(opened("merge-bookings", office.manager, **ids), office.manager, "They are two meetings")
    kept = opened("event", office.manager, id=str(office.next))
    assert "Another meeting than the booking of" in " ".join(words(kept))
    submit(kept, office.manager, "Not sure any more")
    assert grid(opened("duplicates", office.manager), "reason").column("reason") == ["same e-mail"]


@pytest.mark.parametrize("screen", ["duplicates", "merge-bookings"])
def test_a_rep_merges_no_bookings(office, screen):
    page = opened(screen, office.rep, id=str(office.next))
    assert "Lena" not in sent(page)
    assert "Merge with another booking" not in sent(
        opened("event", office.rep, id=str(office.next))
    )
