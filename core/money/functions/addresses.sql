-- Whether somebody has paid or booked under the address. Reps are asked this of addresses whose
-- payments and bookings they may not see.
create or replace function app.is_paid_or_booked(p_normalized text) returns boolean language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.payments p where p.organization_id = app.cur_org()
                   and p.customer_email_normalized = p_normalized)
    or exists (select 1 from app.events v where v.organization_id = app.cur_org()
                 and v.lead_email_normalized = p_normalized)
$f$;
