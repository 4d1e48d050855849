-- Figures of the whole installation for monitoring: counts and ages, without any organisation's
-- data.
create or replace function app.work_figures()
returns table (figure text, label text, value double precision) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select 'pending_deliveries', '', count(*)::double precision from app.webhook_deliveries
    where status = 'pending'
  union all
  select 'oldest_pending_delivery', '',
    coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::double precision
    from app.webhook_deliveries where status = 'pending'
  union all
  select 'job_failures', r.task, count(*)::double precision from app.job_runs r
   where r.error is not null and r.started_at > now() - interval '1 hour' group by r.task
$f$;

grant execute on function app.work_figures() to so_worker;
