"""The daily posts to an organisation's Slack channel: yesterday's figures, and the overdue forms.

All figures come from ``core.metrics``. Each post is sent once a day, at the organisation's own
hour, even if workers restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.bookings.queries import pending_forms
from core.deliveries.models import OutboxMessage
from core.deliveries.outbox import post
from core.messages.blocks import (
    Block,
    escaped,
    figures,
    header,
    linked,
    packed,
    section,
    small_print,
)
from core.messages.models import ReportSettings
from core.metrics.catalog import METRICS
from core.metrics.figures import Values
from core.metrics.ranks import shared_ranks
from core.metrics.table import metrics_table, totals
from core.metrics.units import MONEY
from core.platform.clock import Period, now
from core.platform.database import organization_id_of
from core.platform.dataframes import records
from core.platform.labels import none_of
from core.platform.notation import notation, written_in
from core.platform.settings import settings
from core.platform.tasks import task
from core.tenancy.organizations.modules import BOOKINGS
from core.tenancy.organizations.queries import current_organization, settings_of

Body = dict[str, Any]
CHANNEL = "slack"
REPORTED = (
    "booked_calls",
    "shows",
    "show_rate",
    "offers",
    "closes",
    "close_rate",
    "cash_collected",
    "net_revenue",
    "canceled",
    "pending_pcfs",
)
COVERAGE = ("confirmed", "due")
WEEK = 7
TOP = 3
LINES = 6  # in one section, which may hold 3,000 characters
MOST_LISTED = 500
MOST_COUNTED = 10_000


@task(cron="*/15 * * * *")
def post_reports(db: Session) -> None:
    """Post what is due now."""
    due_posts(db, now())


def due_posts(db: Session, at: datetime) -> int:
    """Post today's report and reminders, if the organisation is not paused, has the bookings
    module, wants the posts, and its hour has come. Returns how many were posted.

    ``at`` is the current instant. All are posted together: calling it again on the same local day
    posts nothing, even if more forms are overdue by then.
    """
    organization, wanted = current_organization(db), settings_of(db, ReportSettings)
    local = at.astimezone(ZoneInfo(organization.timezone))
    if (
        not organization.status.sends
        or BOOKINGS not in organization.modules
        or not wanted.slack_report_enabled
        or local.hour < wanted.slack_report_hour
    ):
        return 0
    today = local.date()
    key = f"daily_report {today}"
    if (
        db.scalars(select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key)).first()
        is not None
    ):
        return 0
    if not post(
        db, CHANNEL, "daily_report", None, daily_report(db, today - timedelta(days=1)), key
    ):
        return 0  # another worker was quicker
    return 1 + sum(
        post(db, CHANNEL, "overdue_reminder", None, body, f"overdue_reminder {number} {today}")
        for number, body in enumerate(overdue_reminder(db))
    )


def daily_report(db: Session, day: date) -> Body:
    """The Slack message about one day in the organisation's zone: its figures, each compared with
    the seven days before, and the best closers.
    """
    with written_in(current_organization(db).locale):
        return _daily_report(db, day)


def _daily_report(db: Session, day: date) -> Body:
    organization = current_organization(db)
    period = Period(day, day + timedelta(days=1), organization.timezone)
    before = Period(day - timedelta(days=WEEK), day, organization.timezone)
    figures_of_day, of_week = (
        totals(db, period, only=(*REPORTED, *COVERAGE)),
        totals(db, before, only=REPORTED),
    )
    pairs = [
        (METRICS[key].name, _beside(key, figures_of_day, of_week, organization.currency))
        for key in REPORTED
    ]
    title = f"Daily report, {notation().day(day, weekday=True)}"
    cash = MONEY.message(figures_of_day["cash_collected"], organization.currency)
    blocks = [
        header(title),
        small_print(
            f"{escaped(organization.name)} · {organization.timezone}"
            " · in brackets: the 7 days before, a day"
        ),
        figures(pairs),
    ]
    if best := _top(db, period, organization.currency):
        blocks.append(section("*Top closers*\n" + "\n".join(best)))
    blocks.append(
        small_print(
            linked(
                "Open the dashboard",
                _address(db, "dashboard", {"period": "Custom", "from": str(day), "to": str(day)}),
            )
        )
    )
    summary = (
        f"{title}: {figures_of_day['booked_calls']} booked, {figures_of_day['closes']} closed,"
        f" {cash} cash"
    )
    return {"text": summary, "blocks": blocks}


def overdue_reminder(db: Session) -> list[Body]:
    """The Slack messages that list all overdue forms, grouped by closer, with links to fill them
    in. Empty when no form is overdue.
    """
    with written_in(current_organization(db).locale):
        return _overdue_reminder(db)


def _overdue_reminder(db: Session) -> list[Body]:
    overdue = records(pending_forms(db, overdue_only=True, limit=MOST_COUNTED))
    listed = sorted(
        overdue[:MOST_LISTED],
        key=lambda event: (event["closer"] is None, event["closer"], event["scheduled_at"]),
    )
    parts = packed(_reminders(db, listed, ZoneInfo(current_organization(db).timezone)))
    if len(overdue) > MOST_LISTED:
        parts[-1].append(small_print(f"… and {len(overdue) - MOST_LISTED} more"))
    title = (
        f"{len(overdue)} post-call forms are overdue"
        if len(overdue) != 1
        else "1 post-call form is overdue"
    )
    numbered = [
        title if len(parts) == 1 else f"{title} ({number}/{len(parts)})"
        for number in range(1, len(parts) + 1)
    ]
    return [
        {"text": each, "blocks": [header(each), *part]}
        for each, part in zip(numbered, parts, strict=True)
    ]


def _reminders(db: Session, events: list[dict[str, Any]], zone: ZoneInfo) -> Iterator[Block]:
    for closer, calls in groupby(events, key=lambda event: event["closer"]):
        lines = []
        for event in calls:
            form = _address(db, "form", {"event": str(event["id"])})
            link = linked(event["lead_name"] or "A booking", form)
            local = event["scheduled_at"].astimezone(zone)
            day = notation().day(local, weekday=True, year=False)
            lines.append(f"• {link}, {day}, {notation().clock(local)}")
        for start in range(0, len(lines), LINES):
            yield section(
                f"*{escaped(closer or none_of('closer'))}*\n"
                + "\n".join(lines[start : start + LINES])
            )


def _address(db: Session, screen: str, asked: dict[str, str]) -> str:
    """A screen of the organisation that the message is about, also for whoever has others."""
    of = asked | {"organization": str(organization_id_of(db))}
    return f"{settings().public_url}/{screen}?{urlencode(of)}"


def _beside(key: str, day: Values, week: Values, currency: str) -> str:
    """A day's figure, and in brackets the average per day of the week before; with the show rate
    how much of the day is known.
    """
    unit = METRICS[key].unit
    made = f"{unit.message(day[key], currency)} ({unit.daily(week[key], WEEK, currency)})"
    return f"{made}, {day.known}" if key == "show_rate" else made


def _top(db: Session, period: Period, currency: str) -> list[str]:
    """The closers with the most cash in the organisation's own currency, then with the most
    closes.
    """
    made = metrics_table(db, period, ("closer",), only=("cash_collected", "closes"))
    found = (
        (
            str(row.keys["closer"].name),
            row.values.money("cash_collected"),
            row.values.count("closes"),
        )
        for row in made.rows
        if row.keys["closer"].name
    )
    ranked = sorted(
        ((-cash.get(currency, Decimal(0)), -closes, name, cash) for name, cash, closes in found),
        key=itemgetter(0, 1, 2),
    )
    best = [each for each in ranked if each[1] or each[3]][:TOP]
    places = shared_ranks([(cash, closes) for cash, closes, *_ in best])
    return [
        f"{place}. {escaped(name)}: {MONEY.message(cash, currency)}, {-closes} closed"
        for place, (_, closes, name, cash) in zip(places, best, strict=True)
    ]
