"""The post-call form: which answers it takes, from whom, and what they change about the event."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from core.bookings.form_answers import FormAnswers
from core.bookings.forms import Draft, FormProblems, load_draft, save_draft
from core.bookings.models import Event, PostCallForm
from core.money.form_filing import file_form, withdraw_form
from core.money.models import Payment
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import Conflict, NotAllowed, NotFound
from tests import factories as make

CLOSED = FormAnswers(
    True, True, True, True, cash_collected=Decimal("4997"), currency="USD", payment_type="pif"
)


def call_of(org, rep, **values):
    with as_system(org) as db:
        closer = make.closer(db, org, "Ana", user_id=rep.user_id)
        return make.event(db, org, closer, **({"at": now() - timedelta(hours=2)} | values)).id


@pytest.fixture
def rep():
    return make.viewer(make.organization(), "sales_rep")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (FormAnswers(False, lead_showed=True), "lead_showed"),
        (FormAnswers(True, lead_showed=False, offer_made=True), "offer_made"),
        (FormAnswers(True, True, offer_made=False, deal_closed=True), "deal_closed"),
        (
            FormAnswers(True, True, True, False, cash_collected=Decimal(1), currency="USD"),
            "cash_collected",
        ),
        (
            FormAnswers(True, True, True, True, cash_collected=Decimal(-1), currency="USD"),
            "cash_collected",
        ),
        (FormAnswers(True, True, True, True, cash_collected=Decimal(1)), "currency"),
        (FormAnswers(True, True, payment_type="barter"), "payment_type"),
        (FormAnswers(True, True, recording_url="javascript:alert(1)"), "recording_url"),
    ],
)
def test_answers_that_rule_each_other_out_are_refused_beside_their_field(rep, answers, field):
    event_id = call_of(rep.organization_id, rep)
    with pytest.raises(FormProblems) as refused, rep.transaction() as db:
        file_form(db, event_id, answers, rep)
    assert field in refused.value.problems


def test_a_deposit_may_be_taken_without_a_close(rep):
    event_id = call_of(rep.organization_id, rep)
    with rep.transaction() as db:
        file_form(db, event_id, replace(CLOSED, deal_closed=False, payment_type="deposit"), rep)
        assert db.scalars(select(Payment.amount)).all() == [Decimal("4997")]


def test_a_call_that_has_not_started_cannot_be_reported_as_held(rep):
    event_id = call_of(rep.organization_id, rep, at=now() + timedelta(hours=1))
    with pytest.raises(FormProblems, match="not started"), rep.transaction() as db:
        file_form(db, event_id, FormAnswers(True, True), rep)


@pytest.mark.parametrize(
    ("answers", "status", "outcome"),
    [
        (FormAnswers(False), "no_show", "no_show"),
        (FormAnswers(True, False), "no_show", "no_show"),
        (FormAnswers(True, True), "completed", "showed"),
        (FormAnswers(True, True, True), "completed", "offer_made"),
        (CLOSED, "completed", "closed"),
    ],
)
def test_the_form_settles_how_the_call_went(rep, answers, status, outcome):
    event_id = call_of(rep.organization_id, rep)
    with rep.transaction() as db:
        file_form(db, event_id, answers, rep)
        event = db.scalars(select(Event)).one()
        assert (event.call_status, event.event_outcome, event.pcf_submitted) == (
            status,
            outcome,
            True,
        )


def test_correcting_a_form_keeps_history_and_never_makes_a_second_payment(rep):
    event_id = call_of(rep.organization_id, rep)
    for amount in ("4997", "4000"):
        with rep.transaction() as db:
            file_form(db, event_id, replace(CLOSED, cash_collected=Decimal(amount)), rep)
    with as_system(rep.organization_id) as db:
        assert db.scalars(select(Payment.amount)).all() == [Decimal("4000")]
        assert db.scalars(select(PostCallForm.version)).all() == [2]
    admin = make.viewer(rep.organization_id, "admin")
    with admin.transaction() as db:
        changes = db.execute(
            text(
                "select changes from app.audit_logs where table_name = 'post_call_forms' and"
                " operation = 'update'"
            )
        )
        assert changes.scalar_one()["cash_collected"] == [4997, 4000]


def test_taking_a_form_back_makes_the_call_pending_again(rep):
    event_id = call_of(rep.organization_id, rep)
    with rep.transaction() as db:
        file_form(db, event_id, CLOSED, rep)
    with rep.transaction() as db:
        withdraw_form(db, event_id, rep)
    with as_system(rep.organization_id) as db:
        event = db.scalars(select(Event)).one()
        assert (event.call_status, event.event_outcome, event.pcf_submitted) == (
            "scheduled",
            None,
            False,
        )
        assert db.scalars(select(Payment.counts)).all() == [False]


@pytest.mark.parametrize("state", ["canceled", "rescheduled"])
def test_a_call_that_was_called_off_takes_no_form(rep, state):
    event_id = call_of(rep.organization_id, rep, call_status=state, provider_status=state)
    with pytest.raises(Conflict), rep.transaction() as db:
        file_form(db, event_id, FormAnswers(True, True), rep)


def test_only_the_closer_or_a_manager_files(rep):
    org = rep.organization_id
    setter = make.viewer(org, "sales_rep")
    with as_system(org) as db:
        sam = make.setter(db, org, "Sam", user_id=setter.user_id)
        event_id = make.event(
            db,
            org,
            make.closer(db, org, "Ana", user_id=rep.user_id),
            set_by=sam,
            at=now() - timedelta(hours=1),
        ).id
    for role, refusal in (
        ("sales_rep", NotFound),
        ("viewer", NotFound),
    ):  # a viewer reads, but cannot lock it to write
        stranger = make.viewer(org, role)
        with pytest.raises(refusal), stranger.transaction() as db:
            file_form(db, event_id, FormAnswers(True, True), stranger)
    with pytest.raises(NotAllowed), setter.transaction() as db:
        file_form(db, event_id, FormAnswers(True, True), setter)
    manager = make.viewer(org, "manager")
    with manager.transaction() as db:
        assert file_form(db, event_id, FormAnswers(True, True), manager).version == 1


def test_a_half_filled_form_is_kept_for_its_author_only(rep):
    event_id = call_of(rep.organization_id, rep)
    with rep.transaction() as db:
        save_draft(db, event_id, Draft({"notes": "half a sen"}), rep)
    with rep.transaction() as db:
        assert load_draft(db, event_id, rep) == Draft({"notes": "half a sen"})
    manager = make.viewer(rep.organization_id, "manager")
    with manager.transaction() as db:
        assert load_draft(db, event_id, manager) == Draft({})
