-- The name of the first payout that was approved after this booking was merged into another one and
-- that counts payments of the two, also for managers who read no payouts; null where there is none.
create or replace function app.payout_since_merge(p_event uuid) returns text language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select s.name from app.events v
    join app.event_pairs x on x.organization_id = v.organization_id and x.verdict = 'merged'
     and (x.event_id, x.other_id) = (v.merged_into_id, v.id)
    join app.payments p on p.organization_id = v.organization_id
     and (p.event_id = v.merged_into_id or p.form_event_id = v.id)
    join app.payout_snapshot_details d on d.organization_id = p.organization_id
     and d.payment_id = p.id and d.held_back is null
    join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
     and s.state <> 'draft' and s.approved_at >= x.decided_at
   where v.organization_id = app.cur_org() and v.id = p_event
   order by s.approved_at limit 1
$f$;
grant execute on function app.payout_since_merge to so_app, so_worker;
