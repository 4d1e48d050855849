-- Nothing but the lines of an approved payout is fixed: attribution follows the facts, and the next payout has the difference.
create or replace function app.is_paid_out(p_payment uuid) returns boolean language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select false
$f$;
grant execute on function app.is_paid_out to so_app, so_worker;
