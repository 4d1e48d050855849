-- What has gone back of these payments: their refunds and lost disputes that did not fail, each
-- with what of it counts. No more than a payment's amount can have gone back: the earlier one
-- counts first, so that a refund and a lost dispute of the same money take it off once.
create or replace function app.counting_refunds(p_payments uuid[])
returns table (id uuid, payment_id uuid, kind text, amount numeric, refunded_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $f$
  select r.id, r.payment_id, r.kind,
         least(r.amount, greatest(0, p.amount - coalesce(sum(r.amount) over earlier, 0))),
         r.refunded_at
    from app.refunds r
    join app.payments p on p.organization_id = r.organization_id and p.id = r.payment_id
   where r.organization_id = app.cur_org() and r.payment_id = any (p_payments)
     and r.counts
  window earlier as (partition by r.payment_id order by r.refunded_at, r.id
                     rows between unbounded preceding and 1 preceding)
$f$;
grant execute on function app.counting_refunds to so_app, so_worker;
