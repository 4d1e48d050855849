"""The daily report and the overdue forms: once a day at the organisation's hour, with the product's
own figures, in a shape that Slack takes.
"""

import re
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from core.bookings.models import Event
from core.deliveries.models import OutboxMessage
from core.messages.actions import post_test, set_slack_report, set_slack_webhook
from core.messages.reports import (
    REPORTED,
    daily_report,
    due_posts,
    overdue_reminder,
    post_reports,
)
from core.metrics.catalog import METRICS
from core.metrics.table import totals
from core.metrics.units import COUNT
from core.platform.clock import Period, now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, NotAllowed
from core.platform.settings import settings
from jobs import schedule
from tests import factories as make
from tests.crossed import crossed
from tests.fakes.slack import fault
from tests.flow import work

DAY = date(2024, 11, 6)
NOON = datetime(2024, 11, 6, 12, tzinfo=UTC)
LINK = re.compile(r"<([^|>]+)\|([^>]*)>")
HOSTILE = "<!channel> *bold* _it_ ~no~ `code` <https://evil.example|click> & <@U1>\n• more"


def team(**values):
    return make.organization(**({"slack_report_enabled": True, "slack_report_hour": 8} | values))


def due(org, at):
    with as_system(org) as db:
        return due_posts(db, at)


def posted(org):
    with as_system(org) as db:
        return db.execute(
            select(OutboxMessage.kind, OutboxMessage.dedupe_key).order_by(OutboxMessage.dedupe_key)
        ).all()


def report(org, day=DAY):
    with as_system(org) as db:
        made = daily_report(db, day)
    assert fault(made) is None
    return made


def reminders(org):
    with as_system(org) as db:
        made = overdue_reminder(db)
    assert [fault(message) for message in made] == [None] * len(made)
    return made


def fields(message):
    """The figures of a report by name."""
    return dict(
        field["text"].removeprefix("*").split("*\n")
        for block in message["blocks"]
        for field in block.get("fields", [])
    )


def words(message):
    return "\n".join(
        block["text"]["text"]
        for block in message["blocks"]
        if block["type"] == "section" and "text" in block
    )


def links(messages):
    return [found for message in messages for found in LINK.findall(words(message))]


def late(db, org, *closer, **values):
    return make.event(db, org, *closer, **({"at": now() - timedelta(hours=30)} | values))


@pytest.mark.parametrize(
    ("zone", "hour", "too_early", "time"),
    [
        ("UTC", 8, "2026-11-04T07:59:59", "2026-11-04T08:00:00"),
        ("Asia/Kolkata", 8, "2026-11-04T02:29:59", "2026-11-04T02:30:00"),
        ("Pacific/Kiritimati", 8, "2026-11-03T17:59:59", "2026-11-03T18:00:00"),
        ("Pacific/Pago_Pago", 8, "2026-11-04T18:59:59", "2026-11-04T19:00:00"),
        (
            "America/New_York",
            8,
            "2026-03-07T12:59:59",
            "2026-03-07T13:00:00",
        ),  # the day before clocks go forward
        ("America/New_York", 8, "2026-03-08T11:59:59", "2026-03-08T12:00:00"),
        (
            "America/New_York",
            2,
            "2026-03-08T06:59:59",
            "2026-03-08T07:00:00",
        ),  # there is no two o'clock: at three
        (
            "America/New_York",
            1,
            "2026-11-01T04:59:59",
            "2026-11-01T05:00:00",
        ),  # there are two one o'clocks: at the first
        ("Europe/Copenhagen", 0, "2026-10-24T21:59:59", "2026-10-24T22:00:00"),
    ],
)
def test_it_is_posted_from_the_organisations_own_hour_on(zone, hour, too_early, time):
    org = team(timezone=zone, slack_report_hour=hour)
    early, at = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (too_early, time))
    if hour:
        assert due(org, early) == 0
    assert due(org, at) == 1
    assert posted(org) == [("daily_report", f"daily_report {at.astimezone(ZoneInfo(zone)).date()}")]


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Europe/Copenhagen", date(2026, 3, 29)),
        ("Europe/Copenhagen", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
    ],
)
@pytest.mark.parametrize(
    "hour", [2, *(pytest.param(hour, marks=pytest.mark.nightly) for hour in (0, 23))]
)
def test_each_day_has_one_report_whatever_the_clocks_do(zone, around, hour):
    org = team(timezone=zone, slack_report_hour=hour)
    start = datetime.combine(around, datetime.min.time(), ZoneInfo(zone)).astimezone(
        UTC
    ) - timedelta(days=1)
    posts = [
        start + timedelta(minutes=15 * tick)
        for tick in range(4 * 24 * 3)
        if due(org, start + timedelta(minutes=15 * tick))
    ]
    days = [at.astimezone(ZoneInfo(zone)).date() for at in posts]
    assert days == sorted(set(days))
    assert len(days) >= 3 - (hour == 23)
    assert all(at.astimezone(ZoneInfo(zone)).hour in (hour, hour + 1) for at in posts)


def test_a_day_that_began_while_the_worker_was_away_is_made_up_for_later_the_same_day():
    org = team()
    assert due(org, datetime(2026, 11, 4, 21, tzinfo=UTC)) == 1
    assert posted(org) == [("daily_report", "daily_report 2026-11-04")]


def test_asking_again_posts_nothing_more_although_more_is_overdue_by_then():
    org, at = team(), datetime(2026, 11, 4, 12, tzinfo=UTC)
    assert due(org, at) == 1
    with as_system(org) as db:
        late(db, org)
    assert [due(org, at + timedelta(minutes=15 * tick)) for tick in range(4)] == [0] * 4
    assert due(org, at + timedelta(days=1)) == 2
    assert [kind for kind, _ in posted(org)] == ["daily_report", "daily_report", "overdue_reminder"]


def test_what_is_posted_is_the_report_of_yesterday_in_the_organisations_zone():
    org = team(timezone="Pacific/Auckland")
    busy_week(org)
    due(org, datetime(2024, 11, 6, 20, tzinfo=UTC))  # the seventh has begun there
    with as_system(org) as db:
        bodies = db.scalars(
            select(OutboxMessage.body).where(OutboxMessage.kind == "daily_report")
        ).all()
    assert bodies == [report(org, date(2024, 11, 6))]


def test_several_workers_at_once_post_one_report():
    org, at, counts = team(), datetime(2026, 11, 4, 12, tzinfo=UTC), []
    with as_system(org) as db:
        late(db, org)
    asking = [threading.Thread(target=lambda: counts.append(due(org, at))) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 2]
    assert len(posted(org)) == 2


def test_nothing_is_posted_where_no_calls_are_booked():
    assert due(team(modules=["phone"]), NOON) == 0


def test_nothing_is_posted_where_it_is_switched_off():
    org = team(slack_report_enabled=False)
    with as_system(org) as db:
        late(db, org)
    assert due(org, datetime(2026, 11, 4, 23, tzinfo=UTC)) == 0
    assert posted(org) == []


def test_from_the_tick_to_the_channel_once_whatever_restarts(quiet_database, slack):
    org, silent = team(slack_report_hour=0), team(slack_report_hour=0, slack_report_enabled=False)
    with as_system(org) as db:
        set_slack_webhook(db, slack.webhook)
        late(db, org, lead_name="Contact One")
    with as_system(silent) as db:
        late(db, silent)
    for _ in range(3):
        schedule.for_each_organization(post_reports)
        work()
    with as_system(org) as db:
        post_reports.later(db)
    work()
    told = [message["text"] for message in slack.channel]
    assert [one.split(",")[0] for one in sorted(told)] == [
        "1 post-call form is overdue",
        "Daily report",
    ]
    assert posted(silent) == []


def test_only_an_admin_switches_it_and_only_to_an_hour_of_the_day():
    org = team(slack_report_enabled=False)
    admin, manager = make.viewer(org, "admin"), make.viewer(org, "manager")
    with pytest.raises(NotAllowed), manager.transaction() as db:
        set_slack_report(db, enabled=True, hour=0)
    with pytest.raises(InvalidInput), admin.transaction() as db:
        set_slack_report(db, enabled=True, hour=24)
    assert due(org, NOON) == 0
    with admin.transaction() as db:
        set_slack_report(db, enabled=True, hour=0)
    assert due(org, NOON) == 1


def busy_week(org):
    """Two closers' events of one day, and one event and payment in the week before."""
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        for closer, outcome in ((ana, "closed"), (ana, "offer_made"), (bo, "closed")):
            make.event(
                db,
                org,
                closer,
                at=NOON,
                call_status="completed",
                event_outcome=outcome,
                pcf_submitted=True,
            )
        make.event(
            db, org, bo, at=NOON, call_status="no_show", event_outcome="no_show", pcf_submitted=True
        )
        make.event(db, org, at=NOON, call_status="canceled")
        make.event(db, org, at=NOON)
        make.event(db, org, at=NOON + timedelta(days=1))
        make.event(
            db,
            org,
            at=NOON - timedelta(days=3),
            call_status="completed",
            event_outcome="showed",
            pcf_submitted=True,
        )
        make.payment(db, org, "3000", at=NOON, closer_id=ana.id, refund_amount=Decimal(500))
        make.payment(db, org, "1997", at=NOON, closer_id=bo.id)
        make.payment(db, org, "20000", currency="JPY", at=NOON, closer_id=bo.id)
        make.payment(db, org, "700", at=NOON - timedelta(days=3))
        make.payment(db, org, "9000", at=NOON - timedelta(days=8))


def test_the_report_has_the_days_figures_beside_the_week_before():
    org = team(name="Team One")
    busy_week(org)
    made = report(org)
    assert fields(made) == {
        "Booked calls": "6 (0.1)",
        "Shows": "3 (0.1)",
        "Show rate": "75% (100%), 4 of 5 bookings due are confirmed",
        "Offers": "3 (0.0)",
        "Closes": "2 (0.0)",
        "Close rate": "67% (0%)",
        "Cash collected": "¥20,000 + $4,997 ($100)",
        "Net revenue": "¥20,000 + $4,497 ($100)",
        "Cancelled bookings": "1 (0.0)",
        "Pending forms": "1 (0.0)",
    }
    title = "Daily report, Wed, Nov 6, 2024"
    assert made["text"] == f"{title}: 6 booked, 2 closed, ¥20,000 + $4,997 cash"
    assert made["blocks"][0]["text"]["text"] == title
    assert "Team One · Europe/Copenhagen" in made["blocks"][1]["elements"][0]["text"]
    assert (
        words(made) == "*Top closers*\n1. Ana: $3,000, 1 closed\n2. Bo: ¥20,000 + $1,997, 1 closed"
    )
    asked = f"period=Custom&from=2024-11-06&to=2024-11-06&organization={org}"
    address = f"http://localhost:8501/dashboard?{asked}"
    assert made["blocks"][-1]["elements"][0]["text"] == f"<{address}|Open the dashboard>"


def test_every_count_of_the_report_is_the_one_of_the_dashboard():
    org = team()
    busy_week(org)
    with as_system(org) as db:
        figures = totals(db, Period(DAY, DAY + timedelta(days=1), "Europe/Copenhagen"))
    counts = {
        METRICS[key].name: str(figures[key]) for key in REPORTED if METRICS[key].unit is COUNT
    }
    assert {
        name: value.split(" ")[0] for name, value in fields(report(org)).items() if name in counts
    } == counts


def test_the_day_is_the_organisations():
    org = team(timezone="Pacific/Auckland")
    midnight = datetime(2024, 11, 5, 11, tzinfo=UTC)
    with as_system(org) as db:
        for at in (
            midnight - timedelta(seconds=1),
            midnight,
            midnight + timedelta(hours=23, minutes=59),
            midnight + timedelta(days=1),
        ):
            make.event(db, org, at=at)
    assert fields(report(org))["Booked calls"] == "2 (0.1)"


def test_a_small_amount_is_not_reported_as_nothing():
    org = team()
    with as_system(org) as db:
        ana = make.closer(db, org, "Ana")
        make.payment(db, org, "0.40", at=NOON, closer_id=ana.id)
        make.payment(db, org, "0.400", currency="KWD", at=NOON, closer_id=ana.id)
    made = report(org)
    assert fields(made)["Cash collected"] == "KWD0.400 + $0.40 ($0)"
    assert words(made) == "*Top closers*\n1. Ana: KWD0.400 + $0.40, 0 closed"
    assert made["text"].endswith("KWD0.400 + $0.40 cash")


def test_closers_who_are_equal_share_a_place():
    org = team()
    with as_system(org) as db:
        for name, cash in (("Ana", "500"), ("Bo", "500"), ("Cy", "400")):
            closer = make.closer(db, org, name)
            make.payment(db, org, cash, at=NOON, closer_id=closer.id)
    made = words(report(org))
    assert [line[:2] for line in made.splitlines()[1:]] == ["1.", "1.", "3."]


def test_a_day_without_calls_has_no_rates_and_no_leaders():
    made = report(team(currency="JPY"))
    assert fields(made)["Show rate"] == ("n/a (n/a), 0 of 0 bookings due are confirmed")
    assert fields(made)["Cash collected"] == "¥0 (¥0)"
    assert words(made) == ""


def test_the_reminder_lists_exactly_the_overdue_forms_each_with_its_link():
    org = team(pcf_grace_hours=24)
    with as_system(org) as db:
        ana, bo = make.closer(db, org, "Ana"), make.closer(db, org, "Bo")
        expected = [
            late(db, org, ana, at=now() - timedelta(hours=50), lead_name="First"),
            late(db, org, ana, lead_name="Second"),
            late(db, org, bo, lead_name=None),
            late(db, org, lead_name="Nobody's"),
            late(db, org, lead_name="Nobody's too", email=None),
        ]
        make.event(db, org, ana, at=now() - timedelta(hours=23), lead_name="Still in time")
        make.event(db, org, ana, at=now() + timedelta(hours=1), lead_name="Ahead")
        late(db, org, ana, pcf_submitted=True, call_status="completed")
        late(db, org, ana, call_status="canceled")
        late(db, org, ana, call_status="rescheduled")
        late(db, org, ana, deleted_at=now())
    other = team()
    with as_system(other) as db:
        late(db, other)
    [made] = reminders(org)
    shown = [("First", 0), ("Second", 1), ("A booking", 2), ("Nobody's", 3), ("Nobody's too", 4)]
    found = links([made])
    assert sorted(found) == sorted(
        (f"http://localhost:8501/form?event={expected[place].id}&organization={org}", name)
        for name, place in shown
    )
    assert [name for _, name in found[:3]] == ["First", "Second", "A booking"]
    assert made["text"] == "5 post-call forms are overdue"
    assert [line for line in words(made).splitlines() if line.startswith("*")] == [
        "*Ana*",
        "*Bo*",
        "*No closer*",
    ]


def test_the_time_of_a_call_is_the_organisations():
    org = team(timezone="America/New_York")
    with as_system(org) as db:
        late(db, org, at=datetime(2024, 11, 6, 3, 30, tzinfo=UTC))
    assert words(reminders(org)[0]).endswith(", Tue, Nov 5, 10:30 PM")


def test_one_form_is_one_form_and_none_is_no_message():
    org = team()
    assert reminders(org) == []
    with as_system(org) as db:
        late(db, org)
    assert [made["text"] for made in reminders(org)] == ["1 post-call form is overdue"]


def test_names_of_strangers_neither_mention_anybody_nor_change_the_look():
    org = team(name=HOSTILE)
    with as_system(org) as db:
        closer = make.closer(db, org, HOSTILE, email="hostile@example.com")
        late(db, org, closer, lead_name=HOSTILE)
        make.event(
            db,
            org,
            closer,
            at=NOON,
            call_status="completed",
            event_outcome="closed",
            pcf_submitted=True,
        )
        post_test(db, HOSTILE)
        tested = db.scalars(select(OutboxMessage.body)).one()
    made = reminders(org)
    assert len(links(made)) == 1
    for message in (*made, report(org), tested):
        for said in (
            words(message),
            *(
                block["elements"][0]["text"]
                for block in message["blocks"]
                if block["type"] == "context"
            ),
        ):
            plain = LINK.sub("", said)
            assert not re.search(r"[<>]", plain)
            assert not re.search(r"&(?!(amp|lt|gt);)", plain)
            assert "*bold*" not in said


def many(org, number, name, closers=1):
    with as_system(org) as db:
        for each in range(closers):
            make.closer(db, org, name(each), email=f"closer{each}@example.com")
        late(db, org, lead_name="Lead 0")
        db.execute(
            text("""
            with c as (select id, name, row_number() over (order by email) as n
              from app.closers where organization_id = :org)
            insert into app.events (organization_id, lead_name, scheduled_at, booked_at,
              closer_id, closer_name)
            select e.organization_id, :name || ' ' || n.n,
              e.scheduled_at - make_interval(mins => n.n), e.booked_at, c.id, c.name
              from app.events e, generate_series(1, :number) as n(n)
                join c on c.n = n.n % :closers + 1
             where e.organization_id = :org
        """),
            {"org": org, "number": number - 1, "closers": closers, "name": name(0)},
        )
        return {str(event_id) for event_id in db.scalars(select(Event.id))}


@pytest.mark.parametrize(
    ("closers", "hostile", "address"),
    crossed(
        [1, 7, 199],
        ["", "&<>" * 50, "*_~`" * 40],
        [
            "http://a.b",
            "https://sales-operations.a-rather-long-name-of-a-customer.example.com/team",
        ],
        at_night=[7],
    ),
)
def test_two_hundred_overdue_forms_are_all_listed_within_slacks_limits(
    closers, hostile, address, monkeypatch
):
    monkeypatch.setenv("PUBLIC_URL", address)
    settings.cache_clear()
    org = team()
    expected = many(org, 200, lambda number: f"N {number} {hostile}".strip(), closers)
    made = reminders(org)
    monkeypatch.undo()
    settings.cache_clear()
    listed = [address.partition("?event=")[2].partition("&")[0] for address, _ in links(made)]
    assert sorted(listed) == sorted(expected)
    assert [message["text"] for message in made] == [
        f"200 post-call forms are overdue ({number}/{len(made)})"
        for number in range(1, len(made) + 1)
    ]


def test_of_very_many_overdue_forms_the_oldest_are_listed_and_all_are_counted():
    org = team()
    many(org, 512, lambda _: "Lead")
    made = reminders(org)
    assert len(links(made)) == 500
    assert made[-1]["blocks"][-1]["elements"][0]["text"] == "… and 12 more"
    assert made[0]["text"].startswith("512 post-call forms are overdue (1/")
    assert "|Lead 0>" not in "".join(map(words, made))
