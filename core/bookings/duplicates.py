"""Bookings that may be one meeting, booked twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, Event
from core.platform.clock import now
from core.platform.dataframes import fetched
from core.tenancy.organizations.queries import settings_of

if TYPE_CHECKING:
    import pandas as pd

LOOKED_BACK = timedelta(days=31)

# The phones of a booking are those of its contact: what was written on the booking need not be a
# number. Bookings are read once, by their index, and compared as sets.
POSSIBLE = """
    with settled as materialized (
      select e.id, e.contact_id, e.lead_email_normalized as email, e.scheduled_at, e.booked_at,
             e.pcf_submitted, nullif(lower(trim(e.lead_name)), '') as name
        from app.events e
       where e.organization_id = app.cur_org() and e.deleted_at is null and e.stands
         and e.scheduled_at >= :since),
    phoned as materialized (
      select s.id, s.email, s.scheduled_at, p.phone from settled s
        join (
          select c.id as contact_id, c.phone_e164 as phone from app.contacts c
           where c.organization_id = app.cur_org() and c.phone_e164 is not null
          union
          select k.contact_id, k.phone_e164 from app.contact_phones k
           where k.organization_id = app.cur_org() and k.phone_e164 is not null) p
          on p.contact_id = s.contact_id),
    alike as (
      select a.id as one, b.id as other, 'same e-mail' as reason
        from settled a join settled b on b.email = a.email and b.id > a.id
       where b.scheduled_at between a.scheduled_at - :within and a.scheduled_at + :within
      union
      select a.id, b.id, 'same name and start'
        from settled a join settled b on b.scheduled_at = a.scheduled_at and b.name = a.name
         and b.id > a.id
       where b.email is distinct from a.email
      union
      select a.id, b.id, 'same phone, another e-mail'
        from phoned a join phoned b on b.phone = a.phone and b.id > a.id
       where b.email is distinct from a.email
         and b.scheduled_at between a.scheduled_at - :within and a.scheduled_at + :within),
    pairs as (
      select l.one, l.other, string_agg(l.reason, '; ' order by l.reason) as reason
        from alike l
       where not exists (
         select from app.event_pairs p
          where p.organization_id = app.cur_org() and p.verdict <> 'open'
            and (p.event_id, p.other_id) in ((l.one, l.other), (l.other, l.one)))
       group by l.one, l.other),
    -- the one to keep has the form, else it was booked first
    sided as materialized (
      select case when is_first then p.one else p.other end as id,
             case when is_first then p.other else p.one end as other_id,
             case when is_first then a.scheduled_at else b.scheduled_at end as scheduled_at,
             p.reason, count(*) over () as pairs
        from pairs p
        join settled a on a.id = p.one
        join settled b on b.id = p.other
       cross join lateral (
         select (not a.pcf_submitted, a.booked_at, a.id)
                < (not b.pcf_submitted, b.booked_at, b.id) as is_first) f
       where cast(:event as uuid) is null or :event in (p.one, p.other)
       order by 3 desc, 1, 2
       limit :limit)
    select d.id, d.other_id, e.lead_name, e.lead_email, o.lead_name as other_name,
           o.lead_email as other_email, d.scheduled_at, o.scheduled_at as other_at,
           coalesce(c.name, e.closer_name) as closer, d.reason, d.pairs
      from sided d
      join app.events e on e.organization_id = app.cur_org() and e.id = d.id
      join app.events o on o.organization_id = app.cur_org() and o.id = d.other_id
      left join app.closers c on c.organization_id = app.cur_org() and c.id = e.closer_id
     order by d.scheduled_at desc, d.id, d.other_id
"""
DECIDED = """
    select x.verdict, x.decided_at, u.name as decided_by, kept.id, other.id as other_id,
           other.scheduled_at as other_at, other.lead_name as other_name,
           other.lead_email as other_email, coalesce(c.name, other.closer_name) as other_closer
      from app.event_pairs x
      join app.events one on one.organization_id = app.cur_org() and one.id = x.event_id
      join app.events two on two.organization_id = app.cur_org() and two.id = x.other_id
      join app.events kept on kept.organization_id = app.cur_org() and kept.id = :event
      join app.events other on other.organization_id = app.cur_org()
       and other.id = case when x.event_id = :event then x.other_id else x.event_id end
      left join app.closers c on c.organization_id = app.cur_org() and c.id = other.closer_id
      left join app.organization_members u on u.organization_id = app.cur_org()
       and u.user_id = x.decided_by
     where x.organization_id = app.cur_org() and :event in (x.event_id, x.other_id)
       and (x.verdict = 'different' or x.verdict = 'merged' and other.merged_into_id = kept.id)
     order by x.decided_at desc, other.id
"""


def possible_duplicates(
    db: Session, *, event_id: UUID | None = None, limit: int = 200
) -> pd.DataFrame:
    """Pairs of bookings of the last 31 days and ahead that may be one meeting and that nobody has
    decided on, latest first; of ``event_id`` alone where it is given. What was cancelled or moved
    is in none.

    They are of one e-mail address or of one phone under two addresses, within the organisation's
    hours of each other; or they begin together under one name. Columns: id (the one to keep: it has
    a form, else it was booked first), other_id, lead_name, lead_email, other_name, other_email,
    scheduled_at, other_at (UTC), closer, reason, and pairs, how many there are without ``limit``.
    """
    within = timedelta(hours=settings_of(db, BookingSettings).duplicate_hours)
    since = now() - LOOKED_BACK
    asked = {"since": since, "within": within, "event": event_id, "limit": limit}
    return fetched(db.execute(text(POSSIBLE), asked))


def decisions_on(db: Session, event_id: UUID) -> list[Row[Any]]:
    """What was decided of this booking and others, latest first: those that were merged into it,
    and those that are another meeting. Columns: verdict, decided_at, decided_by (name), id,
    other_id, other_at, other_name, other_email, other_closer.
    """
    return list(db.execute(text(DECIDED), {"event": event_id}))


def standing_for(db: Session, event_id: UUID) -> UUID | None:
    """The booking into which this one was merged, if it was and the caller may see it."""
    merged = text("""
        select k.id from app.events e
          join app.events k on k.organization_id = e.organization_id and k.id = e.merged_into_id
         where e.organization_id = app.cur_org() and e.id = :event and k.deleted_at is null
    """)
    return db.execute(merged, {"event": event_id}).scalar_one_or_none()


def merged_into(db: Session, event_id: UUID) -> list[UUID]:
    """The bookings that were merged into this one: their timeline is its own."""
    return list(db.scalars(select(Event.id).where(Event.merged_into_id == event_id)))
