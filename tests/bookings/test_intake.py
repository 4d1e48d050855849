"""What a later delivery, a form and a roster do to a booking that is here already, also at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from sqlalchemy import select, update

from core.bookings.booking import Booking, Cancellation
from core.bookings.closer_reassignment import change_closer
from core.bookings.form_answers import FormAnswers
from core.bookings.intake import record_booking
from core.bookings.lists import BY_KEY, save_entry
from core.bookings.models import BookingSettings, Closer, Event, Party, Setter
from core.bookings.queries import pending_forms
from core.metrics.table import totals
from core.money.form_filing import file_form, withdraw_form
from core.people.actions import Person
from core.people.models import Lead, Source
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period, now
from core.platform.database import APP_ROLE, WORKER_ROLE, as_system
from core.platform.errors import Conflict
from tests import factories as make
from tests import payloads as samples
from tests.factories import NOON
from tests.ports import pausing, somebody_waits, until
from tests.providers.history import EVENTS, History

CLOSED = FormAnswers(
    call_occurred=True,
    lead_showed=True,
    offer_made=True,
    deal_closed=True,
    cash_collected=Decimal("4997.00"),
    currency="USD",
)


def booking(email="lead.one@example.com", **values):
    return samples.SampleBooking(email, values.pop("start", NOON), **values)


def created(call=None, **values):
    return samples.calendly_created(call or booking(**values))


def missed(made, at=NOON + timedelta(hours=1)):
    return samples.calendly_no_show(made, at=at)


def people(history):
    """Closer, setter and source of each booking, by name."""
    return [
        tuple(row.values())
        for row in history.rows("""
            select c.name as closer, s.name as setter, e.setter_name, x.name as source
              from app.events e left join app.closers c on c.id = e.closer_id
              left join app.setters s on s.id = e.setter_id
              left join app.sources x on x.id = e.source_id order by e.scheduled_at""")
    ]


def roster(history, **closers):
    with as_system(history.org) as db:
        for name, email in closers.items():
            make.closer(db, history.org, name, email=email)
        make.setter(db, history.org, "Sam", aliases=["setter-one"])


def test_a_booking_that_was_claimed_by_name_stays_and_so_do_the_hosts_later_ones():
    history = History("calendly")
    made = created(closer_name="Ana", closer_email="ana@work.example")
    history.deliver(made)
    with as_system(history.org) as db:
        save_entry(db, BY_KEY["closers"], None, {"name": "Ana", "email": "ana@example.com"})
    history.deliver(
        missed(made),
        created(start=NOON + timedelta(days=1), closer_name="ANA", closer_email="ana@work.example"),
    )
    assert [row[0] for row in people(history)] == ["Ana", "Ana"]


def test_a_name_that_two_closers_share_claims_no_later_booking():
    history = History("calendly")
    roster(history, Ana="ana@example.com")
    with as_system(history.org) as db:
        make.closer(db, history.org, "Ana", email="other@example.com")
    history.deliver(created(closer_name="Ana", closer_email="ana@work.example"))
    assert [row[0] for row in people(history)] == [None]


def test_a_host_of_the_same_name_who_is_another_calendly_user_is_nobodys_booking():
    history = History("calendly")
    roster(history, Ana="ana@example.com")
    history.deliver(
        created(closer_name="Ana", closer_email="ana@example.com"),
        created(
            start=NOON + timedelta(days=1), closer_name="Ana", closer_email="not.her@b.example"
        ),
    )
    assert [row[0] for row in people(history)] == ["Ana", None]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_the_bookings_of_two_hosts_of_one_name_are_nobodys_until_an_address_says_whose(order):
    history = History("calendly")
    with as_system(history.org) as db:
        chris = make.closer(db, history.org, "Chris").id
    hosts = [
        created(start=NOON + timedelta(days=day), closer_name="Chris", closer_email=email)
        for day, email in enumerate(("chris.sales@example.com", "chris.support@example.com"))
    ]
    history.deliver(*(hosts[place] for place in order))
    assert [row[0] for row in people(history)] == [None, None]
    with as_system(history.org) as db:
        email = "chris.sales@example.com"
        change_closer(db, chris, name="Chris", email=email, user_id=None, active=True)
    assert [row[0] for row in people(history)] == ["Chris", None]
    history.deliver(hosts[1])
    assert [row[0] for row in people(history)] == ["Chris", None]


def test_a_host_who_is_replaced_in_calendly_is_replaced_here():
    history = History("calendly")
    roster(history, Ana="ana@example.com", Bo="bo@example.com")
    call = booking(closer_email="ana@example.com")
    made = created(call)
    history.deliver(made)
    moved = samples.calendly_canceled(made, at=NOON)
    [member] = moved["payload"]["scheduled_event"]["event_memberships"]
    member |= {"user": "https://api.calendly.com/users/bo", "user_email": "bo@example.com"}
    history.deliver(moved)
    assert [row[0] for row in people(history)] == ["Bo"]


@pytest.mark.parametrize(("host", "closer"), [("ana", "Ana"), ("bo", "Bo"), (None, "Ana")])
def test_a_booking_of_before_an_upgrade_keeps_its_closer_while_they_are_the_host(host, closer):
    history = History("calendly")
    roster(history, Ana="ana@example.com", Bo="bo@example.com")
    made = created(closer_name="Ana", closer_email="ana@example.com")
    history.deliver(made)
    with as_system(history.org) as db:
        lock_books(db)
        db.execute(update(Event).values(hosts_digest=None, host_uri=None, host_email=None))
        db.execute(update(Closer).values(known_as={}))
    later = samples.calendly_canceled(made, at=NOON)
    user = {"user": f"u/{host}", "user_email": f"{host}@example.com", "user_name": None}
    later["payload"]["scheduled_event"]["event_memberships"] = [user] if host else []
    history.deliver(later)
    assert [row[0] for row in people(history)] == [closer]


@pytest.mark.parametrize(("says", "setter"), [("setter-one", "Sam"), ("kim", "Kim")])
def test_a_booking_of_before_an_upgrade_keeps_its_setter_while_it_says_the_same(says, setter):
    history = History("calendly")
    roster(history)
    made = created()
    history.deliver(made)
    with as_system(history.org) as db:
        make.setter(db, history.org, "Kim")
        db.execute(update(Setter).where(Setter.name == "Sam").values(aliases=[]))
        db.execute(update(Event).values(origin_digest=None))
    later = samples.calendly_canceled(made, at=NOON)
    later["payload"]["tracking"] = later["payload"]["tracking"] | {"utm_source": says}
    history.deliver(later)
    assert [row[1] for row in people(history)] == [setter]


def test_other_settings_do_not_take_away_the_setter_of_a_booking_that_is_here():
    history = History("calendly")
    roster(history)
    made = created()
    history.deliver(made)
    with as_system(history.org) as db:
        db.execute(update(BookingSettings).values(setter_utm_field="utm_campaign"))
    history.deliver(missed(made))
    assert [row[1] for row in people(history)] == ["Sam"]


def test_nor_do_they_give_one_to_a_booking_that_had_none():
    history = History("calendly")
    with as_system(history.org) as db:
        make.setter(db, history.org, "webinar")
    made = created(setter=None)
    history.deliver(made)
    with as_system(history.org) as db:
        db.execute(update(BookingSettings).values(setter_utm_field="utm_campaign"))
    history.deliver(missed(made))
    assert [row[1:3] for row in people(history)] == [(None, None)]


def test_other_rules_do_not_change_the_source_of_a_booking_or_lead_that_is_here():
    history = History("calendly")
    with as_system(history.org) as db:
        first = make.source(db, history.org, "First")
        first.utm_values = ["webinar"]
    made = created()
    history.deliver(made)
    with as_system(history.org) as db:
        db.execute(update(Source).values(utm_values=[]))
        second = make.source(db, history.org, "Second")
        second.utm_values = ["webinar"]
    history.deliver(missed(made))
    assert [row[3] for row in people(history)] == ["First"]
    with as_system(history.org) as db:
        assert db.scalars(select(Lead.source_id)).all() == [first.id]


def test_a_setter_who_was_named_by_address_keeps_the_booking_when_their_account_is_deleted():
    history = History("calendly")
    with as_system(history.org) as db:
        make.setter(
            db,
            history.org,
            "Sam",
            email="sam@example.com",
            email_normalized="sam@example.com",
        )
    made = created(setter="sam@example.com")
    history.deliver(made)
    with as_system(history.org) as db:
        lock_books(db)
        db.execute(update(Setter).values(email=None, email_normalized=None))
    history.deliver(missed(made))
    assert [row[1] for row in people(history)] == ["Sam"]


def test_a_name_moves_together_with_its_id_when_a_booking_is_moved():
    history = History("calendly")
    roster(history)
    first = booking(setter="nobody-we-know")
    second = booking(start=NOON + timedelta(days=1), setter="setter-one")
    history.deliver(created(first), samples.calendly_created(second, old=first.uri))
    assert [row[1:3] for row in people(history)] == [(None, "nobody-we-know")] * 2


def test_a_duplicate_that_was_switched_off_takes_no_new_booking():
    history = History("calendly")
    roster(history, Ana="ana@example.com")
    history.deliver(created(closer_email="ana@example.com", closer_name="Ana"))
    with as_system(history.org) as db:
        old = db.scalars(select(Closer)).one()
        change_closer(db, old.id, name="Old", email=None, user_id=None, active=False)
        new = make.closer(db, history.org, "Ana Berg", email="ana@example.com")
    history.deliver(
        created(start=NOON + timedelta(days=1), closer_email="ana@example.com", closer_name="Ana")
    )
    later = "select closer_id from app.events order by scheduled_at desc limit 1"
    assert history.rows(later) == [{"closer_id": new.id}]


def test_a_setter_is_known_however_the_accents_of_the_name_are_written():
    history = History("calendly")
    with as_system(history.org) as db:
        make.setter(db, history.org, "José Núñez")
    history.deliver(created(setter="Jose\u0301 Nu\u0301n\u0303ez\u200b"))
    assert [row[1] for row in people(history)] == ["José Núñez"]


def test_a_move_that_is_seen_before_its_cancellation_settles_the_old_booking_too():
    history = History("calendly")
    first, second = booking(), booking(start=NOON + timedelta(days=1))
    history.deliver(created(first), samples.calendly_created(second, old=first.uri))
    assert [row["call_status"] for row in history.rows(EVENTS)] == ["rescheduled", "scheduled"]


def leads(history):
    """Whose inquiries there are, with the number of bookings of each."""
    return [
        tuple(row.values())
        for row in history.rows("""
            select c.email, count(e.id) from app.leads l join app.contacts c on c.id = l.contact_id
              left join app.events e on e.lead_id = l.id group by 1 order by 1""")
    ]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_a_booking_that_is_moved_with_another_address_is_no_further_inquiry(order, size):
    history = History("calendly")
    call = booking()
    first = created(call)
    second = booking("other@example.com", start=NOON + timedelta(days=2))
    moved = samples.calendly_created(second, old=call.uri)
    gone = samples.calendly_canceled(first, at=NOON - timedelta(days=1), new=second.uri)
    history.deliver(*[(first, gone, moved)[place] for place in order], size=size)
    assert leads(history) == [("lead.one@example.com", 2)]


def test_an_inquiry_goes_with_its_booking_to_another_address_and_one_with_others_stays():
    history = History("calendly")
    first, another = created(), created(start=NOON + timedelta(days=3))
    changed = deepcopy(first)
    changed["payload"] |= {
        "email": "other@example.com",
        "updated_at": (NOON - timedelta(hours=1)).isoformat(),
    }
    history.deliver(first)
    history.deliver(changed)
    assert leads(history) == [("other@example.com", 1)]
    history.deliver(another)
    assert leads(history) == [("lead.one@example.com", 1), ("other@example.com", 1)]


def test_an_inquiry_that_somebody_worked_on_stays_when_its_booking_has_another_address():
    history = History("calendly")
    first = created()
    history.deliver(first)
    with as_system(history.org) as db:
        db.execute(update(Lead).values(status="contacted"))
    changed = deepcopy(first)
    changed["payload"] |= {
        "email": "other@example.com",
        "updated_at": (NOON - timedelta(hours=1)).isoformat(),
    }
    history.deliver(changed)
    assert leads(history) == [("lead.one@example.com", 0), ("other@example.com", 1)]


def held_and_moved():
    """A meeting that was held, closed and paid, and whose booking is moved afterwards."""
    history = History("calendly")
    first, second = booking(), booking(start=now() + timedelta(days=1))
    made = created(first)
    history.deliver(made)
    by = make.viewer(history.org)
    with as_system(history.org) as db:
        event_id = db.scalars(select(Event.id)).one()
        file_form(db, event_id, CLOSED, by)
    history.deliver(
        samples.calendly_canceled(made, at=NOON + timedelta(hours=1), new=second.uri),
        samples.calendly_created(second, old=first.uri),
    )
    return history, event_id, by


def test_a_meeting_that_was_held_and_closed_stays_so_when_its_booking_is_moved_afterwards():
    history, event_id, by = held_and_moved()
    states = "select call_status, event_outcome from app.events order by scheduled_at"
    assert [tuple(row.values()) for row in history.rows(states)] == [
        ("completed", "closed"),
        ("scheduled", None),
    ]
    with as_system(history.org) as db:
        withdraw_form(db, event_id, by)
    assert history.rows(states)[0]["call_status"] == "scheduled"


def test_the_story_of_a_booking_has_each_line_at_the_time_of_what_it_says():
    """Booked days before; missed, moved or cancelled around noon."""
    history, booked = History("calendly"), NOON - timedelta(days=2)
    noticed, before = NOON + timedelta(minutes=20), NOON - timedelta(hours=2)
    after = NOON + timedelta(hours=2)
    absent, moved, gone, over = (
        samples.calendly_created(booking(f"{name}@example.com"), booked_at=booked)
        for name in ("absent", "moved", "gone", "over")
    )
    new = booking("moved@example.com", start=NOON + timedelta(days=1))
    history.deliver(absent, moved, gone, over)
    history.deliver(
        missed(absent, noticed),
        samples.calendly_canceled(moved, at=before, new=new.uri),
        samples.calendly_canceled(gone, at=before),
        samples.calendly_canceled(over, at=after),
    )
    story = history.rows("select summary, at from app.activities where subject_type = 'event'")
    assert sorted((line["summary"], line["at"]) for line in story) == sorted(
        [
            *[("Booking made", booked)] * 4,
            ("Lead did not show", noticed),
            ("Booking moved", before),
            ("Booking cancelled", before),
            ("Booking cancelled after its time; what counts is how the meeting went", after),
        ]
    )


def missed_and_moved(moved_at, by_form):
    """A booking of noon that was missed, and moved to the next day."""
    history = History("calendly")
    first, second = booking(), booking(start=NOON + timedelta(days=1))
    made = created(first)
    history.deliver(made)
    by = make.viewer(history.org)
    with by.transaction() as db:
        event_id = db.scalars(select(Event.id)).one()
        if by_form:
            file_form(db, event_id, FormAnswers(call_occurred=False), by)
    if not by_form:
        history.deliver(missed(made))
    history.deliver(
        samples.calendly_canceled(made, at=moved_at, new=second.uri),
        samples.calendly_created(second, old=first.uri),
    )
    states = "select call_status from app.events order by scheduled_at"
    return [row["call_status"] for row in history.rows(states)]


@pytest.mark.parametrize("by_form", [True, False], ids=["form", "mark"])
def test_a_meeting_that_was_missed_stays_so_when_its_booking_is_moved_afterwards(by_form):
    assert missed_and_moved(NOON + timedelta(hours=2), by_form) == ["no_show", "scheduled"]


@pytest.mark.parametrize("by_form", [True, False], ids=["form", "mark"])
def test_a_meeting_of_which_the_booking_was_moved_in_time_was_missed_by_nobody(by_form):
    assert missed_and_moved(NOON - timedelta(hours=2), by_form) == ["rescheduled", "scheduled"]


AFTER_THE_MEETING = {
    "moved": lambda made, second: [
        samples.calendly_canceled(made, at=NOON + timedelta(minutes=50), new=second.uri),
        samples.calendly_created(second, old=booking().uri),
    ],
    "cancelled": lambda made, second: [
        samples.calendly_canceled(made, at=NOON + timedelta(minutes=50))
    ],
}


@pytest.mark.parametrize("form_comes_first", [True, False], ids=["form first", "form last"])
@pytest.mark.parametrize("change", AFTER_THE_MEETING)
def test_a_meeting_that_was_held_is_reported_before_and_after_its_booking_changes(
    change, form_comes_first
):
    history = History("calendly")
    made = created(booking())
    history.deliver(made)
    by = make.viewer(history.org)
    with as_system(history.org) as db:
        event_id = db.scalars(select(Event.id)).one()

    def file():
        with by.transaction() as db:
            file_form(db, event_id, CLOSED, by)

    changes = AFTER_THE_MEETING[change](made, booking(start=NOON + timedelta(days=21)))
    acts = [file, lambda: history.deliver(*changes)]
    for act in acts if form_comes_first else reversed(acts):
        act()
    states = history.rows("select call_status, event_outcome from app.events order by scheduled_at")
    assert states[0] == {"call_status": "completed", "event_outcome": "closed"}


@pytest.mark.parametrize("change", AFTER_THE_MEETING)
def test_a_meeting_is_still_to_be_reported_when_its_booking_changes_after_its_time(change):
    history = History("calendly")
    made = created(booking())
    history.deliver(made)
    history.deliver(*AFTER_THE_MEETING[change](made, booking(start=now() + timedelta(days=21))))
    with as_system(history.org) as db:
        assert list(pending_forms(db)["scheduled_at"]) == [NOON]
        period = Period(date(2026, 11, 1), date(2026, 12, 1), "UTC")
        figures = totals(db, period)
    counted = {key: figures[key] for key in ("booked_calls", "canceled", "rescheduled", "due")}
    assert counted == {"booked_calls": 1, "canceled": 0, "rescheduled": 0, "due": 1}


STATES = "select call_status, event_outcome from app.events order by scheduled_at"
OF_NOON = select(Event.id).where(Event.scheduled_at == NOON)
LATER = NOON + timedelta(days=60)
MISSED = FormAnswers(call_occurred=False)
OUTCOMES = {
    "held": ("completed", "closed"),
    "missed": ("no_show", "no_show"),
    None: ("scheduled", None),
}


@pytest.mark.parametrize("said", OUTCOMES)
@pytest.mark.parametrize("is_reported", [True, False], ids=["reported", "never reported"])
def test_a_move_after_the_meeting_lets_its_form_be_filed_whatever_comes_first(said, is_reported):
    """The booking is moved at the end of its meeting. Of the report of that, the new booking and
    the form each may be the first, and the report may never come.
    """
    first, new = booking(), booking(start=LATER)
    made = samples.calendly_created(first, booked_at=NOON - timedelta(days=2))
    after = NOON + timedelta(minutes=50)
    acts = {
        "new": samples.calendly_created(new, booked_at=after, old=first.uri),
        "again": made,
    }
    if is_reported:
        acts["moved"] = samples.calendly_canceled(made, at=after, new=new.uri)
    if said:
        acts["form"] = CLOSED if said == "held" else MISSED
    for order in permutations(acts):
        history = History("calendly")
        history.deliver(made)
        by = make.viewer(history.org)
        for act in order:
            if act == "form":
                with as_system(history.org) as db:
                    event_id = db.scalars(OF_NOON).one()
                    file_form(db, event_id, acts[act], by)
            else:
                history.deliver(acts[act])
        states = [tuple(row.values()) for row in history.rows(STATES)]
        assert states == [OUTCOMES[said], ("scheduled", None)], order


@pytest.mark.parametrize("is_reported", [True, False], ids=["reported", "never reported"])
def test_a_move_in_time_leaves_nothing_to_report_whatever_comes_first(is_reported):
    first, new = booking(), booking(start=LATER)
    made = samples.calendly_created(first, booked_at=NOON - timedelta(days=2))
    before = NOON - timedelta(hours=1)
    deliveries = [
        samples.calendly_created(new, booked_at=before, old=first.uri),
        made,
        missed(made),
    ]
    if is_reported:
        deliveries.append(samples.calendly_canceled(made, at=before, new=new.uri))
    for order in permutations(deliveries):
        history = History("calendly")
        history.deliver(*order)
        assert history.rows(STATES)[0]["call_status"] == "rescheduled"
        with as_system(history.org) as db:
            event_id = db.scalars(OF_NOON).one()
            with pytest.raises(Conflict, match="was moved"):
                file_form(db, event_id, CLOSED, make.viewer(history.org))


def test_the_closer_who_withdraws_a_form_sees_the_meeting_pending_though_another_has_the_new_one():
    history = History("calendly")
    roster(history, Ana="ana@example.com", Bo="bo@example.com")
    first = booking(closer_name="Ana", closer_email="ana@example.com")
    new = booking(start=LATER, closer_name="Bo", closer_email="bo@example.com")
    after = NOON + timedelta(minutes=50)
    history.deliver(created(first), samples.calendly_created(new, booked_at=after, old=first.uri))
    ana = make.viewer(history.org, "sales_rep")
    with as_system(history.org) as db:
        [closer] = db.scalars(select(Closer).where(Closer.name == "Ana"))
        facts = {"name": closer.name, "email": closer.email, "active": True}
        change_closer(db, closer.id, user_id=ana.user_id, **facts)
        event_id = db.scalars(OF_NOON).one()
    with ana.transaction() as db:
        file_form(db, event_id, CLOSED, ana)
    with ana.transaction() as db:
        withdraw_form(db, event_id, ana)
    assert history.rows(STATES)[0]["call_status"] == "scheduled"


def marked_and_cancelled(cancelled_at):
    """A booking of noon that was marked as missed, and cancelled."""
    history = History("calendly")
    made = created(booking())
    mark = missed(made)
    history.deliver(made, mark, samples.calendly_canceled(mark, at=cancelled_at))
    return history.rows("select call_status, event_outcome from app.events")


def test_a_meeting_that_was_missed_stays_so_when_its_booking_is_cancelled_afterwards():
    assert marked_and_cancelled(NOON + timedelta(hours=5)) == [
        {"call_status": "no_show", "event_outcome": "no_show"}
    ]


def test_a_meeting_of_which_the_booking_was_cancelled_in_time_was_missed_by_nobody():
    assert marked_and_cancelled(NOON - timedelta(hours=5)) == [
        {"call_status": "canceled", "event_outcome": None}
    ]


@pytest.mark.parametrize(("party", "late"), [("host", False), ("guest", True), (None, True)])
def test_only_what_a_lead_cancels_late_is_a_late_cancellation(party, late):
    org = make.organization()
    gone = Cancellation(moved=False, at=NOON - timedelta(hours=1), party=party and Party(party))
    booking = Booking(
        platform="manual",
        external_id="one",
        scheduled_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        booked_at=NOON - timedelta(days=3),
        person=Person(email="lead.one@example.com"),
        cancellation=gone,
    )
    with as_system(org) as db:
        assert record_booking(db, booking).canceled_late is late


def delivered_while_a_form_is_filed(change):
    """The delivery is processed while a form is filed: its transaction has read the event and
    begins to write when the delivery arrives, and commits afterwards.
    """
    history = History("calendly")
    made = created()
    history.deliver(made)
    by = make.viewer(history.org)
    with as_system(history.org) as db:
        event_id = db.scalars(select(Event.id)).one()
    writing, go_on = threading.Event(), threading.Event()

    def file():
        with by.transaction() as db:
            file_form(db, event_id, CLOSED, by)

    with ThreadPoolExecutor(2) as both:
        with pausing(APP_ROLE, "insert into app.post_call_forms", writing, go_on):
            filing = both.submit(file)
            assert writing.wait(20)
            delivering = both.submit(history.deliver, change(made))
            until(somebody_waits)
            go_on.set()
            filing.result()
        delivering.result()
    return history.rows("select call_status, event_outcome, pcf_submitted from app.events")


@pytest.mark.parametrize(
    "change",
    [missed, lambda made: samples.calendly_canceled(made, at=NOON + timedelta(hours=1))],
    ids=["no-show", "cancellation"],
)
def test_a_form_that_is_filed_while_a_delivery_is_processed_counts(change):
    assert delivered_while_a_form_is_filed(change) == [
        {"call_status": "completed", "event_outcome": "closed", "pcf_submitted": True}
    ]


def test_a_form_is_refused_when_a_cancellation_came_before_it_at_the_same_moment():
    history = History("calendly")
    made = created()
    history.deliver(made)
    by = make.viewer(history.org)
    with as_system(history.org) as db:
        event_id = db.scalars(select(Event.id)).one()
    reading, go_on = threading.Event(), threading.Event()
    canceled = samples.calendly_canceled(made, at=NOON - timedelta(days=1))

    def file():
        with by.transaction() as db:
            file_form(db, event_id, CLOSED, by)

    with ThreadPoolExecutor(2) as both:
        with pausing(WORKER_ROLE, "select app.post_call_forms", reading, go_on):
            delivering = both.submit(history.deliver, canceled)
            assert reading.wait(20)
            filing = both.submit(file)
            until(somebody_waits)
            go_on.set()
            delivering.result()
        with pytest.raises(Conflict, match="cancelled"):
            filing.result()
    states = history.rows("select call_status, event_outcome, pcf_submitted from app.events")
    assert states == [{"call_status": "canceled", "event_outcome": None, "pcf_submitted": False}]
