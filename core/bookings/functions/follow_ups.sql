-- Whether the person of this booking has a later one that stands, with whichever closer: a rep
-- reads only their own, and learns of another's nothing but that there is one.
create or replace function app.booked_again(p_event uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (
    select 1 from app.events v
      join app.events later on later.organization_id = app.cur_org()
       and (later.contact_id = v.contact_id
            or later.lead_email_normalized = v.lead_email_normalized)
       and later.scheduled_at > v.scheduled_at and later.stands and later.deleted_at is null
     where v.organization_id = app.cur_org() and v.id = p_event)
$f$;
grant execute on function app.booked_again(uuid) to so_app, so_worker;
