"""Money that was paid with a booking is one payment, whichever of Calendly and the processor
reports it first, and it is of that booking.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import update

from core.bookings.form_answers import FormAnswers
from core.money.attribution import choose_event
from core.money.form_filing import file_form
from core.money.models import Payment
from core.money.payout_tables import details_table
from core.money.payouts import approve, create_snapshot
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.dataframes import records
from core.providers.connections import create_connection
from tests import factories as make
from tests import payloads as samples
from tests.flow import work
from tests.providers.history import History

MEETING = datetime(2026, 10, 30, 10, tzinfo=UTC)  # 11:00 in the organisation's zone
PAID = MEETING - timedelta(days=2)
OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), "UTC")
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC")
LEAD = "lead.one@example.com"
PAYMENTS = """
    select p.processor_payment_id as key, p.amount, p.customer_email as email,
      p.attribution_method as how, p.attribution_reason as why, v.external_id as booking,
      (select c.name from app.closers c where c.id = p.closer_id) as closer
      from app.payments p left join app.events v on v.id = p.event_id
     where p.counts order by 1
"""
PAID_WITH_IT = {
    "key": "pi_A",
    "amount": Decimal(4997),
    "email": LEAD,
    "how": "booking",
    "why": "paid with the booking of 30 Oct, 11:00",
    "closer": "Ana",
}


class Desk:
    """One organisation with Calendly and Stripe, and Ana, who hosts."""

    def __init__(self):
        self.calendly, self.stripe = History("calendly"), History("stripe")
        self.stripe.org = self.org = self.calendly.org
        self.mara = make.viewer(self.org, "manager", name="Mara")
        self.admin = make.viewer(self.org)
        with as_system(self.org) as db:
            self.stripe.connection_id = create_connection(db, "stripe", "Main", "secret").id
            make.closer(db, self.org, "Ana", email="ana@team.example")

    def deliver(self, *deliveries):
        for each in deliveries:
            history = self.calendly if "payload" in each else self.stripe
            history.deliver(each)
        work()

    def payments(self):
        return self.calendly.rows(PAYMENTS)

    def event(self, booking):
        key = booking["payload"]["uri"].rpartition("/")[2]
        found = self.calendly.rows(f"select id from app.events where external_id = '{key}'")
        return found[0]["id"]

    def choose(self, payment_key, event_id):
        [row] = self.calendly.rows(
            f"select id from app.payments where processor_payment_id = '{payment_key}'"
        )
        with self.mara.transaction() as db:
            choose_event(db, row["id"], event_id, self.mara, "he says so")

    def approved(self, period):
        with self.admin.transaction() as db:
            payout = create_snapshot(db, f"{period.start:%B}", period, self.admin)
        with self.admin.transaction() as db:
            approve(db, payout.id, self.admin)
        with self.admin.transaction() as db:
            return [
                (row["reason_code"], row["closer_name"], row["net_revenue"])
                for row in records(details_table(db, payout.id))
            ]


def booked(start=MEETING, email=LEAD, *, paid="ch_A", old=None, host="Ana", at=PAID):
    call = samples.SampleBooking(
        email, start, closer_email=f"{host}@team.example", closer_name=host, setter=None
    )
    made = samples.calendly_created(call, booked_at=at, old=old)
    if paid:
        made["payload"]["payment"] = {
            "external_id": paid,
            "provider": "stripe",
            "amount": 4997,
            "currency": "USD",
            "terms": None,
            "successful": True,
        }
    return made


def intent(**more):
    made = samples.stripe_intent("A", 499700, PAID) | {"latest_charge": None} | more
    return samples.stripe_event("payment_intent.succeeded", made, PAID)


def charge(email=None):
    made = samples.stripe_charge("A", 499700, email, PAID)
    return samples.stripe_event("charge.succeeded", made, PAID)


def key_of(booking):
    return booking["payload"]["uri"].rpartition("/")[2]


@pytest.mark.parametrize(
    "reports",
    [[intent(latest_charge="ch_A")], [charge()], [intent(), charge()]],
    ids=["an intent that names its charge", "a charge", "both, linked at last"],
)
def test_it_is_one_payment_of_the_booking_and_its_address_whatever_arrives_first(reports):
    booking = booked()
    for order in permutations([booking, *reports]):
        desk = Desk()
        desk.deliver(*order, *order)
        assert desk.payments() == [PAID_WITH_IT | {"booking": key_of(booking)}]


def test_it_is_never_counted_twice_while_only_the_intent_is_known():
    desk = Desk()
    desk.deliver(intent(latest_charge="ch_A"), booked())
    assert [row["amount"] for row in desk.payments()] == [4997]


def test_the_address_that_the_processor_knows_counts_and_the_booking_stays():
    booking = booked()
    for order in permutations([booking, intent(), charge("partner@example.com")]):
        desk = Desk()
        desk.deliver(*order)
        wanted = {"booking": key_of(booking), "email": "partner@example.com"}
        assert desk.payments() == [PAID_WITH_IT | wanted]


def test_what_a_person_chose_for_the_bookings_record_holds_for_the_processors():
    desk, other = Desk(), booked(MEETING - timedelta(days=5), "other@example.com", paid=None)
    desk.deliver(other, booked(), intent())
    desk.choose("ch_A", desk.event(other))
    desk.deliver(charge())
    [row] = desk.payments()
    assert (row["key"], row["how"], row["booking"]) == ("pi_A", "manual", key_of(other))


def test_of_two_choices_the_latest_holds():
    desk = Desk()
    others = [booked(MEETING - timedelta(days=n), f"{n}@example.com", paid=None) for n in (5, 6)]
    desk.deliver(*others, booked(), intent())
    desk.choose("ch_A", desk.event(others[0]))
    desk.choose("pi_A", desk.event(others[1]))
    desk.deliver(charge())
    [row] = desk.payments()
    assert row["booking"] == key_of(others[1])


def test_a_payout_that_has_counted_the_bookings_record_has_nothing_to_correct():
    desk = Desk()
    desk.deliver(booked())
    assert desk.approved(OCTOBER) == [("payment", "Ana", 4997)]
    desk.deliver(intent(latest_charge="ch_A"), charge())
    assert desk.approved(NOVEMBER) == []


def test_the_money_moves_with_its_booking():
    first = booked()
    second = booked(MEETING + timedelta(days=3), paid=None, old=first["payload"]["uri"])
    gone = samples.calendly_canceled(
        first, at=PAID + timedelta(hours=3), new=second["payload"]["uri"]
    )
    for order in permutations([first, second, gone]):
        desk = Desk()
        desk.deliver(charge(), *order)
        [row] = desk.payments()
        assert (row["how"], row["booking"], row["why"]) == (
            "booking",
            key_of(second),
            "paid with the booking of 2 Nov, 11:00",
        )


def missed_and_moved(chosen):
    """Ana's lead misses the meeting and moves it to three days later, with Bo: the money was paid
    with the booking, or somebody chose the booking for it.
    """
    desk = Desk()
    with as_system(desk.org) as db:
        make.closer(db, desk.org, "Bo", email="bo@team.example")
    first = booked(paid=None if chosen else "ch_A")
    call = samples.SampleBooking(
        LEAD,
        MEETING + timedelta(days=3),
        closer_email="bo@team.example",
        closer_name="Bo",
        setter=None,
    )
    after = MEETING + timedelta(hours=3)
    second = samples.calendly_created(call, booked_at=after, old=first["payload"]["uri"])
    missed = samples.calendly_no_show(first, at=MEETING + timedelta(minutes=20))
    moved = samples.calendly_canceled(missed, at=after, new=second["payload"]["uri"])
    desk.deliver(first, charge("partner@example.com" if chosen else LEAD))
    if chosen:
        desk.choose("pi_A", desk.event(first))
    desk.deliver(missed, second, moved)
    return desk, second


@pytest.mark.parametrize("chosen", [False, True], ids=["paid with it", "chosen"])
def test_the_money_of_a_meeting_that_was_missed_moves_with_its_booking(chosen):
    desk, second = missed_and_moved(chosen)
    [row] = desk.payments()
    assert (row["booking"], row["closer"]) == (key_of(second), "Bo")
    assert desk.approved(OCTOBER) == [("payment", "Bo", 4997)]
    statuses = "select call_status from app.events order by scheduled_at"
    assert [row["call_status"] for row in desk.calendly.rows(statuses)] == ["no_show", "scheduled"]


def test_where_the_booking_was_cancelled_a_person_decides():
    desk, booking = Desk(), booked()
    desk.deliver(
        booking, charge(), samples.calendly_canceled(booking, at=PAID + timedelta(hours=3))
    )
    [row] = desk.payments()
    assert (row["how"], row["closer"]) == ("none", None)
    assert "was cancelled or moved" in row["why"]


def test_the_same_money_on_the_form_of_the_booking_counts_once_under_any_address():
    desk, booking = Desk(), booked(PAID + timedelta(hours=2))
    desk.deliver(booking, charge("partner@example.com"))
    answers = FormAnswers(
        True, True, True, True, cash_collected=Decimal(4997), currency="USD", payment_type="pif"
    )
    with desk.mara.transaction() as db:
        file_form(db, desk.event(booking), answers, desk.mara, at=PAID + timedelta(hours=3))
    [row] = desk.payments()
    assert (row["key"], row["how"], row["booking"]) == ("pi_A", "form", key_of(booking))


def test_money_stays_paid_whichever_state_of_the_booking_is_the_newer():
    paid, silent = booked(), booked(paid=None)
    silent["payload"] = paid["payload"] | {
        "payment": None,
        "updated_at": (PAID + timedelta(hours=1)).isoformat(),
    }
    for order in permutations([paid, silent]):
        desk = Desk()
        desk.deliver(*order)
        assert [row["key"] for row in desk.payments()] == ["ch_A"]


def refunded(**more):
    made = samples.stripe_charge("A", 499700, LEAD, PAID, refunded=499700) | more
    return samples.stripe_event("charge.refunded", made, PAID + timedelta(hours=1))


def paid_and_moved():
    """Paid with Ana's booking, which is missed; the one that replaces it, with Bo, names the same
    money again.
    """
    first = booked()
    again = MEETING + timedelta(days=7)
    second = booked(again, old=first["payload"]["uri"], host="Bo", at=MEETING + timedelta(hours=2))
    missed = samples.calendly_no_show(first, at=MEETING + timedelta(hours=1))
    gone = samples.calendly_canceled(
        first, at=MEETING + timedelta(hours=2), new=second["payload"]["uri"]
    )
    return [first, missed, gone, second]


@pytest.mark.parametrize(
    ("paid", "direct"), [("ch_A", True), ("ch_A", False), ("pi_A", False)], ids=str
)
def test_a_booking_that_is_delivered_again_takes_nothing_from_what_the_processor_says(paid, direct):
    booking, back = booked(paid=paid), refunded(**({"payment_intent": None} if direct else {}))
    counted = "select amount, refund_amount from app.payments where counts"
    for order in permutations([booking, back]):
        desk = Desk()
        desk.deliver(*order, booking)
        assert desk.calendly.rows(counted) == [{"amount": 4997, "refund_amount": 4997}]


def test_money_that_a_later_booking_names_again_is_of_the_first_and_of_its_day():
    said = "select payment_date, processor_payment_id as key from app.payments"
    found = []
    story = paid_and_moved()
    for order in (story, story[::-1], story[2:] + story[:2], story[3:] + story[:3]):
        desk = Desk()
        with as_system(desk.org) as db:
            make.closer(db, desk.org, "Bo", email="bo@team.example")
        desk.deliver(*order, order[0])
        assert desk.calendly.rows(said) == [{"payment_date": PAID, "key": "ch_A"}]
        found.append([row | {"booking": None} for row in desk.payments()])
    assert all(each == found[0] for each in found)
    assert [row["closer"] for row in found[0]] == ["Bo"]


@pytest.mark.parametrize("known_by", [charge, booked], ids=["its processor", "its booking"])
def test_money_that_a_person_took_out_of_the_books_does_not_come_back_with_the_booking(known_by):
    desk = Desk()
    desk.deliver(known_by())
    with as_system(desk.org) as db:
        lock_books(db)
        db.execute(update(Payment).values(deleted_at=make.NOON))
    desk.deliver(booked())
    assert desk.payments() == []
