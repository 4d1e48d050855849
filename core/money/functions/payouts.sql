-- Whether an approved payout has counted a payment: a rep may not see payouts, but must not change what was paid out.
create or replace function app.is_paid_out(p_payment uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (
    select 1 from app.payout_snapshot_details d
      join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
     where d.organization_id = app.cur_org() and d.payment_id = p_payment and s.state <> 'draft')
$f$;
grant execute on function app.is_paid_out to so_app, so_worker;
