-- What is found without anybody's word: the booking that the money was paid with, wherever that was
-- moved, unless it was cancelled or is deleted; else what the e-mail rule finds.
create or replace function app.match_by_facts(p_payments uuid[])
returns table (id uuid, event_id uuid, method text, reason text) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select m.id, coalesce(b.id, m.event_id), case when b.id is null then m.method else 'booking' end,
         case when b.id is null then m.reason
           else format('paid with the booking of %s',
             app.written_moment(b.scheduled_at, o.timezone)) end
    from app.match_by_email(p_payments) m
    join app.organizations o on o.id = app.cur_org()
    join app.payments p on p.organization_id = app.cur_org() and p.id = m.id
    left join app.events b on b.organization_id = app.cur_org()
     and b.id = app.standing_event(p.booked_event_id) and b.deleted_at is null
     and b.stands
$f$;
