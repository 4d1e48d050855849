"""A post-call form becomes one note on the lead's contact in the CRM, whatever the CRM answers, and
filing it waits for nobody.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.deliveries.models import KeyStatus, OrganizationIntegration, OutboxMessage
from core.deliveries.sending import send_outbox
from core.money.form_filing import file_form, withdraw_form
from core.platform.advisory_locks import try_advisory_lock
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import OutcomeUnknown, ProviderError, RateLimited
from core.platform.settings import settings
from core.providers import crm as crm  # declares the channel
from core.providers.integrations import enter_key
from tests import factories as make
from tests.fakes.ghl import HTML, KEY, LOCATION, RATE_LIMITED, FakeGhl, Lost

SHOWED = FormAnswers(True, True, notes="Wants to start in May")
EDITED = FormAnswers(True, True, True, notes="Thinks about it")


@pytest.fixture
def ghl(monkeypatch):
    with FakeGhl().running() as fake:
        fake.contacts["lead.one@example.com"] = "cOne"
        monkeypatch.setenv("GHL_BASE_URL", fake.url)
        settings.cache_clear()
        yield fake
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def rep(ghl):
    org = make.organization(primary_crm="ghl")
    with as_system(org) as db:
        enter_key(db, "ghl", KEY, {"api": "v2", "location_id": LOCATION})
    return make.viewer(org, "sales_rep")


def booked(rep):
    with as_system(rep.organization_id) as db:
        closer = make.closer(db, rep.organization_id, user_id=rep.user_id)
        return make.event(db, rep.organization_id, closer, at=now() - timedelta(hours=2)).id


def filed(rep, event_id, answers=SHOWED):
    with rep.transaction() as db:
        file_form(db, event_id, answers, rep)


def messages(rep, *statuses):
    with as_system(rep.organization_id) as db:
        wanted = select(OutboxMessage).where(OutboxMessage.channel == "crm")
        rows = db.scalars(wanted.order_by(OutboxMessage.created_at)).all()
        return [row for row in rows if not statuses or row.status in statuses]


def push(rep):
    """Every message that waits, tried as often as a worker would; how often that was."""
    for tried in range(1, 20):
        left = messages(rep, "waiting", "sending")
        if not left:
            return tried
        for each in left:
            try:
                send_outbox(rep.organization_id, each.id, attempt=1)
            except ProviderError:
                continue
    raise AssertionError("It was tried for ever.")


def linked(rep, event_id):
    with as_system(rep.organization_id) as db:
        return db.get_one(Event, (rep.organization_id, event_id)).ghl_contact_id


def test_a_form_becomes_a_note_that_is_edited_when_the_form_is(rep, ghl):
    event_id = booked(rep)
    filed(rep, event_id)
    push(rep)
    [note] = ghl.notes.values()
    assert "Notes: Wants to start in May" in note["body"]
    assert linked(rep, event_id) == note["contactId"] == "cOne"
    filed(rep, event_id, EDITED)
    push(rep)
    [note] = ghl.notes.values()
    assert "Offer made: yes" in note["body"]
    assert "Notes: Thinks about it" in note["body"]
    with rep.transaction() as db:
        withdraw_form(db, event_id, rep)
    push(rep)
    [note] = ghl.notes.values()
    assert note["body"].startswith("The post-call form was withdrawn.")
    assert [row.status for row in messages(rep)] == ["sent"] * 3


@pytest.mark.parametrize("at", range(3), ids=["lookup", "notes", "adding"])
@pytest.mark.parametrize(
    "answer", [Lost.ANSWER, HTML, RATE_LIMITED], ids=["lost", "html", "rate limited"]
)
def test_one_note_is_made_when_a_step_fails(rep, ghl, at, answer):
    event_id = booked(rep)
    filed(rep, event_id)
    ghl.will(*[None] * at, answer, answer)
    push(rep)
    assert len(ghl.notes) == 1
    assert [row.status for row in messages(rep)] == ["sent"]


def test_an_added_note_whose_answer_was_lost_is_not_added_again(rep, ghl):
    filed(rep, booked(rep))
    ghl.will(None, None, Lost.ANSWER)
    [waiting] = messages(rep)
    with pytest.raises(OutcomeUnknown):
        send_outbox(rep.organization_id, waiting.id)
    assert len(ghl.notes) == 1
    push(rep)
    assert len(ghl.notes) == 1
    assert [each.split()[0] for each in ghl.asked] == ["GET", "GET", "POST", "GET", "PUT"]


def test_a_push_that_another_worker_is_at_waits(rep, ghl):
    event_id = booked(rep)
    filed(rep, event_id)
    [waiting] = messages(rep)
    with as_system(rep.organization_id) as other:
        assert try_advisory_lock(other, f"crm {event_id}", 1)
        with pytest.raises(RateLimited):
            send_outbox(rep.organization_id, waiting.id)
    assert ghl.asked == []
    push(rep)
    assert len(ghl.notes) == 1


def test_a_revoked_token_stops_its_connection_after_one_request(rep, ghl):
    ghl.revoked = True
    for event_id in (booked(rep), booked(rep), booked(rep)):
        filed(rep, event_id)
    push(rep)
    assert len(ghl.asked) == 1
    assert [row.status for row in messages(rep)] == ["failed"] * 3
    assert all("Invalid token" in row.last_error for row in messages(rep))
    with as_system(rep.organization_id) as db:
        assert db.scalars(select(OrganizationIntegration.status)).one() == KeyStatus.REFUSED


def test_a_lead_who_is_no_contact_is_said_so(rep, ghl):
    ghl.contacts.clear()
    filed(rep, booked(rep))
    push(rep)
    [failed] = messages(rep)
    assert failed.last_error == "GoHighLevel has no contact with the lead's e-mail address."
    assert failed.status == "failed"


def test_without_a_crm_nothing_is_posted(ghl):
    rep = make.viewer(make.organization(), "sales_rep")
    filed(rep, booked(rep))
    assert messages(rep) == []
