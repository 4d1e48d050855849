"""After an erasure no column of any table contains anything of the person."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.bookings.models import Event, PcfDraft
from core.operations.person_erasure import erase_person
from core.operations.personal_data import find_person
from core.platform.advisory_locks import lock_books
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.normalization import normalize_email
from core.tenancy.access.list_views import save_view
from core.tenancy.access.models import Role
from tests import factories as make
from tests import payloads as samples
from tests.operations.petronella import EMAIL, NAME, PHONE, WORDS, booking
from tests.ports import owner
from tests.traces import traces

OTHER_ADDRESS = "Petra@QUÍST-BÜCHER.example"
PLANTED = (
    *WORDS,
    "quíst-bücher.example",
    "quist street 7",
    "fp_hers",
    "203.0.113.77",
    "guest.of.hers",
    "+45 31 41 59 26",
    "quist family",
)
WHERE = {
    "contacts.name",
    "contacts.email",
    "contacts.phone",
    "contacts.tags",
    "contacts.custom_fields",
    "list_views.name",
    "list_views.address",
    "contact_emails.email",
    "contact_emails.email_normalized",
    "leads.raw_data",
    "events.lead_name",
    "events.lead_email",
    "events.lead_phone",
    "events.answers",
    "events.setter_name",
    "events.utm_term",
    "post_call_forms.notes",
    "post_call_forms.recording_url",
    "pcf_drafts.answers",
    "payments.customer_email",
    "payments.customer_name",
    "payments.note",
    "refunds.reason",
    "payout_snapshot_details.customer_email",
    "payout_snapshot_details.customer_name",
    "activities.summary",
    "activities.detail",
    "outbox.recipient",
    "outbox.body",
    "webhook_deliveries.body",
    "webhook_deliveries.headers",
    "webhook_deliveries.last_error",
    "webhook_deliveries.history",
    "provider_objects.data",
    "job_runs.error",
    "job_runs.detail",
    "connection_activity.last_error",
    "suppressed_emails.email_normalized",
    "audit_logs.changes",
}
BY_HAND = """
    update app.leads set raw_data = jsonb_build_object('form', jsonb_build_object('who', '{name}'));
    update app.refunds set reason = '{name} asked for it';
    update app.payments set note = 'Call {name} back' where customer_email_normalized = '{email}';
    update app.connection_activity set last_error = 'cannot be read: {email}';
    update app.webhook_deliveries set history = jsonb_build_array(jsonb_build_object('outcome',
      'failed', 'reason', 'the database refused it: {email}'));
    insert into app.job_runs (organization_id, id, task, attempt, started_at, error, detail)
      select id, gen_random_uuid(), 'any', 1, now(), 'KeyError: {phone}', jsonb_build_object('to',
        '{email}') from app.organizations;
    insert into app.activities (organization_id, id, at, type, subject_type, subject_id, summary,
      detail)
      select id, gen_random_uuid(), now(), 'call', 'phone', id, 'Called +45 31 41 59 26',
        jsonb_build_object('who', '{name}')
        from app.organizations;
    insert into app.suppressed_emails (organization_id, email_normalized, reason) select id,
      '{email}', 'bounced' from app.organizations;
    insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
      select organization_id, id, '{other}', '{other_normalized}' from app.contacts
        where email_normalized = '{email}';
    update app.contacts set phone = '+45 31 41 59 26', tags = '{{"the Quist family"}}'
     where email_normalized = '{email}';
    insert into app.contacts (organization_id, id, name, tags, custom_fields)
      select id, gen_random_uuid(), 'Her friend', array['friend of {name}', 'vip'],
        jsonb_build_object('came by', '{name}') from app.organizations;
"""


@pytest.fixture
def everywhere(case):
    """Petronella's data wherever the product, a provider or a person could have written it."""
    itself = replace(
        case.call,
        start=now() - timedelta(days=1),
        event_uuid=str(uuid4()),
        invitee_uuid=str(uuid4()),
    )
    booked = booking(itself, event_guests=[{"email": "guest.of.hers@example.com"}])["payload"]
    booked["tracking"]["utm_term"], booked["tracking"]["utm_content"] = EMAIL, None
    booked["questions_and_answers"][-2]["answer"] = EMAIL
    case.deliver(
        "calendly",
        {"event": "invitee.created", "created_at": booked["created_at"], "payload": booked},
    )
    at = now() - timedelta(hours=20)
    charge = samples.stripe_charge("Q", 1200, EMAIL, at, refunded=300)
    charge |= {
        "metadata": {"first": "Petronella"},
        "description": "For Petronella",
        "client_ip": "203.0.113.77",
    }
    charge["billing_details"] |= {
        "name": NAME,
        "phone": PHONE,
        "address": {"line1": "Quist Street 7"},
    }
    charge["payment_method_details"] = {"card": {"fingerprint": "fp_hers", "last4": "4242"}}
    case.deliver("stripe", samples.stripe_event("charge.refunded", charge, at))
    whop = samples.whop_payment("X", "9.00", OTHER_ADDRESS, at)
    whop["data"]["user"]["name"] = NAME
    case.deliver("whop", whop)
    nameless = samples.stripe_charge("R", 700, OTHER_ADDRESS, at)
    nameless["billing_details"]["name"] = None
    case.deliver("stripe", samples.stripe_event("charge.succeeded", nameless, at), headers={})
    case.receive(
        "calendly",
        f"name={NAME}&email={EMAIL}".encode(),
        status="dead",
        last_error=f"cannot be read: {NAME}",
    )
    with as_system(case.org) as db:
        written = {
            "name": NAME,
            "email": EMAIL,
            "phone": PHONE,
            "other": OTHER_ADDRESS,
            "other_normalized": normalize_email(OTHER_ADDRESS),
        }
        lock_books(db)
        for statement in BY_HAND.format(**written).split(";\n")[:-1]:
            db.execute(text(statement))
    rep = make.viewer(case.org, Role.SALES_REP)
    with rep.transaction() as db:
        for name in (NAME, NAME.upper(), EMAIL, EMAIL.upper(), f"With {NAME}"):
            save_view(db, "bookings", name, {"closer": [NAME]}, rep, shared=False)
    with case.admin.transaction() as db:
        event = db.scalars(select(Event).where(Event.lead_name == NAME)).first()
        answers = {"notes": "A word about her"}
        db.add(
            PcfDraft(
                organization_id=case.org,
                user_id=case.admin.user_id,
                event_id=event.id,
                answers=answers,
            )
        )
    return case


def test_no_column_of_any_table_has_a_word_of_her_and_every_figure_is_the_same(everywhere):
    case = everywhere
    assert WHERE - traces(case.org, PLANTED) == set()
    with case.admin.transaction() as db:
        assert find_person(db, OTHER_ADDRESS).rows["payments"] == 6
    before = case.figures()

    with case.admin.transaction() as db:
        erase_person(db, OTHER_ADDRESS, typed=OTHER_ADDRESS)

    assert traces(case.org, PLANTED) == set()
    assert case.figures() == before


def test_what_comes_later_about_her_leaves_nothing_either(everywhere):
    case = everywhere
    case.erase()
    charge = samples.stripe_charge("Q", 1200, EMAIL, now(), refunded=600)
    charge |= {"metadata": {"first": "Petronella"}, "client_ip": "203.0.113.77"}
    case.deliver("stripe", samples.stripe_event("charge.refunded", charge, now()))
    broken = booking(replace(case.call, invitee_uuid=str(uuid4())))
    del broken["payload"]["scheduled_event"]
    case.deliver("calendly", broken)

    assert traces(case.org, PLANTED) == set()
    with owner() as db:
        states = (
            "select status, count(*) from app.webhook_deliveries where organization_id = :org and"
            " status <> 'processed' group by 1"
        )
        assert dict(db.execute(text(states), {"org": case.org}).all()) == {"dead": 1, "ignored": 1}


def test_nothing_more_of_a_person_is_kept_of_a_providers_object_than_rows_are_made_of(everywhere):
    found = traces(
        everywhere.org,
        ["quist street 7", "fp_hers", "203.0.113.77", "guest.of.hers", "For Petronella"],
    )
    assert found == {"webhook_deliveries.body"}
