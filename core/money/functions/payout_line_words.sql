-- The sentences of payouts. They are inlined into the statement that asks, so that a line without a
-- sentence costs nothing. Each names the payment by its day, and the payout that has counted it.

-- A day, with the year unless it is that of the payout's last day.
create or replace function app.day_in_words(p_at timestamptz, p_zone text, p_ends_at timestamptz)
returns text language sql stable as $f$
  select to_char(p_at at time zone p_zone,
    case when extract(year from p_at at time zone p_zone)
              = extract(year from (p_ends_at - interval '1 day') at time zone p_zone)
      then 'FMDD Mon' else 'FMDD Mon YYYY' end)
$f$;
grant execute on function app.day_in_words to so_app, so_worker;

create or replace function app.payment_in_words(
  p_day timestamptz, p_counted_in text, p_zone text, p_ends_at timestamptz)
returns text language sql stable as $f$
  select 'payment of ' || app.day_in_words(p_day, p_zone, p_ends_at)
    || concat(', counted in ' || p_counted_in)
$f$;
grant execute on function app.payment_in_words to so_app, so_worker;

-- A payment that no payout counts by now: an ordinary one of the period has no sentence.
create or replace function app.counting_in_words(
  p_code text, p_day timestamptz, p_taken_out_in text, p_stood_date timestamptz, p_stood_in text,
  p_zone text, p_ends_at timestamptz)
returns text language sql stable as $f$
  select case p_code
    when 'restored' then app.payment_in_words(p_day, null, p_zone, p_ends_at)
      || concat(', taken out in ' || p_taken_out_in || ',') || ' counts again'
    when 'superseded' then app.payment_in_words(p_day, null, p_zone, p_ends_at)
      || ' in place of the ' || app.payment_in_words(p_stood_date, null, p_zone, p_ends_at)
      || ', which is the same money and was counted in ' || p_stood_in end
$f$;
grant execute on function app.counting_in_words to so_app, so_worker;

-- A refund, or a lost dispute, of a counted payment.
create or replace function app.return_in_words(
  p_kind text, p_returned_at timestamptz, p_day timestamptz, p_counted_in text,
  p_zone text, p_ends_at timestamptz)
returns text language sql stable as $f$
  select case p_kind
    when 'dispute' then 'dispute of a '
      || app.payment_in_words(p_day, p_counted_in, p_zone, p_ends_at)
      || ', lost on ' || app.day_in_words(p_returned_at, p_zone, p_ends_at)
    else 'refund of ' || app.day_in_words(p_returned_at, p_zone, p_ends_at)
      || ' on a ' || app.payment_in_words(p_day, p_counted_in, p_zone, p_ends_at) end
$f$;
grant execute on function app.return_in_words to so_app, so_worker;

-- A refund that was counted, and failed or was won back since.
create or replace function app.undone_in_words(
  p_kind text, p_returned_at timestamptz, p_day timestamptz, p_counted_in text,
  p_zone text, p_ends_at timestamptz)
returns text language sql stable as $f$
  select case p_kind when 'dispute' then 'lost dispute of ' else 'refund of ' end
    || app.day_in_words(p_returned_at, p_zone, p_ends_at)
    || ' on a ' || app.payment_in_words(p_day, p_counted_in, p_zone, p_ends_at)
    || case p_kind when 'dispute' then ', was reversed' else ', failed or was cancelled' end
$f$;
grant execute on function app.undone_in_words to so_app, so_worker;

-- Somebody on the roster, or else nobody, whatever name the booking has for them: its host or
-- setter may be called like somebody on the roster. Null where there is neither id nor name.
create or replace function app.person_in_words(
  p_as text, p_id uuid, p_name text, p_nobody text default 'nobody')
returns text language sql immutable as $f$
  select case when p_id is not null then p_name
    else p_nobody || ' (' || case p_as when 'closer' then 'host' else 'the booking says' end
      || ' “' || p_name || '”)' end
$f$;
grant execute on function app.person_in_words to so_app, so_worker;

-- One thing that changed; null where it did not. Two people may have one name.
create or replace function app.change_in_words(
  p_what text, p_was_id uuid, p_was text, p_is_id uuid, p_is text)
returns text language sql immutable as $f$
  select case when p_was_id is distinct from p_is_id
    then p_what || ' changed from ' || case when p_was = p_is then 'one ' || p_was || ' to another'
      else p_was || ' to ' || p_is end end
$f$;
grant execute on function app.change_in_words to so_app, so_worker;

-- Why what was counted is taken out. p_other_id is the record of the same money that stands in the
-- payment's place.
create or replace function app.taking_out_in_words(
  p_code text, p_day timestamptz, p_counted_in text, p_counted_date timestamptz,
  p_other_id uuid, p_other timestamptz, p_other_counts boolean, p_zone text,
  p_ends_at timestamptz)
returns text language sql stable as $f$
  select case p_code when 'moved_later'
      then app.payment_in_words(p_counted_date, p_counted_in, p_zone, p_ends_at)
      else app.payment_in_words(p_day, p_counted_in, p_zone, p_ends_at) end
    || case
      when p_code = 'moved_later'
        then ': now dated ' || app.day_in_words(p_day, p_zone, p_ends_at) || ', after this payout'
      when p_code = 'deleted' then ': deleted or withdrawn'
      when p_code = 'failed' then ': did not go through'
      when p_other_id is null
        then ': settled before payouts started, and in place of no other record any more'
      else ': the same money as the ' || app.payment_in_words(p_other, null, p_zone, p_ends_at)
        || case when not p_other_counts then ', which does not count'
             when p_other < p_ends_at then ', which counts instead'
             else ', which a later payout counts' end end
$f$;
grant execute on function app.taking_out_in_words to so_app, so_worker;
