-- Puts work on the queue in the current transaction, and only for the transaction's organisation.
-- Work without an instant is due now, so that the queue shows how long it has waited. Returns false
-- when work of this name waits already. That job is then locked until this transaction ends, so
-- that no worker takes it (they skip what is locked) before the change that it must see is
-- committed.
create or replace function app.enqueue(
  p_queue text, p_task text, p_priority int, p_once text, p_args jsonb, p_at timestamptz
) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  is_new boolean;
begin
  if coalesce(p_args ->> 'organization_id' <> nullif(current_setting('app.organization_id', true),
    ''), true) then
    raise insufficient_privilege using
      message = 'work is enqueued for one''s own organisation only';
  end if;
  insert into jobs.procrastinate_jobs as j (queue_name, task_name, priority, queueing_lock, args,
    scheduled_at)
  values (p_queue, p_task, p_priority, p_once, p_args, coalesce(p_at, now()))
  on conflict (queueing_lock) where status = 'todo' do update set args = excluded.args
  returning j.xmax = 0 into is_new;
  return is_new;
end $f$;
grant execute on function app.enqueue to so_app, so_worker;
