-- The identity of the receiver, a job or a command, for one transaction.
create or replace function app.enter_system(p_org uuid) returns uuid language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  set local app.user_id = '';
  set local app.team = '';
  set local app.team_only = '';
  execute format('set local app.organization_id = %L', p_org::text);
  set local app.role = 'system';
  return p_org;
end $f$;
grant execute on function app.enter_system to so_worker;
