-- Whose the money is: computed for any set of payments from the stored facts alone, whoever asks,
-- for the transaction's organisation. A person's action stores what they want (payments.chosen_*,
-- payment_pairs, contact_emails) and these functions follow it at once.

-- Where somebody who chose this booking stands now: a booking that was merged is the one that
-- stands for it, and one that was moved is the one that it was moved to, also when it was missed
-- before.
-- One that was held stays where it is.
create or replace function app.standing_event(p_event uuid) returns uuid language sql stable strict
security definer set search_path = pg_catalog, pg_temp as $f$
  with recursive moved as (
    select p_event as id, 0 as steps
    union all
    select n.id, m.steps + 1 from moved m
      join app.events v on v.organization_id = app.cur_org() and v.id = m.id
        and (v.merged_into_id is not null or v.call_status in ('rescheduled', 'no_show'))
      join app.events n on n.organization_id = app.cur_org()
        and n.id = coalesce(v.merged_into_id, v.rescheduled_to_id)
        and (n.deleted_at is null or n.merged_into_id is not null)
  ) cycle id set is_again using way
  select m.id from moved m where not m.is_again order by m.steps desc limit 1
$f$;

-- The other way round: this booking and those that were moved to it or merged into it.
create or replace function app.events_standing_as(p_event uuid) returns table (id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  with recursive moved as (
    select p_event as id
    union
    select before.id from moved m
      join app.events n on n.organization_id = app.cur_org() and n.id = m.id
        and (n.deleted_at is null or n.merged_into_id is not null)
     cross join lateral (
       select v.id from app.events v
        where v.organization_id = app.cur_org() and v.rescheduled_to_id = n.id
          and v.merged_into_id is null and v.call_status in ('rescheduled', 'no_show')
       union all
       select v.id from app.events v
        where v.organization_id = app.cur_org() and v.merged_into_id = n.id) before)
  select m.id from moved m
$f$;

-- How an instant is written in a reason.
create or replace function app.written_moment(p_at timestamptz, p_zone text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $f$
  select to_char(p_at at time zone p_zone, 'FMDD Mon, HH24:MI')
$f$;

-- The e-mail rule: the customer's latest event at or before the payment; where the organisation
-- allows it, else the nearest later one. A no-show counts only when there is no other. Without an
-- event the reason says what was looked at and what to do.
create or replace function app.match_by_email(p_payments uuid[])
returns table (id uuid, event_id uuid, method text, reason text) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  with paid as (
    select p.id, p.customer_email_normalized as email, p.payment_date, o.timezone as zone,
           p.payment_date
             + make_interval(hours => 24 * coalesce(m.forward_attribution_days, 0)) as until
      from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id
      join app.organizations o on o.id = p.organization_id
      join app.money_settings m on m.organization_id = p.organization_id),
  customers as (select distinct p.email from paid p where p.email is not null),
  contacts as (
    select c.email, k.contact_id from customers c
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.email_normalized = c.email),
  addresses as (
    select c.email, c.email as address from customers c
    union
    select c.email, k.email_normalized from contacts c
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.contact_id = c.contact_id),
  -- Of a meeting that was booked twice the booking that stays is also of the other's address.
  merged as materialized (
    select x.lead_email_normalized as address, x.contact_id, x.merged_into_id from app.events x
     where x.organization_id = app.cur_org() and x.merged_into_id is not null),
  theirs as (
    select a.email, v.id, v.scheduled_at, v.call_status, v.stands from addresses a
      join app.events v on v.organization_id = app.cur_org() and v.lead_email_normalized = a.address
        and v.deleted_at is null
    union
    select c.email, v.id, v.scheduled_at, v.call_status, v.stands from contacts c
      join app.events v on v.organization_id = app.cur_org() and v.contact_id = c.contact_id
        and v.deleted_at is null
    union
    select x.email, v.id, v.scheduled_at, v.call_status, v.stands from (
        select a.email, x.merged_into_id from addresses a join merged x on x.address = a.address
        union
        select c.email, x.merged_into_id from contacts c
          join merged x on x.contact_id = c.contact_id) x
      join app.events v on v.organization_id = app.cur_org() and v.id = x.merged_into_id
        and v.deleted_at is null),
  matched as (
    select distinct on (p.id) p.id, v.id as event_id, v.scheduled_at,
           v.scheduled_at > p.payment_date as is_later
      from paid p join theirs v on v.email = p.email and v.scheduled_at <= p.until
     where v.stands
     order by p.id, v.scheduled_at > p.payment_date, v.call_status = 'no_show',
              abs(extract(epoch from v.scheduled_at - p.payment_date)), v.id desc),
  near as (
    select p.id,
           min(v.scheduled_at) filter (where v.stands) as later,
           max(v.scheduled_at) filter (where not v.stands) as gone
      from paid p join theirs v on v.email = p.email
     where not exists (select 1 from matched m where m.id = p.id)
     group by p.id)
  select p.id, m.event_id,
         case when m.id is null then 'none' when m.is_later then 'later_call' else 'email' end,
         case
           when p.email is null
             then 'the payment carries no e-mail address; choose its booking yourself'
           when m.is_later
             then format('matched %s to the later booking of %s', p.email,
               app.written_moment(m.scheduled_at, p.zone))
           when m.id is not null
             then format('matched %s to the booking of %s', p.email,
               app.written_moment(m.scheduled_at, p.zone))
           else format('no booking of %s at or before the payment; ', p.email) || case
             when n.later is not null
               then format('the next one is of %s: choose it if the money is for it',
                 app.written_moment(n.later, p.zone))
             when n.gone is not null
               then format('the one of %s was cancelled or moved: choose a booking yourself',
                 app.written_moment(n.gone, p.zone))
             else 'nobody has booked with this address: choose the booking of whoever paid, and'
               ' say that the address is theirs' end end
    from paid p
    left join matched m on m.id = p.id
    left join near n on n.id = p.id
$f$;

-- Attribution: event, people, method and reason of these payments, which entries by hand a
-- processor's record takes the place of, and all that follows from it for other payments. A
-- person's latest choice, of either, goes before the form's event, also for the processor's record
-- that takes a form's place; that before the payment of the membership that was chosen last before
-- it, else the first, and that before the e-mail rule. The record that takes a form's place is of
-- the package and type that the form names, unless it names a package itself. Of records that
-- processors reported, the ledger alone says which stands for which.
create or replace function app.attribute_payments(p_payments uuid[]) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  scope uuid[] := p_payments;
  added uuid[] := p_payments;
  zone text := (select o.timezone from app.organizations o where o.id = app.cur_org());
begin
  perform app.lock_books(app.cur_org());
  while added is not null loop
    select array_agg(r.id) into added
      from (select r.id from app.related_payments(added) r except select unnest(scope)) r;
    scope := scope || added;
  end loop;
  with paid as materialized (
    select p.* from (select distinct unnest(scope) as id) wanted
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id),
  pairs as materialized (select * from app.same_money(scope)),
  entered as materialized (select * from app.entered_payments(scope)),
  mail as materialized (select * from app.match_by_facts(scope)),
  known as materialized (
    select p.id, p.processor, p.membership_key, p.payment_date,
           w.id is not null as is_chosen,
           w.id is not null or coalesce(e.is_known, false) or m.method = 'booking' as is_known,
           case when w.id is not null then app.standing_event(w.chosen_event_id)
             when e.is_known then e.event_id
             else m.event_id end as event_id,
           case when w.id is not null then 'manual'
             when e.is_known then 'form'
             else m.method end as method,
           case
             when w.id is not null then concat(
               case when w.id <> p.id then 'the same money as an entry that was ' end,
               'chosen by ', u.name || ': ', w.chosen_reason,
               (select '; that booking was moved to ' || app.written_moment(v.scheduled_at, zone)
                  from app.events v
                 where v.organization_id = app.cur_org()
                   and v.id = app.standing_event(w.chosen_event_id)
                   and v.id <> w.chosen_event_id))
             when e.id <> p.id and e.is_known then
               format('the same money was entered on the form of the booking of %s',
                 app.written_moment(e.scheduled_at, zone))
             when e.is_known then
               format('entered on the form of the booking of %s',
                 app.written_moment(e.scheduled_at, zone))
             else m.reason end as reason,
           p.status = 'succeeded' and p.deleted_at is null and p.membership_key is not null
             as is_paid,
           row_number() over (partition by p.processor, p.membership_key
             order by p.payment_date, p.processor_payment_id, p.id) as place
      from paid p
      join mail m on m.id = p.id
      left join pairs x on x.reported_id = p.id
      left join entered e on e.id = coalesce(x.entered_id, p.id)
      left join paid t on t.id = x.entered_id
      left join paid w on w.chosen_at is not null
       and w.id = case when p.chosen_at >= coalesce(t.chosen_at, '-infinity') then p.id
                    else x.entered_id end
      left join app.users u on u.id = w.chosen_by),
  placed as (
    select k.*,
           min(k.place) filter (where k.is_paid) over membership as first_place,
           max(k.place) filter (where k.is_paid and k.is_chosen) over before_it as chosen_place
      from known k
    window membership as (partition by k.processor, k.membership_key),
           before_it as (membership order by k.place
             rows between unbounded preceding and 1 preceding)),
  settled as (
    select k.id,
           case when f.id is null then k.event_id else f.event_id end as event_id,
           case when f.id is null then k.method else 'membership' end as method,
           case when f.id is null then k.reason
             else concat(
               'follows the ',
               case when f.place = f.first_place then 'first payment, of ' else 'payment of ' end,
               app.written_moment(f.payment_date, zone),
               case when f.event_id is null then ', which belongs to no booking' end) end as reason
      from placed k
      left join placed f on f.processor = k.processor and f.membership_key = k.membership_key
       and f.place = coalesce(k.chosen_place, k.first_place) and f.id <> k.id
       and not k.is_known and (f.is_known or f.event_id is not null)),
  final as (
    select s.*, v.closer_id, v.setter_id, v.source_id, v.traffic_type_id, v.call_type_id,
           case when o.connection_id is null then x.reported_id
             else o.superseded_by_id end as superseded_by_id,
           coalesce(o.named_package_id, e.named_package_id) as package_id,
           case when o.connection_id is null then o.payment_type
             else e.payment_type end as payment_type
      from settled s
      join paid o on o.id = s.id
      left join pairs x on x.entered_id = s.id
      left join pairs y on y.reported_id = s.id
      left join paid e on e.id = y.entered_id
      left join app.events v on v.organization_id = app.cur_org() and v.id = s.event_id)
  update app.payments p set
    event_id = n.event_id,
    attribution_method = n.method, attribution_reason = n.reason,
    superseded_by_id = n.superseded_by_id,
    closer_id = n.closer_id, setter_id = n.setter_id, source_id = n.source_id,
    traffic_type_id = n.traffic_type_id, call_type_id = n.call_type_id,
    package_id = n.package_id, payment_type = n.payment_type,
    attributed_at = case
      when (p.event_id, p.attribution_reason, p.closer_id, p.setter_id, p.source_id, p.package_id)
           is distinct from
           (n.event_id, n.reason, n.closer_id, n.setter_id, n.source_id, n.package_id)
        then clock_timestamp()
      else p.attributed_at end
    from final n
   where p.organization_id = app.cur_org() and p.id = n.id
     and (p.event_id, p.attribution_method, p.attribution_reason, p.superseded_by_id,
          p.closer_id, p.setter_id, p.source_id, p.traffic_type_id, p.call_type_id,
          p.package_id, p.payment_type)
         is distinct from
         (n.event_id, n.method, n.reason, n.superseded_by_id,
          n.closer_id, n.setter_id, n.source_id, n.traffic_type_id, n.call_type_id,
          n.package_id, n.payment_type);
end $f$;
grant execute on function app.attribute_payments to so_app, so_worker;

-- The same for every payment that these events may concern: those that stand on them, and all of
-- their customers'.
create or replace function app.attribute_events(p_events uuid[]) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.lock_books(app.cur_org());
  perform app.attribute_payments(array(
    with events as (
      select v.id, v.lead_email_normalized as email, v.contact_id from unnest(p_events) wanted (id)
        join app.events v on v.organization_id = app.cur_org() and v.id = wanted.id),
    contacts as (
      select v.contact_id from events v where v.contact_id is not null
      union
      select k.contact_id from events v
        join app.contact_emails k on k.organization_id = app.cur_org()
          and k.email_normalized = v.email),
    addresses as (
      select v.email from events v where v.email is not null
      union
      select k.email_normalized from contacts c
        join app.contact_emails k on k.organization_id = app.cur_org()
          and k.contact_id = c.contact_id)
    select p.id from addresses a
      join app.payments p on p.organization_id = app.cur_org()
        and p.customer_email_normalized = a.email
    union
    select p.id from events v
      join app.payments p on p.organization_id = app.cur_org() and p.event_id = v.id
    union
    select p.id from events v
      cross join lateral app.events_standing_as(v.id) moved
      join app.payments p on p.organization_id = app.cur_org() and p.chosen_event_id = moved.id
    union
    select p.id from events v
      cross join lateral app.events_standing_as(v.id) moved
      join app.payments p on p.organization_id = app.cur_org() and p.booked_event_id = moved.id
    union
    select p.id from events v join app.payments p on p.organization_id = app.cur_org()
      and p.form_event_id = v.id));
end $f$;
grant execute on function app.attribute_events to so_app, so_worker;

-- All payments of the organisation.
create or replace function app.attribute_all() returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  select app.attribute_payments(array(select p.id from app.payments p
    where p.organization_id = app.cur_org()))
$f$;
grant execute on function app.attribute_all to so_app, so_worker;

-- From now on the payment's address is also one of the event's contact, and all that either of them
-- paid or booked is looked at again. Whoever had it as their first address has another of theirs
-- instead, or none. False when there is no address or no contact. Managers who see their team only
-- decide this too, without reading whose it was.
create or replace function app.adopt_address(p_payment uuid, p_event uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  paid record;
  contacts uuid[];
begin
  if app.cur_role() not in ('system', 'super_admin', 'owner', 'admin', 'manager') then
    raise insufficient_privilege using message = 'only managers decide whose an address is';
  end if;
  perform app.lock_books(app.cur_org());
  select p.customer_email as email, p.customer_email_normalized as normalized,
         coalesce(v.contact_id, k.contact_id) as contact_id into paid
    from app.payments p
    join app.events v on v.organization_id = p.organization_id and v.id = p_event
    left join app.contact_emails k on k.organization_id = p.organization_id
      and k.email_normalized = v.lead_email_normalized
   where p.organization_id = app.cur_org() and p.id = p_payment;
  if paid.normalized is null or paid.contact_id is null then
    return false;
  end if;
  select paid.contact_id || array_agg(k.contact_id) into contacts from app.contact_emails k
   where k.organization_id = app.cur_org() and k.email_normalized = paid.normalized;
  insert into app.contact_emails as k (organization_id, contact_id, email, email_normalized)
  values (app.cur_org(), paid.contact_id, paid.email, paid.normalized)
  on conflict (organization_id, email_normalized) do update set contact_id = excluded.contact_id;
  update app.contacts c set (email, email_normalized) = (
      select k.email, k.email_normalized from app.contact_emails k
       where k.organization_id = c.organization_id and k.contact_id = c.id and k.email <> '…'
       order by k.email limit 1)
   where c.organization_id = app.cur_org() and c.id = any (contacts) and c.id <> paid.contact_id
     and c.email_normalized = paid.normalized;
  perform app.attribute_contacts(contacts, array[paid.normalized]);
  return true;
end $f$;
grant execute on function app.adopt_address to so_app, so_worker;

-- Every payment of these contacts and of their events, and of these addresses, which may have been
-- theirs.
create or replace function app.attribute_contacts(p_contacts uuid[], p_addresses text[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  addresses text[] := array(
    select k.email_normalized from app.contact_emails k
     where k.organization_id = app.cur_org() and k.contact_id = any (p_contacts)
    union
    select a.address from unnest(p_addresses) a (address));
begin
  perform app.attribute_payments(array(
    select p.id from app.payments p where p.organization_id = app.cur_org()
      and p.customer_email_normalized = any (addresses)));
  perform app.attribute_events(array(
    select v.id from app.events v where v.organization_id = app.cur_org()
      and v.contact_id = any (p_contacts)
    union
    select v.id from app.events v where v.organization_id = app.cur_org()
      and v.lead_email_normalized = any (addresses)));
end $f$;
grant execute on function app.attribute_contacts to so_app, so_worker;
