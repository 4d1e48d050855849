-- Money that was paid with a booking, whatever its processor knows of that: the booking is known,
-- and where it was moved, so is the one that it was moved to.

-- The bookings of these payments, each with those that it was moved to. The last of them is the
-- payment's, unless it was cancelled or is deleted.
create or replace function app.booked_events(p_payments uuid[])
returns table (id uuid, event_id uuid, scheduled_at timestamptz, is_standing boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  with recursive booked as (
    select p.id, p.booked_event_id as event_id from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id
        and p.booked_event_id is not null
    union
    select b.id, v.rescheduled_to_id from booked b
      join app.events v on v.organization_id = app.cur_org() and v.id = b.event_id
        and v.rescheduled_to_id is not null)
  select b.id, v.id, v.scheduled_at, v.rescheduled_to_id is null and v.deleted_at is null
         and v.call_status not in ('canceled', 'rescheduled')
    from booked b join app.events v on v.organization_id = app.cur_org() and v.id = b.event_id
$f$;

-- The payments whose booking is one of these events, or was moved to it.
create or replace function app.payments_booked_with(p_events uuid[])
returns table (id uuid, event_id uuid) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  with recursive moved as (
    select wanted.id as event_id, wanted.id as origin from unnest(p_events) wanted (id)
     where wanted.id is not null
    union
    select m.event_id, v.id from moved m
      join app.events v on v.organization_id = app.cur_org() and v.rescheduled_to_id = m.origin)
  select p.id, m.event_id from moved m
    join app.payments p on p.organization_id = app.cur_org() and p.booked_event_id = m.origin
$f$;

-- What is found without anybody's word: the booking that was paid with, else by the e-mail rule.
create or replace function app.match_by_facts(p_payments uuid[])
returns table (id uuid, event_id uuid, method text, reason text) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select m.id, coalesce(b.event_id, m.event_id),
         case when b.id is null then m.method else 'booking' end,
         case when b.id is null then m.reason
           else format('paid with the booking of %s', app.written_moment(b.scheduled_at, o.timezone))
             end
    from app.match_by_email(p_payments) m
    join app.organizations o on o.id = app.cur_org()
    left join app.booked_events(p_payments) b on b.id = m.id and b.is_standing
$f$;
