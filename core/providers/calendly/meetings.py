"""Calendly's scheduled events with their invitees, as its webhooks would bring them.

Facts and traps: Calendly API v2, “List events”, “List event invitees”. Events are filtered by when
they start, so bookings of long ago that change are found by looking at every event of the period
again; of those that are unchanged the invitees are not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.deliveries.models import WebhookConnection
from core.deliveries.objects import State, objects_named
from core.platform.clock import iso, now
from core.platform.errors import UnexpectedAnswer, UnknownToProvider
from core.providers.account import at
from core.providers.calendly import webhook
from core.providers.calendly.invitees import invitee_id, is_canceled, reference
from core.providers.calendly.paging import listed
from core.providers.calendly.states import CALENDLY, NO_SHOW
from core.providers.client import Client
from core.providers.provider import (
    Delivered,
    Known,
    NoConnection,
    Page,
    Payload,
    Sync,
    Values,
    Walk,
)
from core.providers.values import mapping, moment, word

MEETING = "meeting"  # the kind of the marks that say how a meeting was when it was last read
MEETINGS_A_PAGE, INVITEES_A_PAGE = 25, 100
MARKED_WITHIN = timedelta(days=7)  # a no-show is marked after the meeting, and changes no date
CLOCKS_DIFFER = timedelta(minutes=5)
# What stands in the bookings, to tell which have changed.
BOOKINGS = text("""
    select external_id, md5((to_jsonb(e) - 'updated_at')::text) from app.events e
     where organization_id = app.cur_org() and booking_platform = 'calendly'
       and external_id = any(cast(:ids as text[]))
""")


def pages(client: Client, _: Values, walk: Walk, known: Known) -> Iterator[Page]:
    """Every meeting that starts at the walk's beginning or later, in the order in which they
    start. A walk that broke off goes on with the start that it had reached, whatever was booked or
    deleted meanwhile.
    """
    organization = word(at(client.get("/users/me"), "resource.current_organization"))
    if organization is None:
        raise UnexpectedAnswer("Calendly does not say to which organization the token belongs.")
    begin = word(walk.cursor.get("from")) or iso(walk.since)
    asked: dict[str, str | int] = {
        "organization": organization,
        "min_start_time": begin,
        "sort": "start_time:asc",
        "count": MEETINGS_A_PAGE,
    }
    for meetings in listed(client, "/scheduled_events", **asked):
        begin = next((start for each in reversed(meetings) if (start := _start(each))), begin)
        yield _page(client, meetings, begin, {} if walk.whole else _seen(meetings, known))


def _page(
    client: Client, meetings: Sequence[dict[str, Any]], begin: str, seen: Mapping[str, str]
) -> Page:
    rows: list[Payload] = []
    marks: list[State] = []
    unchanged = 0
    for meeting in meetings:
        key = reference(meeting.get("uri"))
        if key is None:
            continue
        if seen.get(key) == _version(meeting) and not _may_be_marked(meeting):
            unchanged += 1
            continue
        rows += [{**each, "scheduled_event": meeting} for each in _invitees(client, key)]
        version = _version(meeting)
        marks.append(State(MEETING, key, version, {"as": version}, now()))
    return Page(rows, {"from": begin}, f"meetings until {begin[:10]}", len(rows) + unchanged, marks)


def _invitees(client: Client, key: str) -> list[dict[str, Any]]:
    """Nobody, of a meeting that was deleted since it was listed; what is stored of it stays."""
    path = f"/scheduled_events/{key}/invitees"
    try:
        found = listed(client, path, count=INVITEES_A_PAGE, sort="created_at:asc")
        return [each for page in found for each in page]
    except UnknownToProvider:
        return []


def _start(meeting: Mapping[str, Any]) -> str | None:
    start = moment(meeting.get("start_time"))
    return iso(start) if start else None


def _seen(meetings: Sequence[dict[str, Any]], known: Known) -> dict[str, str]:
    keys = [key for each in meetings if (key := reference(each.get("uri")))]
    return {key: str(data.get("as")) for key, data in known(MEETING, keys).items()}


def _version(meeting: Mapping[str, Any]) -> str:
    changed, counted = moment(meeting.get("updated_at")), mapping(meeting.get("invitees_counter"))
    return (
        f"{changed.isoformat(timespec='microseconds') if changed else '0000'}"
        f" {word(meeting.get('status'))} {counted.get('active')}/{counted.get('total')}"
    )


def _may_be_marked(meeting: Mapping[str, Any]) -> bool:
    """Whether it may be another than its date of change says: somebody of it may have been marked
    as a no-show, or the mark removed.
    """
    start = moment(meeting.get("start_time"))
    return start is None or now() - MARKED_WITHIN < start < now()


def store(
    db: Session, rows: Sequence[Payload], connection: WebhookConnection | NoConnection
) -> int:
    """Bring the bookings to what the invitees say; how many bookings changed."""
    ids = {"ids": [key for each in rows if (key := invitee_id(each))]}
    before = set(map(tuple, db.execute(BOOKINGS, ids)))
    marks = _marks(db, rows)
    batch = [
        Delivered(connection, payload, moment(payload["created_at"]) or now())
        for invitee in rows
        for payload in deliveries(invitee, marks.get(invitee_id(invitee) or ""))
    ]
    webhook.handle(db, batch)
    return len(set(map(tuple, db.execute(BOOKINGS, ids))) - before)


def deliveries(invitee: Payload, marked_as_of: datetime | None = None) -> Iterator[Payload]:
    """What webhooks would have brought of an invitee as it is now. ``marked_as_of`` is when it was
    last marked as a no-show, as far as is known here.
    """
    kind = "invitee.canceled" if is_canceled(invitee) else "invitee.created"
    yield {
        "event": kind,
        "created_at": invitee.get("updated_at") or invitee.get("created_at"),
        "payload": invitee,
    }
    marked_at = mapping(invitee.get("no_show")).get("created_at")
    if marked_at:
        yield {"event": "invitee_no_show.created", "created_at": marked_at, "payload": invitee}
    elif marked_as_of is not None:
        # Nobody says when the mark was removed, only that it was, some time after it was set.
        yield {
            "event": "invitee_no_show.deleted",
            "created_at": (marked_as_of + timedelta(microseconds=1)).isoformat(),
            "payload": invitee,
        }


def _marks(db: Session, rows: Sequence[Payload]) -> dict[str, datetime]:
    """By invitee since when a mark as a no-show is known. One that was set only just may be newer
    than what was read.
    """
    names = [(NO_SHOW, key) for each in rows if (key := invitee_id(each))]
    return {
        each.external_id: set_at
        for each in objects_named(db, CALENDLY, names)
        if each.data.get("at")
        and (set_at := moment(each.version)) is not None
        and set_at < now() - CLOCKS_DIFFER
    }


SCHEDULED_EVENTS = Sync(
    what="events",
    label="Scheduled events",
    pages=pages,
    store=store,
    every=timedelta(hours=1),
    overlap=timedelta(days=30),
    reach=timedelta(days=90),
)
