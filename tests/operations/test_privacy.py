"""A person's data is found, handed out and erased, and every figure stays as it was."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.deliveries.actions import replay
from core.deliveries.models import WebhookDelivery
from core.messages.sms_outbox import post_text
from core.money.form_filing import file_form
from core.money.models import Payment
from core.operations.person_erasure import accept_again, erase_person, erase_person_of
from core.operations.personal_data import find_person
from core.operations.personal_export import export_person, export_person_of
from core.operations.retention import forget_deliveries, forget_recordings
from core.people.contacts import ContactDetails, change_contact, create_contact, details_of
from core.people.erasure import mark_of
from core.people.leads import LeadDetails, create_lead
from core.people.models import Contact, ContactEmail
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.providers.processing import work_off
from core.tenancy.access.models import Role
from tests import factories as make
from tests import payloads as samples
from tests.operations.petronella import EMAIL, NAME, PHONE, booking
from tests.traces import traces


def test_everything_of_a_person_goes_and_every_figure_stays(case):
    before = case.figures()
    assert case.mentions() >= {
        "contacts",
        "contact_emails",
        "events",
        "payments",
        "post_call_forms",
        "webhook_deliveries",
        "provider_objects",
        "audit_logs",
        "outbox",
        "payout_snapshot_details",
    }

    case.erase()

    assert case.mentions() == set()
    assert case.figures() == before
    with as_system(case.org) as db:
        contact = db.scalars(select(Contact).where(Contact.erased_at.is_not(None))).one()
        assert (contact.name, contact.phone, contact.unsubscribed_at is not None) == (
            "Erased person",
            None,
            True,
        )
        assert "Other" in set(db.scalars(select(Event.lead_name)))
        waits = dict(db.execute(text("select kind, status from app.outbox")).all())
        assert waits == {"hello": "failed", "overdue_reminder": "waiting"}


def test_what_has_become_rows_is_emptied_and_cannot_be_processed_again(case):
    before = case.figures()
    hers = [delivery_id for delivery_id, body in case.bodies().items() if EMAIL in body.lower()]
    case.erase()
    assert {case.bodies()[delivery_id] for delivery_id in hers} == {""}
    assert "other@example.com" in " ".join(case.bodies().values())
    with case.admin.transaction() as db, pytest.raises(Conflict, match="no longer kept"):
        replay(db, hers[0])
    with as_system(case.org) as db:
        for delivery_id in set(case.bodies()) - set(hers):
            replay(db, delivery_id)
    work_off(case.org)
    assert (case.figures(), case.mentions()) == (before, set())


@pytest.mark.parametrize("status", ["pending", "dead"])
def test_what_is_still_to_become_rows_stays_without_her_and_counts(case, status):
    again = replace(
        case.call,
        start=now() + timedelta(days=1),
        event_uuid=str(uuid4()),
        invitee_uuid=str(uuid4()),
    )
    waiting = case.receive("calendly", booking(again), status=status)
    case.erase()
    assert case.mentions() == set()
    with as_system(case.org) as db:
        replay(db, waiting)
    work_off(case.org)
    with as_system(case.org) as db:
        event = db.scalars(
            select(Event).where(Event.calendly_invitee_uuid == again.invitee_uuid)
        ).one()
        assert (event.lead_name, event.setter_name) == ("Erased person", "Sam")
    assert case.mentions() == set()


def test_a_later_delivery_about_the_address_counts_and_brings_nothing_back(case):
    case.erase()
    refund = samples.stripe_charge("P", 499700, EMAIL, now() - timedelta(days=1), refunded=1000)
    refund["billing_details"] |= {"name": NAME, "phone": PHONE}
    case.deliver("stripe", samples.stripe_event("charge.refunded", refund, now()))
    again = replace(
        case.call,
        start=now() + timedelta(days=1),
        event_uuid=str(uuid4()),
        invitee_uuid=str(uuid4()),
    )
    created = booking(again)
    case.deliver("calendly", created)
    case.deliver("calendly", samples.calendly_canceled(created, at=now()))
    whop = samples.whop_payment("W2", "77.00", EMAIL, now())
    whop["data"]["user"]["name"] = NAME
    case.deliver("whop", whop)

    assert case.mentions() == set()
    with as_system(case.org) as db:
        assert db.scalars(
            select(Payment.refund_amount).where(Payment.processor == "stripe")
        ).one() == Decimal("10")
        hers = db.scalars(select(Contact.id).where(Contact.erased_at.is_not(None))).one()
        newest = db.scalars(
            select(Event).where(Event.calendly_invitee_uuid == again.invitee_uuid)
        ).one()
        assert (newest.contact_id, newest.lead_name, newest.lead_phone, newest.setter_name) == (
            hers,
            "Erased person",
            None,
            "Sam",
        )
        paid = db.scalars(select(Payment).where(Payment.amount == Decimal("77"))).one()
        assert (paid.customer_name, paid.attribution_method) == ("Erased person", "email")


def test_an_address_that_is_accepted_again_begins_anew(case):
    case.erase()
    with case.admin.transaction() as db:
        assert find_person(db, EMAIL).erased is not None
        accept_again(db, EMAIL)
    with case.admin.transaction() as db, pytest.raises(NotFound):
        accept_again(db, EMAIL)
    again = replace(case.call, event_uuid=str(uuid4()), invitee_uuid=str(uuid4()))
    case.deliver("calendly", booking(again))
    with as_system(case.org) as db:
        newest = db.scalars(
            select(Event).where(Event.calendly_invitee_uuid == again.invitee_uuid)
        ).one()
        assert (newest.lead_name, db.get_one(Contact, (case.org, newest.contact_id)).erased_at) == (
            NAME,
            None,
        )
        assert (
            db.scalars(select(Contact).where(Contact.erased_at.is_not(None))).one().name
            == "Erased person"
        )


def test_the_export_holds_everything_and_is_noted(case):
    everything = json.loads(b"".join(export_person(case.admin.transaction, f" {EMAIL} ")))
    counted = {part: len(rows) for part, rows in everything.items() if part != "person"}
    assert everything["person"] == {"addresses": [EMAIL], "names": [NAME], "phones": [PHONE]}
    assert {
        part: counted[part]
        for part in ("contacts", "addresses", "leads", "bookings", "forms", "payments", "payouts")
    } == {
        "contacts": 1,
        "addresses": 1,
        "leads": 1,
        "bookings": 2,
        "forms": 1,
        "payments": 3,
        "payouts": 3,
    }
    assert {"timeline", "messages", "provider objects", "raw deliveries", "changes"} <= {
        part for part, n in counted.items() if n
    }
    assert "other@example.com" not in json.dumps(everything["bookings"])
    with case.admin.transaction() as db:
        [noted] = db.execute(
            text(
                "select actor_user_id, row_id from app.audit_logs where operation = 'person_export'"
            )
        ).all()
    assert noted == (case.admin.user_id, everything["contacts"][0]["id"])


def test_texts_to_a_persons_number_are_handed_out_too(case):
    with as_system(case.org) as db:
        post_text(db, "test", PHONE, "Hello", "a")
        post_text(db, "test", "+4520123456", "Hello", "b")
    everything = json.loads(b"".join(export_person(case.admin.transaction, EMAIL)))
    assert [row["recipient"] for row in everything["messages"] if row["channel"] == "sms"] == [
        PHONE
    ]


def test_somebody_who_only_paid_is_found_and_erased_too():
    org = make.organization()
    admin = make.viewer(org, Role.OWNER)
    with as_system(org) as db:
        make.payment(
            db,
            org,
            email=EMAIL,
            customer_name=NAME,
            attribution_reason=f"no booking of {EMAIL} at or before the payment",
        )
    with admin.transaction() as db:
        assert find_person(db, EMAIL.upper()).rows["payments"] == 1
        erase_person(db, EMAIL, typed=EMAIL)
    with as_system(org) as db:
        payment = db.scalars(select(Payment)).one()
        assert (payment.customer_name, payment.amount, EMAIL in payment.attribution_reason) == (
            "Erased person",
            Decimal("4997"),
            False,
        )
        assert {
            row.email_normalized.partition(":")[0].partition("-")[0]
            for row in db.scalars(select(ContactEmail))
        } == {"erased"}


@pytest.mark.parametrize("email", ["nobody@example.com", "%@example.com"])
def test_an_address_that_nothing_is_about_is_not_found(case, email):
    with pytest.raises(NotFound), case.admin.transaction() as db:
        find_person(db, email)


def test_erasing_needs_the_address_typed_and_an_admin(case):
    with pytest.raises(InvalidInput), case.admin.transaction() as db:
        erase_person(db, EMAIL, typed="petronella")
    manager = make.viewer(case.org, Role.MANAGER)
    with pytest.raises(NotAllowed), manager.transaction() as db:
        erase_person(db, EMAIL, typed=EMAIL)
    with pytest.raises(NotAllowed):
        export_person(manager.transaction, EMAIL)
    with pytest.raises(NotAllowed), manager.transaction() as db:
        accept_again(db, EMAIL)
    assert "contacts" in case.mentions()


def test_another_organisation_keeps_its_own(case):
    other = make.organization()
    with as_system(other) as db:
        make.event(db, other, email=EMAIL, lead_name=NAME)
    case.erase()
    with as_system(other) as db:
        assert db.scalars(select(Event.lead_name)).one() == NAME


def test_raw_deliveries_lose_their_text_in_time_and_cannot_be_processed_again(case):
    with as_system(case.org) as db:
        ids = list(db.scalars(select(WebhookDelivery.id).order_by(WebhookDelivery.received_at)))
    assert forget_deliveries(case.org, now() + timedelta(days=4000)) == 0
    with as_system(case.org) as db:
        db.execute(text("update app.delivery_settings set raw_delivery_days = 30"))
        db.execute(
            text("update app.webhook_deliveries set status = 'pending' where id = :id"),
            {"id": ids[0]},
        )
        aged = text(
            "update app.webhook_deliveries set received_at = now() - interval '31 days' where id ="
            " any(:ids)"
        )
        db.execute(aged, {"ids": ids[:3]})

    assert forget_deliveries(case.org) == 2

    with as_system(case.org) as db:
        left = {row.id: (row.body, row.headers) for row in db.scalars(select(WebhookDelivery))}
        assert {delivery_id for delivery_id, kept in left.items() if kept == (b"", {})} == set(
            ids[1:3]
        )
        with pytest.raises(Conflict, match="no longer kept"):
            replay(db, ids[1])


def test_links_to_recordings_are_forgotten_in_time_and_nothing_else_of_their_forms(case):
    assert forget_recordings(case.org, now() + timedelta(days=4000)) == 0
    with case.admin.transaction() as db:
        other = db.scalars(select(Event).where(Event.lead_name == "Other")).one().id
        file_form(
            db,
            other,
            FormAnswers(True, True, True, False, recording_url="https://calls.example.com/recent"),
            case.admin,
        )
    before = case.figures()
    with as_system(case.org) as db:
        db.execute(text("update app.delivery_settings set raw_delivery_days = 30"))
        aged = (
            "update app.post_call_forms set submitted_at = now() - interval '31 days' where"
            " event_id <> :other"
        )
        lock_books(db)
        db.execute(text(aged), {"other": other})

    assert [forget_recordings(case.org), forget_recordings(case.org)] == [1, 0]

    assert traces(case.org, ["calls.example.com/petronella"]) == set()
    assert traces(case.org, ["calls.example.com/recent"]) == {
        "post_call_forms.recording_url",
        "audit_logs.changes",
    }
    assert "post_call_forms" in {
        place.partition(".")[0] for place in traces(case.org, ["a word about her"])
    }
    assert case.figures() == before
    with pytest.raises(Exception, match="permission denied"), case.admin.transaction() as db:
        db.execute(text("select app.forget_recordings(now(), 1)"))


@pytest.mark.parametrize("written", ["​ana@Bücher.example", "ana@xn--bcher-kva.example"])
def test_an_erased_address_is_gone_and_known_in_every_spelling(case, written):
    spellings = ("ana@bücher.example", "ana@xn--bcher-kva.example", "ana@­xn--bcher-kva.example")
    for place, email in enumerate(spellings):
        start = now() + timedelta(days=2 + place)
        call = samples.SampleBooking(email, start, name="Ana Bücher-Quist")
        case.deliver("calendly", samples.calendly_created(call))
    with as_system(case.org) as db:
        assert len(find_person(db, written).contacts) == 1
    with case.admin.transaction() as db:
        erase_person(db, written, typed="ana@bücher.example")
    words = ("ana@bücher", "ana@xn--bcher", "ana@­xn--bcher", "ana bücher-quist")
    assert not set(traces(case.org, words))
    for email in spellings:
        later = samples.SampleBooking(email, now() + timedelta(days=9), name="Ana Bücher-Quist")
        case.deliver("calendly", samples.calendly_created(later))
    assert not set(traces(case.org, words))


def test_an_erasure_of_a_domain_in_punycode_holds_for_its_letters_too(case):
    """Marks that an earlier version made of what was received, when a domain had two forms."""
    with as_system(case.org) as db:
        contact = Contact(organization_id=case.org, name="Erased person", erased_at=now())
        db.add(contact)
        db.flush()
        mark = mark_of(case.org, "ana@xn--bcher-kva.example")
        db.add(
            ContactEmail(
                organization_id=case.org, contact_id=contact.id, email="…", email_normalized=mark
            )
        )
    call = samples.SampleBooking("ana@bücher.example", now(), name="Ana Bücher-Quist")
    case.deliver("calendly", samples.calendly_created(call))
    assert not set(traces(case.org, ("ana@bücher", "ana bücher-quist")))
    with case.admin.transaction() as db:
        accept_again(db, "ana@bücher.example")


def test_the_number_to_ring_of_an_erased_person_is_not_stored_again(case):
    call = samples.SampleBooking("ana@example.com", now())
    made = samples.calendly_created(call)
    made["payload"]["scheduled_event"]["location"] = {
        "type": "outbound_call",
        "location": "+4531415999",
    }
    case.deliver("calendly", made)
    with case.admin.transaction() as db:
        erase_person(db, "ana@example.com", typed="ana@example.com")
    assert not set(traces(case.org, ("31415999",)))
    case.deliver("calendly", made)
    assert not set(traces(case.org, ("31415999",)))


def test_an_erasure_reaches_addresses_and_numbers_that_were_taken_off_the_contact(case):
    def change(**values):
        with case.admin.transaction() as db:
            contact = db.scalars(select(Contact).where(Contact.name == NAME)).one()
            before = details_of(db, contact)
            change_contact(db, contact.id, before, replace(before, **values), case.admin)

    change(emails=(EMAIL, "between@example.com"), phones=(PHONE, "+4531415999"))
    change(emails=("new@example.com",), phones=())
    with case.admin.transaction() as db:
        person = find_person(db, "new@example.com")
        assert person.emails == ("between@example.com", "new@example.com", EMAIL)
        assert {PHONE, "+4531415999"} <= set(person.phones)
        erase_person(db, "new@example.com", typed="new@example.com")

    assert case.mentions() == set()
    gone = ("between@example.com", "new@example.com", "31415999")
    assert traces(case.org, gone) == set()
    for email in (EMAIL, "between@example.com"):
        with case.admin.transaction() as db:
            assert find_person(db, email).erased is not None
    case.deliver("stripe", samples.stripe_event("charge.succeeded", charge_of(EMAIL), now()))
    assert case.mentions() == set()


def charge_of(email):
    return samples.stripe_charge("Z", 900, email, now())


def test_an_address_that_is_somebody_elses_now_stays_theirs(case):
    with case.admin.transaction() as db:
        contact = db.scalars(select(Contact).where(Contact.name == NAME)).one()
        before = details_of(db, contact)
        shared = replace(before, emails=(*before.emails, "office@example.com"))
        change_contact(db, contact.id, before, shared, case.admin)
        change_contact(db, contact.id, shared, before, case.admin)
        bo = ContactDetails("Bo Berg", emails=("office@example.com",))
        create_contact(db, bo, case.admin)
        make.payment(db, case.org, email="office@example.com", customer_name="Bo Berg")

    case.erase()

    with case.admin.transaction() as db:
        found = find_person(db, "office@example.com")
        assert (found.names, found.rows["payments"]) == (("Bo Berg",), 1)


def test_whoever_booked_is_found_by_an_address_that_was_taken_off_too(case):
    with case.admin.transaction() as db:
        contact = db.scalars(select(Contact).where(Contact.name == NAME)).one()
        before = details_of(db, contact)
        after = replace(before, emails=("new@example.com",))
        change_contact(db, contact.id, before, after, case.admin)
    with case.admin.transaction() as db:
        assert find_person(db, EMAIL).emails == ("new@example.com", EMAIL)


def test_somebody_without_an_address_is_handed_out_and_erased_by_their_contact(case):
    with case.admin.transaction() as db:
        details = ContactDetails("Quinn Nomail", phones=("+45 20 12 34 99", "+4520123500"))
        quinn = create_contact(db, details, case.admin).id
        create_lead(db, quinn, LeadDetails(qualification_summary="Quinn Nomail asks"), case.admin)
        post_text(db, "test", "+4520123499", "Hello Quinn Nomail", "a")
    words = ("quinn nomail", "20123499", "20 12 34 99", "20123500")

    everything = json.loads(b"".join(export_person_of(case.admin.transaction, quinn)))
    assert everything["person"]["names"] == ["Quinn Nomail"]
    assert [len(everything[each]) for each in ("contacts", "leads", "messages")] == [1, 1, 1]
    assert everything["changes"]
    assert everything["bookings"] == everything["payments"] == []

    with pytest.raises(InvalidInput), case.admin.transaction() as db:
        erase_person_of(db, quinn, typed="Quinn")
    manager = make.viewer(case.org, Role.MANAGER)
    with pytest.raises(NotAllowed), manager.transaction() as db:
        erase_person_of(db, quinn, typed="Quinn Nomail")
    with pytest.raises(NotAllowed):
        export_person_of(manager.transaction, quinn)
    before = case.mentions()
    with case.admin.transaction() as db:
        erase_person_of(db, quinn, typed=" quinn  nomail ")

    assert traces(case.org, words) == set()
    assert case.mentions() == before
    with pytest.raises(NotFound), case.admin.transaction() as db:
        erase_person_of(db, quinn, typed="Erased person")
