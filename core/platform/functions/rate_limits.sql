-- Counts one use of ``p_key``. Returns 0 when it is within ``p_limit`` per window, else the seconds
-- until the window ends.
create or replace function app.take_hit(p_key text, p_limit int, p_window_seconds int) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  opens timestamptz := to_timestamp(floor(extract(epoch from clock_timestamp()) / p_window_seconds)
    * p_window_seconds);
  n int;
begin
  insert into app.rate_limits as r (key, window_start, hits) values (p_key, opens, 1)
  on conflict (key, window_start) do update set hits = r.hits + 1 returning r.hits into n;
  if n <= p_limit then
    return 0;
  end if;
  return greatest(1, ceil(extract(epoch
    from opens + make_interval(secs => p_window_seconds) - clock_timestamp()))::int);
end $f$;
grant execute on function app.take_hit to so_app, so_worker;

-- Takes back a counted sign-in attempt: a right password is not counted.
create or replace function app.give_back_hit(p_key text) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  update app.rate_limits r set hits = r.hits - 1
   where r.key = p_key and r.key like 'sign-in:%' and r.hits > 0
     and r.window_start = (select max(x.window_start) from app.rate_limits x where x.key = p_key)
$f$;
grant execute on function app.give_back_hit to so_app;

-- Counts one use of ``p_key`` without a limit. Returns the uses in this window so far, and when the
-- next window begins.
create or replace function app.count_hit(p_key text, p_window_seconds int)
returns table (hits int, resets_at timestamptz) language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  insert into app.rate_limits as r (key, window_start, hits)
  values (p_key, to_timestamp(floor(extract(epoch from clock_timestamp()) / p_window_seconds)
    * p_window_seconds), 1)
  on conflict (key, window_start) do update set hits = r.hits + 1
  returning r.hits, r.window_start + make_interval(secs => p_window_seconds)
$f$;
grant execute on function app.count_hit to so_app;
