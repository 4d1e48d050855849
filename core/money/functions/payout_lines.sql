-- A day as sentences say it, with the year unless it is that of the payout's last day.
create or replace function app.day_in_words(p_at timestamptz, p_zone text, p_ends_at timestamptz)
returns text language sql stable set search_path = pg_catalog, pg_temp as $f$
  select to_char(p_at at time zone p_zone,
    case when extract(year from p_at at time zone p_zone) = extract(year
      from (p_ends_at - interval '1 day') at time zone p_zone)
      then 'FMDD Mon' else 'FMDD Mon YYYY' end)
$f$;
grant execute on function app.day_in_words to so_app, so_worker;

-- The lines that a payout up to p_ends_at has: what is true of each payment by now, less what the
-- lines of approved payouts whose periods end by p_through have counted. It runs with the rights of
-- whoever asks, and sees what they may see.
--
-- True of a payment that counts is its cash, if it is dated before p_ends_at, and the refunds and
-- lost disputes before that moment, its own and those of the record that it stands for; all of it
-- belongs to its present people. Payments that were settled before p_starts_at, on their date or
-- when they first succeeded after that, were so before there were payouts, and are left out; but
-- not one that stands for an entry of the same money, of later, that a payout has counted.
create or replace function app.open_payout_lines(
  p_starts_at timestamptz, p_period_starts_at timestamptz, p_ends_at timestamptz, p_zone text,
    p_through date)
returns table (
  payment_id uuid, kind text, reason_code text, reason text, line_date timestamptz, currency text,
    amount numeric,
  refund_amount numeric, event_id uuid, closer_id uuid, closer_name text, setter_id uuid,
    setter_name text, source_id uuid,
  source_name text, package_id uuid, package_name text, refund_ids uuid[], corrects uuid[])
-- what the planner cannot know is how many lines there are; joined row by row, 100,000 payments
-- take minutes
language sql stable set search_path = pg_catalog, pg_temp set enable_nestloop = off as $f$
  with counted_lines as materialized (
    select d.*, s.name as payout, s.period_start,
           d.amount > 0 and d.reason_code in ('payment', 'late', 'restored', 'superseded')
             as counts_cash,
           d.amount < 0 and d.reason_code <> 'credited' as takes_cash_out
      from app.payout_snapshot_details d
      join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
     where s.state <> 'draft' and s.period_end <= p_through and d.held_back is null
  ),
  -- by payment and people, in each currency that it was counted in
  counted as materialized (
    select l.payment_id, l.currency, l.closer_id, l.setter_id, l.source_id, l.package_id,
      sum(l.amount) as cash,
           sum(l.refund_amount) as refunds, array_agg(l.id order by l.period_start, l.id) as lines,
           max(l.event_id::text)::uuid as event_id, max(l.closer_name) as closer_name,
             max(l.setter_name) as setter_name,
           max(l.source_name) as source_name, max(l.package_name) as package_name
      from counted_lines l
     group by 1, 2, 3, 4, 5, 6
  ),
  standing as materialized (
    select c.* from counted c where c.cash <> 0 or c.refunds <> 0
  ),
  -- where a payment was counted last, under which date, and where it was last taken out
  settled as materialized (
    select l.payment_id, array_agg(l.id order by l.period_start, l.id) as lines,
           (array_agg(l.payout order by l.period_start desc, l.id)
             filter (where l.counts_cash))[1] as counted_in,
           (array_agg(l.payment_date order by l.period_start desc, l.id)
             filter (where l.counts_cash))[1] as counted_date,
           (array_agg(l.payout order by l.period_start desc, l.id)
             filter (where l.takes_cash_out))[1] as taken_out_in
      from counted_lines l
     group by 1
  ),
  counted_refunds as materialized (
    select l.payment_id, r.refund_id,
           (array_agg(l.payout order by l.period_start desc, l.id))[1] as counted_in,
           (array_agg(l.reason_code order by l.period_start desc, l.id))[1] as counted_as
      from counted_lines l
     cross join unnest(l.refund_ids) as r (refund_id)
     group by 1, 2
  ),
  -- what the last payout left out
  held as materialized (
    select coalesce(p.superseded_by_id, p.id) as money_id,
           case d.reason_code when 'payment' then 'late' else d.reason_code end as code,
           d.refund_ids, s.name as payout
      from app.payout_snapshot_details d
      join app.payout_snapshots s on s.organization_id = d.organization_id and s.id = d.snapshot_id
      join app.payments p on p.organization_id = d.organization_id and p.id = d.payment_id
     where d.held_back is not null and s.state <> 'draft'
       and s.period_end = (select max(x.period_end) from app.payout_snapshots x
                            where x.state <> 'draft' and x.period_end <= p_through)
  ),
  held_money as materialized (
    select h.money_id, h.code, min(h.payout) as payout from held h
     where h.code not in ('refund', 'dispute') group by 1, 2
  ),
  held_refunds as materialized (
    select r.refund_id, min(h.payout) as payout from held h
     cross join unnest(h.refund_ids) as r (refund_id)
     where h.code in ('refund', 'dispute') group by 1
  ),
  -- an earlier record of the same money that this one stands for
  stands_for as materialized (
    select p.superseded_by_id as payment_id, array_agg(line order by line) as lines,
      min(s.counted_in) as counted_in,
           min(p.payment_date) as payment_date, max(p.updated_at) as replaced_at,
           bool_or(greatest(p.payment_date, p.settled_at) >= p_starts_at) as is_in_scope
      from settled s
      join app.payments p on p.id = s.payment_id and p.organization_id = app.cur_org()
     cross join unnest(s.lines) as line
     where p.superseded_by_id is not null
     group by 1
  ),
  returned as materialized (
    select coalesce(p.superseded_by_id, p.id) as payment_id, r.id, r.kind, r.amount, r.refunded_at
      from app.counting_refunds(array(select x.payment_id from app.refunds x
        where x.organization_id = app.cur_org())) r
      join app.payments p on p.organization_id = app.cur_org() and p.id = r.payment_id
     where r.refunded_at < p_ends_at
       and r.amount <> 0 and p.status = 'succeeded' and p.deleted_at is null
  ),
  all_returned as materialized (
    select r.payment_id, sum(r.amount) as amount,
      array_agg(r.id order by r.refunded_at, r.id) as ids from returned r group by 1
  ),
  facts as materialized (
    select p.*, p.counts and p.payment_date < p_ends_at and scope.is_in as is_live,
      not scope.is_in as is_before_start,
      coalesce(b.amount, 0) as went_back,
           coalesce(b.ids, '{}') as went_back_ids, s.lines, s.counted_in, s.counted_date,
             s.taken_out_in, f.lines as stood_lines, f.counted_in as stood_in,
           f.payment_date as stood_date, f.replaced_at, exists (select from standing x
             where x.payment_id = p.id) as is_standing
      from app.payments p
      left join settled s on s.payment_id = p.id
      left join stands_for f on f.payment_id = p.id
      left join all_returned b on b.payment_id = p.id
      cross join lateral (select greatest(p.payment_date, p.settled_at) >= p_starts_at
        or coalesce(f.is_in_scope, false) as is_in) scope
     where p.organization_id = app.cur_org()
       and (p.counts and scope.is_in and p.payment_date < p_ends_at or s.payment_id is not null)
  ),
  named as materialized (
    select f.*, coalesce(c.name, e.closer_name) as closer_name,
      coalesce(s.name, e.setter_name) as setter_name,
           o.name as source_name, k.name as package_name,
           'payment of ' || app.day_in_words(f.payment_date, p_zone, p_ends_at) as what,
             concat(', counted in ' || f.counted_in) as where_to
      from facts f
      left join app.events e on e.organization_id = f.organization_id and e.id = f.event_id
      left join app.closers c on c.organization_id = f.organization_id and c.id = f.closer_id
      left join app.setters s on s.organization_id = f.organization_id and s.id = f.setter_id
      left join app.sources o on o.organization_id = f.organization_id and o.id = f.source_id
      left join app.packages k on k.organization_id = f.organization_id and k.id = f.package_id
  ),
  -- lines of people whose money it no longer is
  gone as materialized (
    select x.payment_id, x.currency, x.cash, x.refunds, x.lines, x.event_id,
           x.closer_id, coalesce(c.name, x.closer_name) as closer_name, x.setter_id,
             coalesce(s.name, x.setter_name) as setter_name,
           x.source_id, coalesce(o.name, x.source_name) as source_name,
           x.package_id, coalesce(k.name, x.package_name) as package_name, n.is_live
             and x.currency = n.currency as is_moved
      from standing x
      join named n on n.id = x.payment_id
      left join app.closers c on c.organization_id = n.organization_id and c.id = x.closer_id
      left join app.setters s on s.organization_id = n.organization_id and s.id = x.setter_id
      left join app.sources o on o.organization_id = n.organization_id and o.id = x.source_id
      left join app.packages k on k.organization_id = n.organization_id and k.id = x.package_id
     where not n.is_live
        or (x.currency, x.closer_id, x.setter_id, x.source_id, x.package_id)
           is distinct from (n.currency, n.closer_id, n.setter_id, n.source_id, n.package_id)
  ),
  changes as materialized (
    select g.payment_id, g.is_moved, g.cash, g.refunds, g.lines,
           case when (g.closer_id, g.setter_id, g.source_id)
             is distinct from (n.closer_id, n.setter_id, n.source_id)
             then coalesce(n.attributed_at, n.updated_at) else n.updated_at end as changed_at,
           n.what || n.where_to || ': ' || concat_ws(', ',
        case when g.currency <> n.currency
          then 'currency corrected from ' || g.currency || ' to ' || n.currency end,
        case when g.closer_id is distinct from n.closer_id
          then 'closer changed from ' || coalesce(g.closer_name, 'nobody') || ' to '
            || coalesce(n.closer_name, 'nobody') end,
        case when g.setter_id is distinct from n.setter_id
          then 'setter changed from ' || coalesce(g.setter_name, 'nobody') || ' to '
            || coalesce(n.setter_name, 'nobody') end,
        case when g.source_id is distinct from n.source_id
          then 'source changed from ' || coalesce(g.source_name, 'none') || ' to '
            || coalesce(n.source_name, 'none') end,
        case when g.package_id is distinct from n.package_id
          then 'package changed from ' || coalesce(g.package_name, 'none') || ' to '
            || coalesce(n.package_name, 'none') end) as reason
      from gone g
      join named n on n.id = g.payment_id
     where n.is_live
  ),
  other_currency as materialized (
    select c.payment_id, string_agg(distinct c.reason, '; ') as reason from changes c
     where not c.is_moved group by 1
  ),
  in_this_currency as materialized (
    select x.payment_id, sum(x.cash) as cash, sum(x.refunds) as refunds
      from standing x
      join named n on n.id = x.payment_id and n.currency = x.currency
     group by 1
  ),
  new_refunds as materialized (
    select r.* from returned r
      join named n on n.id = r.payment_id and n.is_live and n.is_standing
     where not exists (select from counted_refunds c where c.payment_id = r.payment_id
       and c.refund_id = r.id)
       and not exists (select from app.refunds x
         join counted_refunds c on c.refund_id = x.split_of_id
        where x.organization_id = app.cur_org() and x.id = r.id)
  ),
  new_refunds_together as materialized (
    select r.payment_id, sum(r.amount) as amount from new_refunds r group by 1
  ),
  -- refunds that were counted, and failed or were won back since
  undone_refunds as materialized (
    select c.payment_id, array_agg(r.id order by r.refunded_at, r.id) as ids,
           string_agg(case r.kind when 'dispute' then 'lost dispute of ' else 'refund of ' end
             || app.day_in_words(r.refunded_at, p_zone, p_ends_at) || ' on a ' || n.what
             || ', counted in ' || c.counted_in || ', '
             || case r.kind when 'dispute' then 'was reversed' else 'failed or was cancelled' end,
             '; ' order by r.refunded_at, r.id) as reason
      from counted_refunds c
      join named n on n.id = c.payment_id
      join app.refunds r on r.organization_id = app.cur_org() and r.id = c.refund_id
       and not r.counts
     where c.counted_as <> 'refund_changed'
     group by 1
  ),
  -- parts of the present: each belongs to the people whose payment it is now
  parts as (
    select n.id, case when n.lines is not null then 'restored' when n.stood_lines is not null
      then 'superseded'
             when n.payment_date < p_period_starts_at then 'late' else 'payment' end as code,
           case when n.lines is not null
                  then n.what || concat(', taken out in ' || n.taken_out_in || ',')
                    || ' counts again'
                when n.stood_lines is not null
                  then n.what || ' in place of the payment of '
                  || app.day_in_words(n.stood_date, p_zone, p_ends_at)
                  || ', which is the same money and was counted in ' || n.stood_in
                when n.payment_date < p_period_starts_at
                  then app.late_in_words(n.id, p_zone, p_ends_at)
                  end as reason,
           case when n.lines is not null then n.updated_at
             when n.stood_lines is not null then n.replaced_at else n.payment_date end as line_date,
           n.amount as cash, n.went_back as refunds, n.went_back_ids as refund_ids,
           coalesce(n.lines, n.stood_lines, '{}') as corrects
      from named n
     where n.is_live and not n.is_standing and (n.amount <> 0 or n.went_back <> 0)
    union all
    select c.payment_id, 'credited', c.reason, c.changed_at, c.cash, c.refunds, '{}', c.lines
      from changes c where c.is_moved
    union all
    select n.id, 'amount', c.reason, n.updated_at, n.amount,
           n.went_back - coalesce(r.amount, 0), '{}', n.lines
      from named n
      join other_currency c on c.payment_id = n.id
      left join in_this_currency t on t.payment_id = n.id
      left join new_refunds_together r on r.payment_id = n.id
     where t.payment_id is null and (n.amount <> 0 or n.went_back <> coalesce(r.amount, 0))
    union all
    select n.id, 'amount', 'corrected amount of a ' || n.what || n.where_to, n.updated_at,
      n.amount - t.cash, 0, '{}', n.lines
      from named n
      join in_this_currency t on t.payment_id = n.id
     where n.is_live and n.is_standing and n.amount <> t.cash
    union all
    select r.payment_id, r.kind,
           case r.kind when 'dispute'
             then 'dispute of a ' || n.what || n.where_to || ', lost on '
               || app.day_in_words(r.refunded_at, p_zone, p_ends_at)
             else 'refund of ' || app.day_in_words(r.refunded_at, p_zone, p_ends_at)
               || ' on a ' || n.what || n.where_to end,
           r.refunded_at, 0, r.amount, array[r.id], n.lines
      from new_refunds r
      join named n on n.id = r.payment_id
    union all
    select n.id, 'refund_changed',
           coalesce(u.reason, 'corrected refunds of a ' || n.what || n.where_to), n.updated_at, 0,
           n.went_back - t.refunds - coalesce(r.amount, 0), coalesce(u.ids, '{}'), n.lines
      from named n
      join in_this_currency t on t.payment_id = n.id
      left join new_refunds_together r on r.payment_id = n.id
      left join undone_refunds u on u.payment_id = n.id
     where n.is_live and n.is_standing and n.went_back <> t.refunds + coalesce(r.amount, 0)
  ),
  all_lines as (
    select n.id, case when a.code in ('payment', 'late') then 'payment' else 'adjustment' end
      as kind, a.code, a.reason, a.line_date, n.currency, a.cash, a.refunds, n.event_id,
           n.closer_id, n.closer_name, n.setter_id, n.setter_name, n.source_id, n.source_name,
             n.package_id, n.package_name, a.refund_ids, a.corrects, n.what,
           coalesce(n.superseded_by_id, n.id) as money_id
      from parts a
      join named n on n.id = a.id
    union all
    select n.id, 'adjustment', w.code,
           case when w.code in ('credited', 'amount') then c.reason
             when w.code = 'superseded' and n.superseded_by_id is null then n.what || n.where_to
               || ': settled before payouts started, and in place of no other record any more'
             when w.code = 'superseded' then n.what || n.where_to
               || ': the same money as the payment of '
               || app.day_in_words(o.payment_date, p_zone, p_ends_at) || ', which '
               || case when not o.counts then 'does not count'
                    when o.payment_date < p_ends_at then 'counts instead'
                    else 'a later payout counts' end
             when w.code = 'deleted' then n.what || n.where_to || ': deleted or withdrawn'
             when w.code = 'moved_later'
               then 'payment of ' || app.day_in_words(n.counted_date, p_zone, p_ends_at)
                 || n.where_to || ': now dated '
                 || app.day_in_words(n.payment_date, p_zone, p_ends_at) || ', after this payout'
             else n.what || n.where_to || ': did not go through' end,
           case when w.code = 'deleted' then n.deleted_at
             when w.code = 'credited' then c.changed_at else n.updated_at end,
           g.currency, -g.cash, -g.refunds, g.event_id, g.closer_id, g.closer_name, g.setter_id,
             g.setter_name, g.source_id,
           g.source_name, g.package_id, g.package_name, '{}', g.lines, n.what,
           coalesce(n.superseded_by_id, n.id)
      from gone g
      join named n on n.id = g.payment_id
      left join changes c on c.payment_id = g.payment_id and c.lines = g.lines
      left join app.payments o on o.organization_id = n.organization_id
       and o.id = n.superseded_by_id
     cross join lateral (select case when g.is_moved then 'credited' when n.is_live then 'amount'
       when n.superseded_by_id is not null then 'superseded'
       when n.deleted_at is not null then 'deleted'
       when n.status = 'succeeded' and n.is_before_start then 'superseded'
       when n.status = 'succeeded' then 'moved_later' else 'failed' end as code) w
  )
  select l.id, l.kind, l.code,
         case when h.payout is null then l.reason
           when l.kind = 'payment' then l.what || ', held back in ' || h.payout
           else l.reason || ' (held back in ' || h.payout || ')' end,
         l.line_date, l.currency, l.cash, l.refunds, l.event_id, l.closer_id, l.closer_name,
         l.setter_id, l.setter_name, l.source_id, l.source_name, l.package_id, l.package_name,
         l.refund_ids, l.corrects
    from all_lines l
    left join held_money m on m.money_id = l.money_id
     and m.code = case l.code when 'payment' then 'late' else l.code end
    left join held_refunds r on l.code in ('refund', 'dispute') and r.refund_id = l.refund_ids[1]
   cross join lateral (select coalesce(m.payout, r.payout) as payout) h
$f$;
grant execute on function app.open_payout_lines to so_app, so_worker;
