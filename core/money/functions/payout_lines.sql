-- The lines that a payout up to p_ends_at has: what is true of each payment by now, less what the
-- lines of approved payouts whose periods end by p_through have counted. All run with the
-- rights of whoever asks, and see what they may see.
--
-- They are inlined into the statement that asks, which also says how it is planned
-- (core/money/payout_lines.py).
--
-- True of a payment that counts is its cash, if it is dated before p_ends_at, and the refunds and
-- lost disputes before that moment, its own and those of the record that it stands for; all of it
-- belongs to its present people.

-- Payments that no payout has counted: one line each, with all that went back of it.
create or replace function app.first_payout_lines(
  p_starts_at timestamptz, p_period_starts_at timestamptz, p_ends_at timestamptz, p_zone text,
  p_through date)
returns table (
  payment_id uuid, money_id uuid, reason_code text, reason text, line_date timestamptz,
  payment_date timestamptz, currency text, cash numeric, refunds numeric, event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text,
  refund_ids uuid[], corrects uuid[],
  customer_email text, customer_name text, processor text, processor_payment_id text,
  attribution_method text, attribution_reason text)
language sql stable as $f$
  select n.id, coalesce(n.superseded_by_id, n.id), c.code,
         case c.code when 'late' then app.late_in_words(n.id, p_zone, p_ends_at)
           else app.counting_in_words(c.code, n.payment_date, null, n.stood_date, n.stood_in,
             p_zone, p_ends_at) end,
         case c.code when 'superseded' then n.replaced_at else n.payment_date end,
         n.payment_date, n.currency, n.amount, n.went_back, n.event_id,
         n.closer_id, n.closer_name, n.setter_id, n.setter_name,
         n.source_id, n.source_name, n.package_id, n.package_name,
         n.went_back_ids, coalesce(n.stood_lines, '{}'),
         n.customer_email, n.customer_name, n.processor, n.processor_payment_id,
         n.attribution_method, n.attribution_reason
    from app.payments_by_now(p_starts_at, p_ends_at, p_through) n
   cross join lateral (
     select case when n.stood_lines is not null then 'superseded'
              when n.payment_date < p_period_starts_at then 'late' else 'payment' end as code) c
   where n.lines is null and n.is_live and (n.amount <> 0 or n.went_back <> 0)
$f$;
grant execute on function app.first_payout_lines to so_app, so_worker;

-- Payments that a payout has counted: the difference between the present and what stands of them,
-- and what stands for people whose it no longer is.
create or replace function app.correcting_payout_lines(
  p_starts_at timestamptz, p_ends_at timestamptz, p_zone text, p_through date)
returns table (
  payment_id uuid, money_id uuid, reason_code text, reason text, line_date timestamptz,
  payment_date timestamptz, currency text, cash numeric, refunds numeric, event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text,
  refund_ids uuid[], corrects uuid[],
  customer_email text, customer_name text, processor text, processor_payment_id text,
  attribution_method text, attribution_reason text)
language sql stable as $f$
  with standing as materialized (select * from app.counted_for_people(p_through)),
  now as materialized (
    select n.*, exists (select from standing s where s.payment_id = n.id) as is_standing
      from app.payments_by_now(p_starts_at, p_ends_at, p_through) n
     where n.lines is not null),
  counted_refunds as materialized (select * from app.counted_refunds(p_through)),
  -- lines of people whose money it no longer is
  gone as materialized (
    select x.payment_id, x.currency, x.cash, x.refunds, x.lines, x.event_id,
           x.closer_id, w.closer_name, x.setter_id, w.setter_name,
           x.source_id, w.source_name, x.package_id, w.package_name,
           n.is_live, n.is_live and x.currency = n.currency as is_moved,
           case when (x.closer_id, x.setter_id, x.source_id)
             is distinct from (n.closer_id, n.setter_id, n.source_id)
             then coalesce(n.attributed_at, n.updated_at) else n.updated_at end as changed_at,
           app.payment_in_words(n.payment_date, n.counted_in, p_zone, p_ends_at)
             || ': ' || concat_ws(', ',
               'currency corrected from ' || nullif(x.currency, n.currency) || ' to ' || n.currency,
               app.change_in_words('closer',
                 x.closer_id,
                 coalesce(app.person_in_words('closer', x.closer_id, w.closer_name), 'nobody'),
                 n.closer_id,
                 coalesce(app.person_in_words('closer', n.closer_id, n.closer_name), 'nobody')),
               app.change_in_words('setter',
                 x.setter_id,
                 coalesce(app.person_in_words('setter', x.setter_id, w.setter_name), 'nobody'),
                 n.setter_id,
                 coalesce(app.person_in_words('setter', n.setter_id, n.setter_name), 'nobody')),
               app.change_in_words('source', x.source_id, coalesce(w.source_name, 'none'),
                 n.source_id, coalesce(n.source_name, 'none')),
               app.change_in_words('package', x.package_id, coalesce(w.package_name, 'none'),
                 n.package_id, coalesce(n.package_name, 'none'))) as change
      from standing x
      join now n on n.id = x.payment_id
      left join app.closers c on c.organization_id = app.cur_org() and c.id = x.closer_id
      left join app.setters s on s.organization_id = app.cur_org() and s.id = x.setter_id
      left join app.sources o on o.organization_id = app.cur_org() and o.id = x.source_id
      left join app.packages k on k.organization_id = app.cur_org() and k.id = x.package_id
     cross join lateral (
       select coalesce(c.name, x.closer_name) as closer_name,
              coalesce(s.name, x.setter_name) as setter_name,
              coalesce(o.name, x.source_name) as source_name,
              coalesce(k.name, x.package_name) as package_name) w
     where not n.is_live
        or (x.currency, x.closer_id, x.setter_id, x.source_id, x.package_id)
           is distinct from (n.currency, n.closer_id, n.setter_id, n.source_id, n.package_id)),
  new_refunds as materialized (
    select r.*
      from app.returned_before(p_ends_at) r
      join now n on n.id = r.payment_id and n.is_live and n.is_standing
     where not exists (select from counted_refunds c
                        where c.payment_id = r.payment_id and c.refund_id = r.refund_id)
       and not exists (select from app.refunds x
                        join counted_refunds c on c.refund_id = x.split_of_id
                       where x.organization_id = app.cur_org() and x.id = r.refund_id)),
  undone_refunds as materialized (
    select c.payment_id, array_agg(r.id order by r.refunded_at, r.id) as ids,
           string_agg(app.undone_in_words(r.kind, r.refunded_at, n.payment_date, c.counted_in,
               p_zone, p_ends_at),
             '; ' order by r.refunded_at, r.id) as words
      from counted_refunds c
      join now n on n.id = c.payment_id
      join app.refunds r on r.organization_id = app.cur_org() and r.id = c.refund_id
       and not r.counts
     where c.counted_as <> 'refund_changed'
     group by c.payment_id),
  -- live payments of which something stands: what, in the currency that they have now, and what
  -- has changed where all of it is in another
  counted as materialized (
    select n.id, x.cash, x.refunds, g.changes, coalesce(r.amount, 0) as newly_returned
      from now n
      left join (
        select s.payment_id, s.currency, sum(s.cash) as cash, sum(s.refunds) as refunds
          from standing s group by 1, 2) x on x.payment_id = n.id and x.currency = n.currency
      left join (
        select payment_id, string_agg(distinct change, '; ') as changes
          from gone where not is_moved group by 1) g on g.payment_id = n.id
      left join (
        select payment_id, sum(amount) as amount from new_refunds group by 1) r
        on r.payment_id = n.id
     where n.is_live and n.is_standing),
  -- what is added to the present people of each payment
  added as (
    select n.id, 'restored' as code,
           app.counting_in_words('restored', n.payment_date, n.taken_out_in, null, null,
             p_zone, p_ends_at) as reason,
           n.updated_at as line_date,
           n.amount as cash, n.went_back as refunds, n.went_back_ids as refund_ids,
           n.lines as corrects
      from now n
     where n.is_live and not n.is_standing and (n.amount <> 0 or n.went_back <> 0)
    union all
    select g.payment_id, 'credited', g.change, g.changed_at, g.cash, g.refunds, '{}', g.lines
      from gone g where g.is_moved
    union all
    select n.id, 'amount', c.changes, n.updated_at,
           n.amount, n.went_back - c.newly_returned, '{}', n.lines
      from counted c
      join now n on n.id = c.id
     where c.cash is null and (n.amount <> 0 or n.went_back <> c.newly_returned)
    union all
    select n.id, 'amount', 'corrected amount of a '
             || app.payment_in_words(n.payment_date, n.counted_in, p_zone, p_ends_at),
           n.updated_at, n.amount - c.cash, 0, '{}', n.lines
      from counted c
      join now n on n.id = c.id
     where n.amount <> c.cash
    union all
    select n.id, r.kind,
           app.return_in_words(r.kind, r.refunded_at, n.payment_date, n.counted_in,
             p_zone, p_ends_at),
           r.refunded_at, 0, r.amount, array[r.refund_id], n.lines
      from new_refunds r
      join now n on n.id = r.payment_id
    union all
    select n.id, 'refund_changed',
           coalesce(u.words, 'corrected refunds of a '
             || app.payment_in_words(n.payment_date, n.counted_in, p_zone, p_ends_at)),
           n.updated_at, 0, n.went_back - c.refunds - c.newly_returned,
           coalesce(u.ids, '{}'), n.lines
      from counted c
      join now n on n.id = c.id
      left join undone_refunds u on u.payment_id = n.id
     where n.went_back <> c.refunds + c.newly_returned)
  select n.id, coalesce(n.superseded_by_id, n.id), a.code, a.reason, a.line_date,
         n.payment_date, n.currency, a.cash, a.refunds, n.event_id,
         n.closer_id, n.closer_name, n.setter_id, n.setter_name,
         n.source_id, n.source_name, n.package_id, n.package_name,
         a.refund_ids, a.corrects,
         n.customer_email, n.customer_name, n.processor, n.processor_payment_id,
         n.attribution_method, n.attribution_reason
    from added a
    join now n on n.id = a.id
  union all
  select n.id, coalesce(n.superseded_by_id, n.id), t.code,
         case when n.is_live then g.change
           else app.taking_out_in_words(t.code, n.payment_date, n.counted_in, n.counted_date,
             n.superseded_by_id, o.payment_date, o.counts, p_zone, p_ends_at) end,
         case t.code when 'deleted' then n.deleted_at when 'credited' then g.changed_at
           else n.updated_at end,
         n.payment_date, g.currency, -g.cash, -g.refunds, g.event_id,
         g.closer_id, g.closer_name, g.setter_id, g.setter_name,
         g.source_id, g.source_name, g.package_id, g.package_name,
         '{}', g.lines,
         n.customer_email, n.customer_name, n.processor, n.processor_payment_id,
         n.attribution_method, n.attribution_reason
    from gone g
    join now n on n.id = g.payment_id
    left join app.payments o on o.organization_id = app.cur_org() and o.id = n.superseded_by_id
   cross join lateral (
     select case when g.is_moved then 'credited'
              when n.is_live then 'amount'
              when n.superseded_by_id is not null then 'superseded'
              when n.deleted_at is not null then 'deleted'
              when n.status = 'succeeded' and n.is_before_start then 'superseded'
              when n.status = 'succeeded' then 'moved_later'
              else 'failed' end as code) t
$f$;
grant execute on function app.correcting_payout_lines to so_app, so_worker;

-- The lines, each with its payment as it is now, and in its sentence the payout that held it back
-- before, if one did.
create or replace function app.open_payout_lines(
  p_starts_at timestamptz, p_period_starts_at timestamptz, p_ends_at timestamptz, p_zone text,
  p_through date)
returns table (
  payment_id uuid, kind text, reason_code text, reason text, line_date timestamptz,
  payment_date timestamptz, currency text, amount numeric, refund_amount numeric, event_id uuid,
  closer_id uuid, closer_name text, setter_id uuid, setter_name text,
  source_id uuid, source_name text, package_id uuid, package_name text,
  refund_ids uuid[], corrects uuid[],
  customer_email text, customer_name text, processor text, processor_payment_id text,
  attribution_method text, attribution_reason text)
language sql stable as $f$
  with held as materialized (select * from app.held_before(p_through))
  select l.payment_id, k.kind, l.reason_code,
         case when h.payout is null then l.reason
           when k.kind = 'payment'
             then app.payment_in_words(l.payment_date, null, p_zone, p_ends_at)
               || ', held back in ' || h.payout
           else l.reason || ' (held back in ' || h.payout || ')' end,
         l.line_date, l.payment_date, l.currency, l.cash, l.refunds, l.event_id,
         l.closer_id, l.closer_name, l.setter_id, l.setter_name,
         l.source_id, l.source_name, l.package_id, l.package_name,
         l.refund_ids, l.corrects,
         l.customer_email, l.customer_name, l.processor, l.processor_payment_id,
         l.attribution_method, l.attribution_reason
    from (
      select * from app.first_payout_lines(
        p_starts_at, p_period_starts_at, p_ends_at, p_zone, p_through)
      union all
      select * from app.correcting_payout_lines(p_starts_at, p_ends_at, p_zone, p_through)) l
   cross join lateral (
     select case when l.reason_code = any (app.payment_reasons()) then 'payment'
              else 'adjustment' end as kind,
            case when l.reason_code = any (app.payment_reasons()) then 'late'
              else l.reason_code end as held_as) k
    left join held m on m.refund_id is null and m.money_id = l.money_id
     and m.reason_code = k.held_as
    left join held r on r.refund_id = l.refund_ids[1]
     and l.reason_code = any (app.return_reasons())
   cross join lateral (select coalesce(m.payout, r.payout) as payout) h
$f$;
grant execute on function app.open_payout_lines to so_app, so_worker;
