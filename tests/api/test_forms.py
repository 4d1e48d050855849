"""Filing a post-call form over HTTP: as the token's person, under the same rules as on the
screen.
"""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from core.bookings.custom_answers import custom_answers
from core.bookings.designs import add_item, design_in_work, publish
from core.bookings.models import Event, ListEntry, Package, PostCallForm
from core.money.attribution import choose_event
from core.money.models import Payment, PayoutSnapshotDetail
from core.money.payouts import approve, create_snapshot
from core.people.models import Activity, FieldKind
from core.platform.clock import Period, now
from core.platform.database import as_system
from tests import factories as make
from tests.api.client import get, post, refused, request, token_of

CLOSED = {
    "call_occurred": True,
    "lead_showed": True,
    "offer_made": True,
    "deal_closed": True,
    "cash_collected": "4997.00",
    "payment_type": "pif",
}


@pytest.fixture
def rep():
    return make.viewer(make.organization(), "sales_rep", name="Ana Alder")


@pytest.fixture
def token(rep):
    return token_of(rep)


def call_of(rep, **values):
    with as_system(rep.organization_id) as db:
        closer = make.closer(db, rep.organization_id, "Ana", user_id=rep.user_id)
        return make.event(
            db, rep.organization_id, closer, **({"at": now() - timedelta(hours=2)} | values)
        ).id


def file(event_id, token, answers):
    return post(f"/api/events/{event_id}/pcf", token, answers)


def one(org, query):
    with as_system(org) as db:
        return db.scalars(query).one()


def test_filing_settles_the_call_and_books_its_cash_under_the_persons_name(rep, token):
    event_id = call_of(rep)
    answer = file(
        event_id,
        token,
        CLOSED | {"notes": "Ready to start", "objections": ["Price"], "follow_up_on": "2026-12-01"},
    )
    form = one(rep.organization_id, select(PostCallForm))
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": str(form.id), "event_id": str(event_id), "version": 1},
    )
    assert (form.submitted_by, form.notes, form.objections) == (
        rep.user_id,
        "Ready to start",
        ["Price"],
    )
    [event] = get("/api/events", token).json()["items"]
    assert (event["call_status"], event["event_outcome"], event["pcf_submitted"]) == (
        "completed",
        "closed",
        True,
    )
    [payment] = get("/api/payments", token).json()["items"]
    assert (payment["amount"], payment["currency"], payment["event_id"], payment["closer"]) == (
        "4997.00",
        "USD",
        str(event_id),
        "Ana",
    )
    assert (
        one(rep.organization_id, select(Activity.summary).where(Activity.type == "pcf"))
        == "Form filed by Ana Alder"
    )


def test_filing_again_corrects_the_form_and_answers_200(rep, token):
    event_id = call_of(rep)
    file(event_id, token, CLOSED)
    again = file(event_id, token, CLOSED | {"cash_collected": 4000})
    assert (again.status_code, again.json()["version"]) == (200, 2)
    assert [item["amount"] for item in get("/api/payments", token).json()["items"]] == ["4000.00"]


def test_two_that_file_the_same_form_at_once_make_one_form_and_one_payment(rep, token):
    event_id, statuses = call_of(rep), []
    both = [
        threading.Thread(target=lambda: statuses.append(file(event_id, token, CLOSED).status_code))
        for _ in range(4)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 201]
    assert [item["amount"] for item in get("/api/payments", token).json()["items"]] == ["4997.00"]


@pytest.mark.parametrize(
    ("given", "amount", "currency"),
    [
        ({"cash_collected": "500", "currency": "jpy"}, "500", "JPY"),
        ({"cash_collected": 5.125, "currency": "KWD"}, "5.125", "KWD"),
        ({"cash_collected": "12.50", "currency": None}, "12.50", "USD"),
    ],
)
def test_cash_is_exact_in_any_currency(rep, token, given, amount, currency):
    assert file(call_of(rep), token, CLOSED | given).status_code == 201
    [payment] = get("/api/payments", token).json()["items"]
    assert (payment["amount"], payment["currency"]) == (amount, currency)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"call_occurred": None}, "call_occurred"),
        ({"call_occurred": "yes"}, "call_occurred"),
        ({"call_occurred": 1}, "call_occurred"),
        ({"call_occurred": False}, "lead_showed"),
        ({"lead_showed": False}, "offer_made"),
        ({"offer_made": False}, "deal_closed"),
        ({"deal_closed": False}, "cash_collected"),
        *[
            ({"cash_collected": value}, "cash_collected")
            for value in ("-1", "much", "NaN", "1e400", "1.005", True, [])
        ],
        ({"cash_collected": "1.5", "currency": "JPY"}, "cash_collected"),
        *[({"currency": value}, "currency") for value in ("ABC", "dollars", 5)],
        ({"payment_type": "barter"}, "payment_type"),
        ({"no_show_party": "dog"}, "no_show_party"),
        ({"recording_url": "javascript:alert(1)"}, "recording_url"),
        ({"follow_up_on": "tomorrow"}, "follow_up_on"),
        ({"objections": "Price"}, "objections"),
        ({"objections": [1]}, "objections"),
        ({"objections": ["a\0"]}, "objections"),
        ({"notes": "a\0b"}, "notes"),
        ({"notes": {}}, "notes"),
        ({"package_id": "gold"}, "package_id"),
        ({"package_id": 7}, "package_id"),
        ({"package_id": str(UUID(int=1))}, "package_id"),
        ({"call_outcome_id": str(UUID(int=1))}, "call_outcome_id"),
        ({"reason_id": str(UUID(int=1))}, "reason_id"),
        ({"opportunity_status_id": str(UUID(int=1))}, "opportunity_status_id"),
        ({"closer_id": str(UUID(int=1))}, "closer_id"),
        ({"\u00e9": 1}, "\u00e9"),
    ],
)
def test_answers_that_cannot_stand_name_their_field_and_change_nothing(rep, token, changes, field):
    event_id = call_of(rep)
    assert refused(file(event_id, token, CLOSED | changes)) == (422, "invalid_input", field)
    assert one(rep.organization_id, select(Event.pcf_submitted)) is False


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"notes":"\\ud800","call_occurred":true}', b"[" * 5000],
)
def test_what_is_no_form_at_all_is_refused(rep, token, body):
    answer = request("POST", f"/api/events/{call_of(rep)}/pcf", token, content=body)
    assert refused(answer) == (422, "invalid_input", "call_occurred" if body == b"" else "body")


def test_lists_are_the_organisations_own(rep, token):
    org, other = rep.organization_id, make.organization()
    for home in (org, other):
        with as_system(home) as db:
            db.add(Package(organization_id=home, id=UUID(int=home.int ^ 1), name="Gold"))
            db.add(
                ListEntry(
                    organization_id=home,
                    id=UUID(int=home.int ^ 2),
                    kind="no_sale_reason",
                    name="Price",
                )
            )
    event_id = call_of(rep)
    theirs = file(event_id, token, CLOSED | {"package_id": str(UUID(int=other.int ^ 1))})
    assert refused(theirs) == (422, "invalid_input", "package_id")
    no_outcome = file(event_id, token, CLOSED | {"call_outcome_id": str(UUID(int=org.int ^ 2))})
    assert refused(no_outcome) == (422, "invalid_input", "call_outcome_id")
    ours = {"package_id": str(UUID(int=org.int ^ 1)), "reason_id": str(UUID(int=org.int ^ 2))}
    assert file(event_id, token, CLOSED | ours).status_code == 201


def test_another_organisations_event_does_not_exist(rep, token):
    theirs = call_of(make.viewer(make.organization(), "sales_rep"))
    for event_id in (theirs, uuid4(), "no-id", "%00"):
        assert refused(file(event_id, token, CLOSED)) == (404, "not_found", None)


def test_who_sees_a_call_without_being_its_closer_may_not_file(rep):
    setter = make.viewer(rep.organization_id, "sales_rep")
    with as_system(rep.organization_id) as db:
        sam = make.setter(db, rep.organization_id, "Sam", user_id=setter.user_id)
    event_id = call_of(rep, setter_id=sam.id)
    assert refused(file(event_id, token_of(setter), CLOSED)) == (403, "not_allowed", None)


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("sales_rep", 404),
        ("viewer", 403),
        ("manager", 201),
        ("admin", 201),
        ("owner", 201),  # 404: not seen
    ],
)
def test_a_manager_files_for_others_and_nobody_below(rep, role, status):
    assert (
        file(call_of(rep), token_of(make.viewer(rep.organization_id, role)), CLOSED).status_code
        == status
    )


@pytest.mark.parametrize("state", ["canceled", "rescheduled"])
def test_a_call_that_was_called_off_takes_no_form(rep, token, state):
    event_id = call_of(rep, call_status=state, provider_status=state)
    assert refused(file(event_id, token, CLOSED)) == (409, "conflict", None)


def test_a_call_ahead_cannot_be_reported_as_held(rep, token):
    event_id = call_of(rep, at=now() + timedelta(hours=1))
    assert refused(file(event_id, token, CLOSED)) == (422, "invalid_input", "call_occurred")


def test_cash_that_a_payout_counted_can_be_corrected_and_the_payout_says_what_it_said(rep, token):
    event_id = call_of(rep)
    file(event_id, token, CLOSED)
    admin, day = make.viewer(rep.organization_id, "admin"), now().date()
    with admin.transaction() as db:
        period = Period(day - timedelta(days=2), day + timedelta(days=2), admin.timezone)
        approve(db, create_snapshot(db, "This week", period, admin).id, admin)
    assert file(event_id, token, CLOSED | {"cash_collected": "1"}).status_code == 200
    assert one(rep.organization_id, select(Payment.amount)) == 1
    assert one(rep.organization_id, select(PayoutSnapshotDetail.amount)) == 4997


def test_a_rep_corrects_a_form_whose_cash_a_manager_gave_to_somebody_elses_booking(rep, token):
    org, event_id = rep.organization_id, call_of(rep)
    file(event_id, token, CLOSED)
    manager = make.viewer(org, "manager")
    with as_system(org) as db:
        bo = make.closer(db, org, "Bo")
        other = make.event(db, org, bo, at=now() - timedelta(hours=3)).id
    with manager.transaction() as db:
        paid = db.scalars(select(Payment.id)).one()
        choose_event(db, paid, other, manager, "Bo sold it")
    again = file(event_id, token, CLOSED | {"cash_collected": "5000"})
    assert (again.status_code, again.json()["version"]) == (200, 2)
    payment = one(org, select(Payment))
    assert (payment.id, payment.amount, payment.closer_id) == (paid, 5000, bo.id)


def test_programs_answer_the_organisations_own_questions(rep, token):
    event_id = call_of(rep)
    admin = make.viewer(rep.organization_id, "admin")
    with admin.transaction() as db:
        options = {"label": "Warmth", "options": ["Cold", "Hot"], "required": True}
        add_item(db, FieldKind.SELECT, options)
        publish(db, design_in_work(db), admin)
    lacking = file(event_id, token, CLOSED)
    assert refused(lacking)[::2] == (422, "custom.warmth")
    wrong = file(event_id, token, CLOSED | {"custom": {"warmth": "Tepid"}})
    assert refused(wrong)[::2] == (422, "custom.warmth")
    assert file(event_id, token, CLOSED | {"custom": {"warmth": "hot"}}).status_code == 201
    corrected = file(event_id, token, CLOSED | {"notes": "Without them"})
    assert corrected.status_code == 200
    with admin.transaction() as db:
        assert set(custom_answers(db, event_id)) == {"custom.warmth"}
    unknown = file(event_id, token, CLOSED | {"custom": {"warmth": "hot", "wamrth": "hot"}})
    assert refused(unknown)[::2] == (422, "custom.wamrth")
    refused_type = file(event_id, token, CLOSED | {"custom": "hot"})
    assert refused(refused_type)[::2] == (422, "custom")
