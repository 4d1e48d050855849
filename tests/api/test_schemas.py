"""What programs send and read, as models: every mistake is a sentence, and a list's query selects
what its model shows.
"""

import pytest

from core.bookings.form_answers import QUESTIONS, FormAnswers
from core.bookings.queries import EventFilter, events_table
from core.bookings.schemas import EventItem, PostCallFormBody
from core.money.queries import PaymentFilter, payments_table
from core.money.schemas import NewPayout, PaymentItem
from core.platform.errors import InvalidInput
from core.tenancy.access.schemas import LoginRequest
from tests import factories as make


@pytest.mark.parametrize(
    ("model", "body", "field", "sentence"),
    [
        (NewPayout, b"[]", "body", "The body is not a JSON object."),
        (NewPayout, b"{", "body", "The body is not valid JSON."),
        (NewPayout, b'{"name": " "}', "name", "name must be a text."),
        (
            NewPayout,
            b'{"name": "May", "period_start": "2026-05-01T00:00:00Z"}',
            "period_start",
            "period_start must be a day like 2026-11-02.",
        ),
        (LoginRequest, b'{"email": "a@example.com"}', "password", "password must be a text."),
        (PostCallFormBody, b"{}", "call_occurred", "Say whether the meeting took place."),
        (
            PostCallFormBody,
            b'{"call_occurred": true, "mood": 1}',
            "mood",
            "A post-call form has no “mood”.",
        ),
        (
            PostCallFormBody,
            b'{"call_occurred": true, "package_id": 7}',
            "package_id",
            "package_id must be an id.",
        ),
        (
            PostCallFormBody,
            b'{"call_occurred": true, "payment_type": "barter"}',
            "payment_type",
            "Choose paid in full, payment plan or deposit.",
        ),
        (
            PostCallFormBody,
            b'{"call_occurred": true, "follow_up_on": 5}',
            "follow_up_on",
            "follow_up_on must be a day like 2026-11-02.",
        ),
    ],
)
def test_a_mistake_is_a_sentence_that_names_its_field(model, body, field, sentence):
    with pytest.raises(InvalidInput) as refused:
        model.read(body)
    assert (refused.value.field, refused.value.message) == (field, sentence)


def test_the_body_of_a_form_has_every_question_and_gives_its_answers():
    assert list(PostCallFormBody.model_fields) == [*(each.key for each in QUESTIONS), "custom"]
    sent = b'{"call_occurred": true, "lead_showed": null, "notes": "Hello"}'
    assert PostCallFormBody.read(sent).answers("USD") == FormAnswers(True, notes="Hello")


def test_a_list_selects_what_its_model_shows(database_url):
    with make.viewer(make.organization()).transaction() as db:
        events = events_table(db, EventFilter())
        payments = payments_table(db, PaymentFilter())
    assert set(EventItem.model_fields) <= set(events.columns)
    made_of = {"attribution": "attribution_reason", "superseded_by": "superseded_by_id"}
    assert {made_of.get(name, name) for name in PaymentItem.model_fields} <= set(payments.columns)
