-- What people do with deliveries, which otherwise only receivers and workers change. Each of it
-- stands in the audit log.
create or replace function app.demand_admin_or_system() returns uuid language plpgsql stable
set search_path = pg_catalog, pg_temp as $f$
begin
  if coalesce(app.cur_role() not in ('system', 'owner', 'admin', 'super_admin'), true) then
    raise insufficient_privilege using message = 'only an admin may do this';
  end if;
  return app.cur_org();
end $f$;

-- Has deliveries processed once more, after those that are new: of a connection, since an instant,
-- in these states, of these ids; null means any. What became of them before goes into their
-- history. Left out are those on hold, which wait for their connection, and those whose body is
-- stored no longer. Returns how many they are. They are changed in the order of an erasure.
create or replace function app.replay_deliveries(
  p_connection uuid, p_since timestamptz, p_states text[], p_ids uuid[]) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.demand_admin_or_system();
  entry jsonb := jsonb_strip_nulls(jsonb_build_object('at', clock_timestamp(),
    'outcome', 'replayed', 'by', app.cur_user()));
  replayed int;
begin
  with chosen as materialized (
    select d.id from app.webhook_deliveries d
     where d.organization_id = org and d.status <> 'held' and d.body <> ''
       and (p_connection is null or d.connection_id = p_connection)
       and (p_since is null or d.received_at >= p_since)
       and (p_states is null or d.status = any (p_states))
       and (p_ids is null or d.id = any (p_ids))
     order by d.id for update)
  update app.webhook_deliveries d
     set status = 'pending', is_replay = true, failures = 0, due_at = null, processed_at = null,
         last_error = null, history = d.history
           || case when d.processed_at is null then '[]'::jsonb
                else jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('at', d.processed_at,
                  'outcome', d.status, 'reason', d.last_error))) end
           || entry
    from chosen c
   where d.organization_id = org and d.id = c.id;
  get diagnostics replayed = row_count;
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  values (org, app.cur_user(), app.cur_role(), 'webhook_deliveries',
    coalesce(p_ids[1]::text, p_connection::text, ''), 'replay',
    jsonb_strip_nulls(jsonb_build_object('deliveries', replayed, 'since', p_since,
      'states', array_to_string(p_states, ', '), 'connection', (
        select c.name from app.webhook_connections c
         where c.organization_id = org and c.id = p_connection))));
  return replayed;
end $f$;
grant execute on function app.replay_deliveries to so_app, so_worker;

-- Somebody opened a delivery, with what it says of people.
create or replace function app.record_look(p_delivery uuid) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select app.demand_admin_or_system(), app.cur_user(), app.cur_role(), 'webhook_deliveries', d.id,
         'look', jsonb_build_object('connection', c.name)
    from app.webhook_deliveries d
    join app.webhook_connections c on c.organization_id = d.organization_id
     and c.id = d.connection_id
   where d.organization_id = app.cur_org() and d.id = p_delivery;
end $f$;
grant execute on function app.record_look to so_app;

-- Somebody searched what came over a connection. What they looked for, mostly somebody's address,
-- does not stand here.
create or replace function app.record_search(p_connection uuid) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select app.demand_admin_or_system(), app.cur_user(), app.cur_role(), 'webhook_deliveries', c.id,
         'search', jsonb_build_object('connection', c.name)
    from app.webhook_connections c
   where c.organization_id = app.cur_org() and c.id = p_connection;
end $f$;
grant execute on function app.record_search to so_app;

-- Deliveries that were held are worked off, where their connection is paused no more.
create or replace function app.release_held() returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.demand_admin_or_system();
begin
  with held as materialized (
    select d.id from app.webhook_deliveries d
      join app.webhook_connections c on c.organization_id = org and c.id = d.connection_id
       and c.paused_at is null
     where d.organization_id = org and d.status = 'held'
     order by d.id for update of d)
  update app.webhook_deliveries d set status = 'pending'
    from held h where d.organization_id = org and d.id = h.id;
end $f$;
grant execute on function app.release_held to so_app, so_worker;
