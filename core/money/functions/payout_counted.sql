-- What approved payouts have counted so far. These functions are inlined into the statement that
-- asks, so they have no setting of their own; they run with the rights of whoever asks.

-- The lines of approved payouts whose periods end by p_through; not those that were held back.
create or replace function app.counted_lines(p_through date)
returns table (
  id uuid, payout text, period_start date, payment_id uuid, payment_date timestamptz,
  reason_code text, currency text, amount numeric, refund_amount numeric, refund_ids uuid[],
  event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text)
language sql stable as $f$
  select d.id, s.name, s.period_start, d.payment_id, d.payment_date,
         d.reason_code, d.currency, d.amount, d.refund_amount, d.refund_ids,
         d.event_id,
         d.closer_id, d.closer_name, d.setter_id, d.setter_name,
         d.source_id, d.source_name, d.package_id, d.package_name
    from app.payout_snapshot_details d
    join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
   where s.state <> 'draft' and s.period_end <= p_through and d.held_back is null
$f$;
grant execute on function app.counted_lines to so_app, so_worker;

-- What stands of each payment for the people that it was counted for, in each currency.
create or replace function app.counted_for_people(p_through date)
returns table (
  payment_id uuid, currency text, cash numeric, refunds numeric, lines uuid[], event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text)
language sql stable as $f$
  select l.payment_id, l.currency, sum(l.amount), sum(l.refund_amount),
         array_agg(l.id order by l.period_start, l.id), max(l.event_id::text)::uuid,
         l.closer_id, max(l.closer_name), l.setter_id, max(l.setter_name),
         l.source_id, max(l.source_name), l.package_id, max(l.package_name)
    from app.counted_lines(p_through) l
   group by l.payment_id, l.currency, l.closer_id, l.setter_id, l.source_id, l.package_id
  having sum(l.amount) <> 0 or sum(l.refund_amount) <> 0
$f$;
grant execute on function app.counted_for_people to so_app, so_worker;

-- The lines of each payment; in which payout, and under which date, it was counted last, and in
-- which it was last taken out.
create or replace function app.counted_payments(p_through date)
returns table (
  payment_id uuid, lines uuid[], counted_in text, counted_date timestamptz, taken_out_in text)
language sql stable as $f$
  select l.payment_id, array_agg(l.id order by l.period_start, l.id),
         (array_agg(l.payout order by l.period_start desc, l.id) filter (where w.adds_cash))[1],
         (array_agg(l.payment_date order by l.period_start desc, l.id)
           filter (where w.adds_cash))[1],
         (array_agg(l.payout order by l.period_start desc, l.id)
           filter (where w.takes_cash_out))[1]
    from app.counted_lines(p_through) l
   cross join lateral (
     select l.amount > 0 and l.reason_code = any (app.cash_reasons()) as adds_cash,
            l.amount < 0 and l.reason_code <> 'credited' as takes_cash_out) w
   group by l.payment_id
$f$;
grant execute on function app.counted_payments to so_app, so_worker;

-- The refunds that were counted, each with the payout and the reason of its last line.
create or replace function app.counted_refunds(p_through date)
returns table (payment_id uuid, refund_id uuid, counted_in text, counted_as text)
language sql stable as $f$
  select l.payment_id, r.refund_id,
         (array_agg(l.payout order by l.period_start desc, l.id))[1],
         (array_agg(l.reason_code order by l.period_start desc, l.id))[1]
    from app.counted_lines(p_through) l
   cross join unnest(l.refund_ids) as r (refund_id)
   group by l.payment_id, r.refund_id
$f$;
grant execute on function app.counted_refunds to so_app, so_worker;

-- What the last of these payouts left out: of which money, for which reason, and for a refund
-- which. A payment that is held back is late when it comes again.
create or replace function app.held_before(p_through date)
returns table (money_id uuid, reason_code text, refund_id uuid, payout text)
language sql stable as $f$
  select coalesce(p.superseded_by_id, p.id), c.code, r.refund_id, min(s.name)
    from app.payout_snapshot_details d
    join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
    join app.payments p on p.organization_id = d.organization_id and p.id = d.payment_id
   cross join lateral (
     select case when d.reason_code = any (app.payment_reasons()) then 'late'
              else d.reason_code end as code) c
    left join unnest(d.refund_ids) as r (refund_id) on c.code = any (app.return_reasons())
   where d.held_back is not null and s.state <> 'draft'
     and s.period_end = (select max(x.period_end) from app.payout_snapshots x
                          where x.state <> 'draft' and x.period_end <= p_through)
   group by 1, 2, 3
$f$;
grant execute on function app.held_before to so_app, so_worker;
