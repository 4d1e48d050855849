"""Text messages are sent once, never to people who want none, and not again when nobody knows
whether they were sent.
"""

import json
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from core.deliveries.models import OutboxMessage
from core.deliveries.sending import send_outbox
from core.messages.email_outbox import post_email
from core.messages.email_templates import Email
from core.messages.sealing import opened
from core.messages.sms_outbox import LONGEST, post_text
from core.messages.suppression_list import stop_texts
from core.operations.person_erasure import erase_person
from core.people.models import Contact, ContactEmail
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, ProviderUnavailable, RateLimited
from core.platform.settings import settings
from core.platform.tasks import MAX_ATTEMPTS
from core.providers.integrations import enter_key
from tests import factories as make
from tests.fakes.providers import KEYS, OVERLOADED, SETTINGS, TEXTS, rate_limited, refused_text
from tests.fakes.serving import HangUp
from tests.fakes.systems.twilio import SID
from tests.flow import work
from tests.jobs.outbox import jobs_of, message, outcome
from tests.providers.conftest import key_providers as key_providers

TO, SENDER, WORDS, EMAIL = (
    "+4520123456",
    "+4570123456",
    "See you at ten – Ana & Bo",
    "lead.one@example.com",
)
GONE = "Nothing is sent to this number any more: a contact with it unsubscribed."


@pytest.fixture
def twilio(key_providers, org):
    set_up(org)
    work()
    key_providers.asked.clear()
    return key_providers


def set_up(org, **answers):
    with make.viewer(org).transaction() as db:
        enter_key(db, "twilio", KEYS["twilio"], SETTINGS["twilio"] | {"sender": SENDER} | answers)


def put(org, key="a", *, to=TO, words=WORDS):
    with as_system(org) as db:
        post_text(db, "reminder", to, words, key)
        return db.scalars(select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key)).one()


def contact(org, *, phone=TO, email=EMAIL, **values):
    with as_system(org) as db:
        made = Contact(organization_id=org, id=uuid4(), phone=phone, phone_e164=phone, **values)
        db.add(made)
        db.flush()
        db.add(
            ContactEmail(
                organization_id=org, contact_id=made.id, email=email, email_normalized=email
            )
        )
        return made.id


def unsubscribed(org):
    with as_system(org) as db:
        return dict(db.execute(select(Contact.id, Contact.unsubscribed_at)).all())


def test_a_text_is_handed_to_twilio_once(org, twilio):
    posted = put(org)
    assert put(org) == posted
    work()
    send_outbox(org, posted)
    assert twilio.texts == [{"To": TO, "From": SENDER, "Body": WORDS}]
    assert [(asked.method, asked.path) for asked in twilio.asked] == [("POST", TEXTS)]
    assert outcome(org, posted) == ("sent", None)


def test_a_messaging_service_is_named_as_one(org, twilio):
    set_up(org, sender="MG" + "0c" * 16)
    put(org)
    work()
    assert twilio.texts == [{"To": TO, "MessagingServiceSid": "MG" + "0c" * 16, "Body": WORDS}]


def test_what_it_says_is_sealed_while_it_waits_and_gone_once_it_is_sent(org, twilio):
    posted = put(org)
    waiting = message(org, posted)
    assert (waiting.recipient, list(waiting.body), opened(waiting)) == (TO, ["sealed"], WORDS)
    assert WORDS[:7] not in json.dumps(waiting.body)
    work()
    assert message(org, posted).body == {}


def test_a_rep_can_have_a_text_sent_by_a_number_as_people_write_it(org, twilio):
    with as_system(org) as db:
        db.execute(text("update app.organizations set region = 'DK'"))
    with make.viewer(org, "sales_rep").transaction() as db:
        assert post_text(db, "reminder", "20 12 34 56", WORDS, "a")
    work()
    assert [said["To"] for said in twilio.texts] == [TO]


@pytest.mark.parametrize(
    ("to", "words", "field"),
    [
        ("", WORDS, "number"),
        ("booking me", WORDS, "number"),
        ("+45", WORDS, "number"),
        ("+45\r\n", WORDS, "number"),
        (TO, " \n", "words"),
        (TO, "x" * (LONGEST + 1), "words"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_waits(org, to, words, field):
    with pytest.raises(InvalidInput) as refused:
        put(org, to=to, words=words)
    assert refused.value.field == field
    assert jobs_of(org) == []


def test_a_text_as_long_as_twilio_takes_goes_whole(org, twilio):
    put(org, words="æ" * LONGEST)
    work()
    assert twilio.texts[0]["Body"] == "æ" * LONGEST


def test_a_contact_who_unsubscribed_gets_neither_texts_nor_emails(
    org, twilio, monkeypatch, tmp_path
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()
    contact(org, unsubscribed_at=make.NOON)
    contact(org, email="lead.two@example.com")  # the same number: both are spared
    posted = put(org)
    with as_system(org) as db:
        post_email(db, "news", EMAIL, Email("News", "News", "<p>News</p>"), "news")
    work()
    assert outcome(org, posted) == ("failed", GONE)
    assert (twilio.asked, message(org, posted).body) == ([], {})
    assert not (tmp_path / "mail").exists()
    with as_system(org) as db:
        assert set(db.scalars(select(OutboxMessage.status))) == {"failed"}


def test_consent_is_looked_at_when_the_text_leaves(org, twilio):
    contact(org)
    posted = put(org)
    with as_system(org) as db:
        stop_texts(db, TO, now())
    work()
    assert (outcome(org, posted), twilio.asked) == (("failed", GONE), [])


def test_what_somebody_told_one_organisation_does_not_stop_another(org, twilio):
    contact(make.organization(), unsubscribed_at=make.NOON)
    posted = put(org)
    work()
    assert message(org, posted).status == "sent"


def test_whoever_told_twilio_to_stop_is_noted_and_never_tried_again(org, twilio):
    earlier, theirs = (
        contact(org, unsubscribed_at=make.NOON, phone="+4520999999"),
        contact(org, email="lead.two@example.com"),
    )
    other = contact(org, phone="+4520123457", email="lead.three@example.com")
    elsewhere = make.organization()
    contact(elsewhere)
    twilio.refused_numbers[TO] = 21610
    first = put(org)
    work()
    assert outcome(org, first) == ("failed", "The recipient has told Twilio to send no more texts.")
    noted = unsubscribed(org)
    assert (noted[earlier], noted[other]) == (make.NOON, None)
    assert noted[theirs] is not None
    assert list(unsubscribed(elsewhere).values()) == [None]

    second = put(org, "b")
    work()
    assert (outcome(org, second), len(twilio.asked)) == (("failed", GONE), 1)


def test_the_earlier_moment_of_unsubscribing_stays(org):
    known = contact(org, unsubscribed_at=make.NOON)
    with as_system(org) as db:
        stop_texts(db, TO, now())
    assert unsubscribed(org) == {known: make.NOON}


@pytest.mark.parametrize(
    "answer",
    [HangUp(), (500, {}, {}), (201, b"<html>", {})],
    ids=["no answer", "broken", "unreadable"],
)
def test_what_may_have_been_sent_is_not_sent_again(org, twilio, answer):
    posted = put(org)
    twilio.will(answer)
    work()
    send_outbox(org, posted, attempt=2)
    assert (message(org, posted).status, len(twilio.asked), jobs_of(org)) == ("uncertain", 1, [])


def test_a_worker_that_died_while_sending_leaves_it_alone(org, twilio):
    posted = put(org)
    with as_system(org) as db:
        db.execute(text("update app.outbox set status = 'sending'"))
    send_outbox(org, posted)
    assert (message(org, posted).status, twilio.asked) == ("uncertain", [])


def test_a_short_pause_is_waited_out_and_a_long_one_is_left_to_the_queue(org, twilio):
    posted = put(org)
    twilio.will(rate_limited(Retry_After="0"), OVERLOADED)
    send_outbox(org, posted)
    assert (message(org, posted).status, len(twilio.texts)) == ("sent", 1)

    later = put(org, "b")
    twilio.will(
        (
            429,
            {"code": 20429, "message": "Too Many Requests", "status": 429},
            {"Retry-After": "600"},
        )
    )
    with pytest.raises(RateLimited) as asked:
        send_outbox(org, later)
    assert (asked.value.retry_after_s, message(org, later).status) == (600, "waiting")
    send_outbox(org, later, attempt=2)
    assert (message(org, later).status, len(twilio.texts)) == ("sent", 2)


def test_the_last_try_ends_it(org, twilio):
    posted = put(org)
    twilio.will(*[OVERLOADED] * 8)
    with pytest.raises(ProviderUnavailable):
        send_outbox(org, posted)
    send_outbox(org, posted, attempt=MAX_ATTEMPTS)
    assert message(org, posted).status == "failed"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (21211, "Twilio knows no such number."),
        (21614, "This is no mobile number."),
        (21999, "Twilio refused the request with 400: “Refused 'To' number +4520123456”."),
    ],
)
def test_what_twilio_refuses_has_failed_at_once(org, twilio, code, why):
    known = contact(org)
    posted = put(org)
    twilio.refused_numbers[TO] = code
    work()
    assert (outcome(org, posted), len(twilio.asked)) == (("failed", why), 1)
    assert unsubscribed(org) == {known: None}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (None, "No Twilio key is stored: enter one on Integrations."),
        ({"sender": ""}, "Twilio has no sender of texts: add one on Integrations."),
    ],
)
def test_without_a_key_or_a_sender_it_is_said_where_to_enter_them(org, key_providers, answers, why):
    if answers is not None:
        set_up(org, **answers)
    posted = put(org)
    work()
    assert (outcome(org, posted), key_providers.texts) == (("failed", why), [])


def test_another_organisations_key_is_not_used(twilio):
    other = make.organization()
    posted = put(other)
    work()
    assert (message(other, posted).status, twilio.asked) == ("failed", [])


def test_of_an_erased_person_the_number_goes_too(org, twilio):
    contact(org, email_normalized=EMAIL)
    sent = put(org)
    work()
    waiting, others = put(org, "b"), put(org, "c", to="+4520123457")
    with make.viewer(org).transaction() as db:
        erase_person(db, EMAIL, typed=EMAIL)
    gone = [message(org, each) for each in (sent, waiting)]
    assert [(each.status, each.body) for each in gone] == [("sent", {}), ("failed", {})]
    assert not any(TO in (each.recipient or "") for each in gone)
    assert message(org, others).recipient == "+4520123457"


def test_the_key_is_in_no_row_and_no_log(org, twilio, capfd):
    key = KEYS["twilio"]
    twilio.repeats_keys = True
    twilio.will(
        rate_limited(Retry_After="0"),
        refused_text(21999, key),
        (500, {"message": key}, {}),
        HangUp(),
    )
    for number in range(3):
        put(org, str(number))
    work()
    twilio.keys["twilio"] = "revoked"
    put(org, "refused")
    work()
    with as_system(org) as db:
        rows = [
            str(row)
            for table in ("app.outbox", "app.job_runs", "jobs.procrastinate_jobs", "app.audit_logs")
            for row in db.execute(text(f"select to_jsonb(each) from {table} each"))
        ]
        statuses = db.scalars(select(OutboxMessage.status).order_by(OutboxMessage.created_at)).all()
    assert statuses == ["failed", "uncertain", "uncertain", "failed"]
    told = [*rows, *capfd.readouterr()]
    assert not any(secret in each for secret in (key, WORDS, f"{SID}:{key}") for each in told)
