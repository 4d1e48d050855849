-- Records a security event of an account in the platform's log: the user and what was done, never a
-- code or a secret. A trigger records it in the user's organisations instead: see
-- app.pass_on_security_event.
create or replace function app.record_security(p_user uuid, p_operation text, p_actor uuid)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  values ('00000000-0000-0000-0000-000000000000', p_actor,
    nullif(current_setting('app.role', true), ''),
          'users', coalesce(p_user::text, ''), p_operation, '{}')
$f$;

-- Records, once per key and window, that sign-ins to an account failed too often from one place.
-- For an address without an account the same work is done, so that the response time does not
-- reveal which addresses have one.
create or replace function app.record_lock_out(p_user uuid, p_key text, p_window_seconds int)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if app.take_hit('locked-out:' || p_key, 1, p_window_seconds) = 0 then
    perform app.record_security(p_user, 'locked_out', null);
  end if;
end $f$;
grant execute on function app.record_lock_out to so_app;
