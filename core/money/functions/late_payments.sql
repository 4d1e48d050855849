-- Why a payment of earlier days is in this payout and in none before, in words: when it came in, or
-- became known, or what it was taken for until then. It is asked for such payments only, so it is
-- planned for one of them.
create or replace function app.late_in_words(p_payment uuid, p_zone text, p_ends_at timestamptz)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp set enable_nestloop = on
as $f$
declare
  paid record;
  passed record;  -- the last payout that would have counted it
  joined record;  -- the one that counted another record of the same money in its place
begin
  select p.payment_date, p.settled_at, p.created_at,
         case when p.connection_id is null then 'entered' else 'reported' end as known into paid
    from app.payments p where p.organization_id = app.cur_org() and p.id = p_payment;
  select s.name, s.approved_at into passed
    from app.payout_snapshots s
   cross join lateral (select s.period_end::timestamp at time zone s.timezone as ends_at) p
   where s.organization_id = app.cur_org() and s.state <> 'draft'
     and p.ends_at > paid.payment_date and p.ends_at <= p_ends_at
   order by s.period_end desc limit 1;
  select s.name, o.payment_date into joined
    from app.payment_pairs x
    join app.payments o on o.organization_id = x.organization_id
     and o.id in (x.entered_id, x.reported_id) and o.id <> p_payment
    join app.payout_snapshot_details d on d.organization_id = x.organization_id
     and d.payment_id = o.id and d.held_back is null
    join app.payout_snapshots s on s.organization_id = x.organization_id and s.id = d.snapshot_id
     and s.state <> 'draft' and s.period_end::timestamp at time zone s.timezone <= p_ends_at
   where x.organization_id = app.cur_org() and p_payment in (x.entered_id, x.reported_id)
     and (x.verdict = 'counted' or x.verdict = 'different' and s.approved_at <= x.decided_at)
   order by s.period_end desc limit 1;
  return 'payment of ' || app.day_in_words(paid.payment_date, p_zone, p_ends_at) || case
    when joined.name is not null
      then format(', which %s counted as one with the payment of %s', joined.name,
        app.day_in_words(joined.payment_date, p_zone, p_ends_at))
    when (paid.settled_at at time zone p_zone)::date > (paid.payment_date at time zone p_zone)::date
      then ', which came in on ' || app.day_in_words(paid.settled_at, p_zone, p_ends_at)
    when paid.created_at >= passed.approved_at
      then format(', %s on %s, after %s was approved', paid.known,
        app.day_in_words(paid.created_at, p_zone, p_ends_at), passed.name)
    when passed.name is not null
      then format(', which did not count when %s was approved', passed.name)
    else ', of days that no payout had' end;
end $f$;
grant execute on function app.late_in_words to so_app, so_worker;
