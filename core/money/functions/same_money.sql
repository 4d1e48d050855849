-- Money that was entered by hand, most of it on a form, and that a processor has reported too is
-- one payment: the processor's record takes the entry's place. An entry has no connection; what a
-- processor reported has one.

-- The entries among these payments, each with the event that it is known to be of: a person's
-- choice, else its form's, also when the form was withdrawn.
create or replace function app.entered_payments(p_payments uuid[])
returns table (id uuid, is_known boolean, event_id uuid, scheduled_at timestamptz) language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  with known as (
    select p.id, p.chosen_at is not null or p.form_event_id is not null as is_known,
           case when p.chosen_at is not null then app.standing_event(p.chosen_event_id)
             else p.form_event_id end as event_id
      from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id
        and p.connection_id is null)
  select k.id, k.is_known, k.event_id, v.scheduled_at
    from known k left join app.events v on v.organization_id = app.cur_org() and v.id = k.event_id
$f$;

-- By which amounts these entries are known: their own, and what approved payouts have counted of
-- them, which a correction of the form does not make other money.
create or replace function app.amounts_of(p_entered uuid[])
returns table (id uuid, currency text, amount numeric) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select p.id, p.currency, p.amount from unnest(p_entered) wanted (id)
    join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id and p.amount > 0
  union
  select d.payment_id, d.currency, sum(d.amount) from unnest(p_entered) wanted (id)
    join app.payout_snapshot_details d on d.organization_id = app.cur_org()
      and d.payment_id = wanted.id and d.held_back is null
    join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
      and s.state <> 'draft'
   group by d.payment_id, d.currency having sum(d.amount) > 0
$f$;

-- The entries among these payments with each reported payment of the same customer, currency and
-- amount. Somebody is the same customer under any of their addresses and those of the event's
-- contact, or where both payments are of one event, wherever that was moved: a person put them on
-- it, or it was paid with.
create or replace function app.alike_payments(p_payments uuid[])
returns table (entered_id uuid, reported_id uuid) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  with entered as (
    select e.id, e.event_id, p.customer_email_normalized as email,
           v.lead_email_normalized as lead_email, v.contact_id,
           case when v.rescheduled_to_id is null then v.id
             else app.standing_event(v.id) end as stands
      from app.entered_payments(p_payments) e
      join app.payments p on p.organization_id = app.cur_org() and p.id = e.id
      left join app.events v on v.organization_id = app.cur_org() and v.id = e.event_id),
  amounts as (select w.* from app.amounts_of(array(select e.id from entered e)) w),
  named as (
    select e.id, e.email from entered e where e.email is not null
    union
    select e.id, e.lead_email from entered e where e.lead_email is not null),
  contacts as (
    select e.id, e.contact_id from entered e where e.contact_id is not null
    union
    select n.id, k.contact_id from named n
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.email_normalized = n.email),
  addresses as (
    select n.id, n.email from named n
    union
    select c.id, k.email_normalized from contacts c
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.contact_id = c.contact_id)
  select w.id, r.id from amounts w
    join addresses a on a.id = w.id
    join app.payments r on r.organization_id = app.cur_org()
     and r.customer_email_normalized = a.email
     and r.connection_id is not null and r.currency = w.currency and r.amount = w.amount
  union
  select e.id, r.id from entered e join amounts w on w.id = e.id
    cross join lateral app.events_standing_as(e.stands) moved
    join app.payments r on r.organization_id = app.cur_org() and r.chosen_event_id = moved.id
     and r.connection_id is not null and r.currency = w.currency and r.amount = w.amount
  union
  select e.id, r.id from entered e join amounts w on w.id = e.id
    cross join lateral app.events_standing_as(e.stands) moved
    join app.payments r on r.organization_id = app.cur_org() and r.booked_event_id = moved.id
     and r.connection_id is not null and r.currency = w.currency and r.amount = w.amount
$f$;

-- The other way round: the entries that may be alike one of these payments that a processor
-- reported.
create or replace function app.entered_payments_like(p_payments uuid[]) returns table (id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  with reported as (
    select p.currency, p.amount, p.customer_email_normalized as email, p.chosen_event_id,
           p.booked_event_id
      from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id
        and p.connection_id is not null),
  contacts as (
    select r.currency, r.amount, k.contact_id from reported r
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.email_normalized = r.email),
  addresses as (
    select r.currency, r.amount, r.email from reported r where r.email is not null
    union
    select c.currency, c.amount, k.email_normalized from contacts c
      join app.contact_emails k on k.organization_id = app.cur_org()
        and k.contact_id = c.contact_id),
  events as (
    select r.currency, r.amount, moved.id from reported r
      cross join lateral (values (r.chosen_event_id), (r.booked_event_id)) known (id)
      cross join lateral app.events_standing_as(app.standing_event(known.id)) moved
     where known.id is not null
    union
    select c.currency, c.amount, v.id from contacts c
      join app.events v on v.organization_id = app.cur_org() and v.contact_id = c.contact_id
    union
    select a.currency, a.amount, v.id from addresses a
      join app.events v on v.organization_id = app.cur_org() and v.lead_email_normalized = a.email),
  moved as (
    select e.id, app.standing_event(v.id) as stands from app.payments e
      join app.events v on v.organization_id = app.cur_org() and v.id = e.chosen_event_id
        and v.rescheduled_to_id is not null
     where e.organization_id = app.cur_org() and e.connection_id is null
       and e.chosen_event_id is not null),
  possible as (
    select e.id, a.currency, a.amount from addresses a
      join app.payments e on e.organization_id = app.cur_org()
        and e.customer_email_normalized = a.email and e.connection_id is null
    union
    select e.id, v.currency, v.amount from events v
      join app.payments e on e.organization_id = app.cur_org() and e.chosen_event_id = v.id
       and e.connection_id is null
    union
    select e.id, v.currency, v.amount from events v
      join app.payments e on e.organization_id = app.cur_org() and e.form_event_id = v.id
    union
    select m.id, v.currency, v.amount from events v join moved m on m.stands = v.id)
  select w.id from app.amounts_of(array(select distinct p.id from possible p)) w
    join possible p on p.id = w.id and p.currency = w.currency and p.amount = w.amount
$f$;

-- The best matching of one group of possible pairs: as many pairs as possible, and of those
-- matchings the one with the least distance altogether. The pairs come sorted, so that the answer
-- does not depend on what came first. Each round finds the shortest way from a free entry to a free
-- record, over pairs that are given up again, and turns all pairs on it round.
create or replace function app.best_pairs(p_entered uuid[], p_reported uuid[], p_distance numeric[])
returns table (entered_id uuid, reported_id uuid) language plpgsql immutable
set search_path = pg_catalog, pg_temp as $f$
declare
  from_entered int[] := array(select dense_rank() over (order by x.id)
    from unnest(p_entered) with ordinality x (id, place) order by x.place);
  to_reported int[] := array(select dense_rank() over (order by x.id)
    from unnest(p_reported) with ordinality x (id, place) order by x.place);
  -- of each record, the pair chosen for it
  taken_by int[] := array_fill(null::int, array[(select max(x) from unnest(to_reported) x)]);
  -- the same of each entry
  chosen int[] := array_fill(null::int, array[(select max(x) from unnest(from_entered) x)]);
  cost_entered numeric[];
  cost_reported numeric[];
  came_by int[];  -- of each record, the last pair of the shortest way to it
  improved boolean;
  cost numeric;
  pair int;
  place int;
begin
  loop
    cost_entered := array(select case when c.x is null then 0::numeric end
      from unnest(chosen) with ordinality c (x, n) order by c.n);
    cost_reported := array_fill(null::numeric, array[cardinality(taken_by)]);
    came_by := array_fill(null::int, array[cardinality(taken_by)]);
    improved := true;
    while improved loop
      improved := false;
      for pair in 1 .. cardinality(p_distance) loop
        place := to_reported[pair];
        cost := cost_entered[from_entered[pair]] + p_distance[pair];
        if cost < coalesce(cost_reported[place], 'Infinity')
          and taken_by[place] is distinct from pair then
          cost_reported[place] := cost;
          came_by[place] := pair;
          improved := true;
          if taken_by[place] is not null then
            cost_entered[from_entered[taken_by[place]]] := cost - p_distance[taken_by[place]];
          end if;
        end if;
      end loop;
    end loop;
    select c.n into place from unnest(cost_reported) with ordinality c (x, n)
     where c.x is not null and taken_by[c.n] is null order by c.x, c.n limit 1;
    exit when place is null;
    while place is not null loop
      pair := came_by[place];
      taken_by[place] := pair;
      place := to_reported[chosen[from_entered[pair]]];
      chosen[from_entered[pair]] := pair;
    end loop;
  end loop;
  return query select p_entered[c.x], p_reported[c.x] from unnest(chosen) c (x)
    where c.x is not null;
end $f$;

-- Which of these payments are the same money. What was decided comes first, the latest word on
-- either payment: by a person, or by a payout that counted the two as one, which a person's word on
-- what is no money does not part. Then those that are alike and near: within the organisation's
-- days of when the cash was entered, of the event or of the form's, whichever is nearest. Most have
-- one possible partner. Where several compete on both sides, the whole group is matched at its
-- best.
create or replace function app.same_money(p_payments uuid[])
returns table (entered_id uuid, reported_id uuid) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  with recursive paid as (
    select p.id, p.payment_date, p.processor_payment_id, p.connection_id, p.form_event_id
      from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id
       and p.status = 'succeeded' and p.deleted_at is null),
  decided as (
    select x.entered_id, x.reported_id from paid e
      join app.payment_pairs x on x.organization_id = app.cur_org() and x.entered_id = e.id
        and x.verdict in ('same', 'counted')
      join paid r on r.id = x.reported_id
     where e.connection_id is null and r.connection_id is not null and not exists (
       select 1 from app.payment_pairs o
         left join paid a on a.id = o.entered_id
         left join paid b on b.id = o.reported_id
        where o.organization_id = app.cur_org() and o.verdict in ('same', 'counted')
          and (o.entered_id = x.entered_id or o.reported_id = x.reported_id)
          and (o.decided_at, o.id) > (x.decided_at, x.id)
          and (x.verdict = 'same' or a.id is not null and b.id is not null))),
  possible as (
    select e.id as entered_id, r.id as reported_id, away.s as away,
           e.payment_date as entered_at, r.payment_date as reported_at,
           r.processor_payment_id as key,
           count(*) over (partition by e.id) > 1
             and count(*) over (partition by r.id) > 1 as is_contested
      from app.alike_payments(p_payments) a
      join paid e on e.id = a.entered_id
      join paid r on r.id = a.reported_id
      join app.entered_payments(p_payments) k on k.id = e.id
      join app.money_settings m on m.organization_id = app.cur_org()
      left join app.events f on f.organization_id = app.cur_org() and f.id = e.form_event_id
     cross join lateral (
       select least(
         abs(extract(epoch from r.payment_date - e.payment_date)),
         abs(extract(epoch from r.payment_date - k.scheduled_at)),
         abs(extract(epoch from r.payment_date - f.scheduled_at))) as s) away
     where away.s <= m.reconciliation_days * 86400
       and not exists (select 1 from decided s where s.entered_id = e.id)
       and not exists (select 1 from decided s where s.reported_id = r.id)
       and not exists (
         select 1 from app.payment_pairs x
          where x.organization_id = app.cur_org() and x.entered_id = e.id
            and x.reported_id = r.id and x.verdict = 'different')),
  links as (
    select p.entered_id as one, p.reported_id as other from possible p
    union all
    select p.reported_id, p.entered_id from possible p),
  reached as (
    select p.entered_id as origin, p.entered_id as id from possible p where p.is_contested
    union
    select r.origin, l.other from reached r join links l on l.one = r.id),
  groups as (select r.id, min(r.origin::text) as label from reached r group by r.id),
  ranked as (
    select p.*,
           row_number() over (partition by p.entered_id
             order by p.away, p.reported_at, p.key, p.reported_id) as of_entered,
           row_number() over (partition by p.reported_id
             order by p.away, p.entered_at, p.entered_id) as of_reported
      from possible p
     where not exists (select 1 from groups g where g.id = p.entered_id)),
  sorted as (
    select p.*, g.label,
           row_number() over (order by p.entered_at, p.entered_id, p.reported_at, p.key,
             p.reported_id) as place
      from possible p
      join groups g on g.id = p.entered_id),
  contested as (
    select array_agg(p.entered_id order by p.place) as entered,
           array_agg(p.reported_id order by p.place) as reported,
           array_agg(p.away order by p.place) as away
      from sorted p
     group by p.label)
  select s.entered_id, s.reported_id from decided s
  union all
  select r.entered_id, r.reported_id from ranked r where r.of_entered = 1 and r.of_reported = 1
  union all
  select b.entered_id, b.reported_id from contested c
    cross join lateral app.best_pairs(c.entered, c.reported, c.away) b
$f$;

-- What has to be looked at together with these payments: what may be the same money, what was taken
-- for it before, and the other payments of a membership.
create or replace function app.related_payments(p_payments uuid[]) returns table (id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  with paid as (
    select p.id, p.superseded_by_id, p.processor, p.membership_key
      from unnest(p_payments) wanted (id)
      join app.payments p on p.organization_id = app.cur_org() and p.id = wanted.id)
  select a.reported_id from app.alike_payments(p_payments) a
  union
  select e.id from app.entered_payments_like(p_payments) e
  union
  select o.id from paid p
    join app.payments o on o.organization_id = app.cur_org() and o.membership_key = p.membership_key
      and o.processor = p.processor
  union
  select p.superseded_by_id from paid p where p.superseded_by_id is not null
  union
  select o.id from paid p
    join app.payments o on o.organization_id = app.cur_org() and o.superseded_by_id = p.id
  union
  select x.reported_id from paid p
    join app.payment_pairs x on x.organization_id = app.cur_org() and x.entered_id = p.id
  union
  select x.entered_id from paid p
    join app.payment_pairs x on x.organization_id = app.cur_org() and x.reported_id = p.id
$f$;

-- What an approved payout has counted as one payment stays one, whatever is corrected afterwards,
-- until a person separates it. Where a person has called the two the same, their word is still
-- theirs.
create or replace function app.join_counted_pairs(p_snapshot uuid) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.payment_pairs as x (organization_id, entered_id, reported_id, verdict, decided_at,
    reason)
  select e.organization_id, e.id, e.superseded_by_id, 'counted', s.approved_at,
         'counted as one payment in ' || s.name
    from app.payout_snapshots s
    join app.payments e on e.organization_id = s.organization_id and e.connection_id is null
      and e.superseded_by_id is not null and e.deleted_at is null and e.status = 'succeeded'
   where s.organization_id = app.cur_org() and s.id = p_snapshot and s.state <> 'draft'
     and exists (
       select from app.payout_snapshot_details d
         join app.payout_snapshots a on a.organization_id = d.organization_id
           and a.id = d.snapshot_id and a.state <> 'draft'
        where d.organization_id = app.cur_org() and d.payment_id in (e.id, e.superseded_by_id)
          and d.held_back is null)
  on conflict (organization_id, entered_id, reported_id) do update
     set verdict = excluded.verdict,
       decided_at = case x.verdict when 'same' then x.decided_at else excluded.decided_at end,
       decided_by = case x.verdict when 'same' then x.decided_by end,
       reason = case x.verdict when 'same' then x.reason else excluded.reason end
   where x.verdict in ('open', 'same')
$f$;
grant execute on function app.join_counted_pairs to so_app, so_worker;
