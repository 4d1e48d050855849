-- What is true of payments by now, as a payout that ends at p_ends_at sees it. These functions are
-- inlined into the statement that asks, so they have no setting of their own; they run with the
-- rights of whoever asks.

-- What went back before that moment, each by the record that stands for its payment.
create or replace function app.returned_before(p_ends_at timestamptz)
returns table (payment_id uuid, refund_id uuid, kind text, amount numeric, refunded_at timestamptz)
language sql stable as $f$
  select coalesce(p.superseded_by_id, p.id), r.id, r.kind, r.amount, r.refunded_at
    from app.counting_refunds(array(
      select x.payment_id from app.refunds x where x.organization_id = app.cur_org())) r
    join app.payments p on p.organization_id = app.cur_org() and p.id = r.payment_id
   where r.refunded_at < p_ends_at and r.amount <> 0
     and p.status = 'succeeded' and p.deleted_at is null
$f$;
grant execute on function app.returned_before to so_app, so_worker;

-- The payments that count and those that a payout has counted: what each is worth, whose it is,
-- and where it was counted. Payments that were settled before p_starts_at, on their date or when
-- they first succeeded after that, were so before there were payouts, and are left out; but not one
-- that stands for an entry of the same money, of later, that a payout has counted. Names are those
-- of the roster; only for people who are not on it their bookings are looked at.
create or replace function app.payments_by_now(
  p_starts_at timestamptz, p_ends_at timestamptz, p_through date)
returns table (
  id uuid, status text, currency text, amount numeric, went_back numeric, went_back_ids uuid[],
  payment_date timestamptz, updated_at timestamptz, attributed_at timestamptz,
  deleted_at timestamptz, superseded_by_id uuid, is_live boolean, is_before_start boolean,
  customer_email text, customer_name text, processor text, processor_payment_id text,
  event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text,
  attribution_method text, attribution_reason text,
  lines uuid[], counted_in text, counted_date timestamptz, taken_out_in text,
  stood_lines uuid[], stood_in text, stood_date timestamptz, replaced_at timestamptz)
language sql stable as $f$
  with counted as materialized (select * from app.counted_payments(p_through)),
  -- an earlier record of the same money that this one stands for
  stood as materialized (
    select p.superseded_by_id as payment_id, array_agg(line order by line) as lines,
           min(l.counted_in) as counted_in, min(p.payment_date) as payment_date,
           max(p.updated_at) as replaced_at,
           bool_or(greatest(p.payment_date, p.settled_at) >= p_starts_at) as is_in_scope
      from counted l
      join app.payments p on p.organization_id = app.cur_org() and p.id = l.payment_id
     cross join unnest(l.lines) as line
     where p.superseded_by_id is not null
     group by p.superseded_by_id),
  returned as materialized (
    select r.payment_id, sum(r.amount) as amount,
           array_agg(r.refund_id order by r.refunded_at, r.refund_id) as ids
      from app.returned_before(p_ends_at) r
     group by r.payment_id)
  select p.id, p.status, p.currency, p.amount, coalesce(r.amount, 0), coalesce(r.ids, '{}'),
         p.payment_date, p.updated_at, p.attributed_at,
         p.deleted_at, p.superseded_by_id,
         p.counts and p.payment_date < p_ends_at and scope.is_in, not scope.is_in,
         p.customer_email, p.customer_name, p.processor, p.processor_payment_id,
         p.event_id,
         p.closer_id,
         coalesce(c.name, (
           select e.closer_name from app.events e
            where e.organization_id = p.organization_id and e.id = p.event_id)),
         p.setter_id,
         coalesce(s.name, (
           select e.setter_name from app.events e
            where e.organization_id = p.organization_id and e.id = p.event_id)),
         p.source_id, o.name, p.package_id, k.name,
         p.attribution_method, p.attribution_reason,
         l.lines, l.counted_in, l.counted_date, l.taken_out_in,
         f.lines, f.counted_in, f.payment_date, f.replaced_at
    from app.payments p
    left join counted l on l.payment_id = p.id
    left join stood f on f.payment_id = p.id
    left join returned r on r.payment_id = p.id
    left join app.closers c on c.organization_id = p.organization_id and c.id = p.closer_id
    left join app.setters s on s.organization_id = p.organization_id and s.id = p.setter_id
    left join app.sources o on o.organization_id = p.organization_id and o.id = p.source_id
    left join app.packages k on k.organization_id = p.organization_id and k.id = p.package_id
   cross join lateral (
     select greatest(p.payment_date, p.settled_at) >= p_starts_at
            or coalesce(f.is_in_scope, false) as is_in) scope
   where p.organization_id = app.cur_org()
     and (p.counts and scope.is_in and p.payment_date < p_ends_at or l.payment_id is not null)
$f$;
grant execute on function app.payments_by_now to so_app, so_worker;
