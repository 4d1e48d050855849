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
    select d.*, s.name as payout, s.period_start
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
  settled as materialized (
    select l.payment_id, array_agg(l.id order by l.period_start, l.id) as lines,
           'counted in ' || string_agg(distinct l.payout, ' and ') as counted_in
      from counted_lines l
     group by 1
  ),
  counted_refunds as materialized (
    select distinct l.payment_id, r.refund_id from counted_lines l
      cross join unnest(l.refund_ids) as r (refund_id)
  ),
  -- an earlier record of the same money that this one stands for
  stands_for as materialized (
    select p.superseded_by_id as payment_id, array_agg(line order by line) as lines,
      min(s.counted_in) as counted_in,
           min(p.payment_date) as payment_date,
           bool_or(greatest(p.payment_date, p.settled_at) >= p_starts_at) as is_in_scope
      from settled s
      join app.payments p on p.id = s.payment_id and p.organization_id = app.cur_org()
     cross join unnest(s.lines) as line
     where p.superseded_by_id is not null
     group by 1
  ),
  returned as materialized (
    select coalesce(p.superseded_by_id, p.id) as payment_id, r.id, r.kind, r.amount, r.refunded_at
      from app.refunds r
      join app.payments p on p.organization_id = r.organization_id and p.id = r.payment_id
     where r.organization_id = app.cur_org() and r.status not in ('failed', 'canceled')
       and r.refunded_at < p_ends_at
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
           coalesce(b.ids, '{}') as went_back_ids, s.lines, s.counted_in, f.lines as stood_lines,
             f.counted_in as stood_in,
           f.payment_date as stood_date, exists (select from standing x
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
             concat(', ' || f.counted_in) as where_to
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
  moves as materialized (
    select g.payment_id, g.cash, g.refunds, g.lines, n.what || n.where_to || ', moved: '
      || concat_ws(', ',
        case when g.closer_id is distinct from n.closer_id
          then 'closer ' || coalesce(g.closer_name, 'none') || ' → '
            || coalesce(n.closer_name, 'none') end,
        case when g.setter_id is distinct from n.setter_id
          then 'setter ' || coalesce(g.setter_name, 'none') || ' → '
            || coalesce(n.setter_name, 'none') end,
        case when g.source_id is distinct from n.source_id
          then 'source ' || coalesce(g.source_name, 'none') || ' → '
            || coalesce(n.source_name, 'none') end,
        case when g.package_id is distinct from n.package_id
          then 'package ' || coalesce(g.package_name, 'none') || ' → '
            || coalesce(n.package_name, 'none') end) as reason
      from gone g
      join named n on n.id = g.payment_id
     where g.is_moved
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
  ),
  new_refunds_together as materialized (
    select r.payment_id, sum(r.amount) as amount from new_refunds r group by 1
  ),
  -- parts of the present: each belongs to the people whose payment it is now
  parts as (
    select n.id, case when n.lines is not null then 'restored' when n.stood_lines is not null
      then 'superseded'
             when n.payment_date < p_period_starts_at then 'late' else 'payment' end as code,
           case when n.lines is not null then n.what || ' counts again' || n.where_to
                when n.stood_lines is not null
                  then n.what || ', in place of the same money entered on '
                  || app.day_in_words(n.stood_date, p_zone, p_ends_at) || ', ' || n.stood_in
                when n.payment_date < p_period_starts_at then n.what || ', not counted until now'
                  end as reason,
           case when n.lines is not null then n.updated_at else n.payment_date end as line_date,
           n.amount as cash, n.went_back as refunds, n.went_back_ids as refund_ids,
           coalesce(n.lines, n.stood_lines, '{}') as corrects
      from named n
     where n.is_live and not n.is_standing and (n.amount <> 0 or n.went_back <> 0)
    union all
    select m.payment_id, 'credited', m.reason, null, m.cash, m.refunds, '{}', m.lines from moves m
    union all
    select n.id, 'amount', 'corrected amount of a ' || n.what || n.where_to, n.updated_at,
      n.amount - coalesce(t.cash, 0), 0,
           '{}', n.lines
      from named n
      left join in_this_currency t on t.payment_id = n.id
     where n.is_live and n.is_standing and n.amount <> coalesce(t.cash, 0)
    union all
    select r.payment_id, case r.kind when 'dispute' then 'dispute' else 'refund' end,
           case r.kind when 'dispute' then 'dispute lost on ' else 'refund of ' end
             || app.day_in_words(r.refunded_at, p_zone, p_ends_at) || ' on a ' || n.what
               || n.where_to,
           r.refunded_at, 0, r.amount, array[r.id], n.lines
      from new_refunds r
      join named n on n.id = r.payment_id
    union all
    select n.id, 'refund_changed', 'earlier refund that failed or changed, on a ' || n.what
      || n.where_to, n.updated_at, 0,
           n.went_back - coalesce(t.refunds, 0) - coalesce(r.amount, 0), '{}', n.lines
      from named n
      left join in_this_currency t on t.payment_id = n.id
      left join new_refunds_together r on r.payment_id = n.id
     where n.is_live and n.is_standing and n.went_back <> coalesce(t.refunds, 0)
       + coalesce(r.amount, 0)
  )
  select n.id, case when a.code in ('payment', 'late') then 'payment' else 'adjustment' end, a.code,
    a.reason,
         coalesce(a.line_date, n.attributed_at, n.updated_at), n.currency, a.cash, a.refunds,
           n.event_id,
         n.closer_id, n.closer_name, n.setter_id, n.setter_name, n.source_id, n.source_name,
           n.package_id, n.package_name,
         a.refund_ids, a.corrects
    from parts a
    join named n on n.id = a.id
  union all
  select n.id, 'adjustment', w.code,
         case w.code when 'credited' then m.reason
           when 'amount' then 'corrected currency of a ' || n.what || n.where_to
           when 'superseded' then n.what || n.where_to || case when n.is_before_start
             and n.superseded_by_id is null then ': settled before payouts started, and in place of'
               ' no other record any more' else
             ': another record of the same money counts instead' end
           when 'deleted' then n.what || n.where_to || ': deleted or taken back'
           when 'moved_later' then n.what || n.where_to || ': dated after this payout'
           else n.what || n.where_to || ': did not go through' end,
         coalesce(case when w.code = 'deleted' then n.deleted_at when w.code = 'credited'
           then n.attributed_at end, n.updated_at),
         g.currency, -g.cash, -g.refunds, g.event_id, g.closer_id, g.closer_name, g.setter_id,
           g.setter_name, g.source_id,
         g.source_name, g.package_id, g.package_name, '{}', g.lines
    from gone g
    join named n on n.id = g.payment_id
    left join moves m on m.payment_id = g.payment_id and m.lines = g.lines
   cross join lateral (select case when g.is_moved then 'credited' when n.is_live then 'amount'
     when n.superseded_by_id is not null and n.status = 'succeeded' and n.deleted_at is null
       then 'superseded'
     when n.deleted_at is not null then 'deleted'
     when n.status = 'succeeded' and n.is_before_start then 'superseded'
     when n.status = 'succeeded' then 'moved_later' else 'failed' end as code) w
$f$;
grant execute on function app.open_payout_lines to so_app, so_worker;
