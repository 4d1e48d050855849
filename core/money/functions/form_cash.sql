-- The cash that the form of an event says is one payment, however often the form is corrected, or
-- withdrawn and filed again, and whoever may see that payment: whom it belongs to may have been
-- decided otherwise. It is of the day on which the form first reported any; that day and all that
-- was decided about it stay. Attribution follows when the form has settled how its event stands.
create or replace function app.record_form_cash() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  insert into app.payments as p (
    organization_id, form_event_id, pcf_id, processor,
    amount, currency, payment_date, payment_type, named_package_id,
    customer_email, customer_email_normalized, customer_name, deleted_at)
  select
    new.organization_id, new.event_id, new.id, 'manual',
    coalesce(new.cash_collected, 0), coalesce(new.currency, known.currency),
    case tg_op when 'INSERT' then new.submitted_at else now() end,
    new.payment_type, new.package_id,
    v.lead_email, v.lead_email_normalized, v.lead_name,
    case when coalesce(new.cash_collected, 0) = 0 then coalesce(known.deleted_at, now()) end
    from app.events v
    left join app.payments known on known.organization_id = new.organization_id
     and known.form_event_id = new.event_id
   where v.organization_id = new.organization_id and v.id = new.event_id
     and (new.cash_collected > 0 or known.id is not null)
  on conflict (organization_id, form_event_id) do update set
    pcf_id = excluded.pcf_id,
    amount = excluded.amount, currency = excluded.currency,
    payment_type = excluded.payment_type, named_package_id = excluded.named_package_id,
    customer_email = excluded.customer_email,
    customer_email_normalized = excluded.customer_email_normalized,
    customer_name = excluded.customer_name, deleted_at = excluded.deleted_at;
  return null;
end $f$;
grant execute on function app.record_form_cash to so_owner;

-- A form that is withdrawn leaves its payment behind, which no longer counts until the event has a
-- form again.
create or replace function app.withdraw_form_cash() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  cash uuid;
begin
  update app.payments p set pcf_id = null, deleted_at = coalesce(p.deleted_at, now())
   where p.organization_id = old.organization_id and p.pcf_id = old.id returning p.id into cash;
  if cash is not null then
    perform app.attribute_payments(array[cash]);
  end if;
  return old;
end $f$;
grant execute on function app.withdraw_form_cash to so_owner;

-- The cash that was entered on the forms of these two bookings changes places, as the forms do when
-- the bookings are merged or that is undone, whoever may see the payments.
create or replace function app.swap_form_cash(p_event uuid, p_other uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  mine uuid := (select p.id from app.payments p
                 where p.organization_id = app.cur_org() and p.form_event_id = p_event);
begin
  if app.cur_role() not in ('system', 'super_admin', 'owner', 'admin', 'manager') then
    raise insufficient_privilege using message = 'only managers merge bookings';
  end if;
  perform app.lock_books(app.cur_org());
  update app.payments p set form_event_id = null
   where p.organization_id = app.cur_org() and p.id = mine;
  update app.payments p set form_event_id = p_event
   where p.organization_id = app.cur_org() and p.form_event_id = p_other;
  update app.payments p set form_event_id = p_other
   where p.organization_id = app.cur_org() and p.id = mine;
end $f$;
grant execute on function app.swap_form_cash to so_app, so_worker;

-- The cash of the form that this booking has stops counting, since the form of the booking that
-- stands for it does, or counts again. True where there was any to change.
create or replace function app.set_form_cash_aside(p_event uuid, p_aside boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if app.cur_role() not in ('system', 'super_admin', 'owner', 'admin', 'manager') then
    raise insufficient_privilege using message = 'only managers merge bookings';
  end if;
  perform app.lock_books(app.cur_org());
  update app.payments p set deleted_at = case when p_aside then now() end
   where p.organization_id = app.cur_org() and p.form_event_id = p_event
     and p.pcf_id is not null and (p.deleted_at is null) = p_aside;
  return found;
end $f$;
grant execute on function app.set_form_cash_aside to so_app, so_worker;
