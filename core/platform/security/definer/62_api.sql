-- One hit on ``p_key``, counted whether or not it is within a limit: the hits of this window so far, and when the next begins.
create or replace function app.count_hit(p_key text, p_window_seconds int)
returns table (hits int, resets_at timestamptz) language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  insert into app.rate_limits as r (key, window_start, hits)
  values (p_key, to_timestamp(floor(extract(epoch from clock_timestamp()) / p_window_seconds) * p_window_seconds), 1)
  on conflict (key, window_start) do update set hits = r.hits + 1
  returning r.hits, r.window_start + make_interval(secs => p_window_seconds)
$f$;

revoke all on function app.count_hit(text, int) from public;
grant execute on function app.count_hit(text, int) to so_app;
