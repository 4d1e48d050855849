-- What happens to somebody's account, told to those who run the organisations that they belong to: one line in the log of each,
-- in the platform's for whoever belongs to none. The line names the user and what was done, never a code or a secret.
create or replace function app.record_security(p_user uuid, p_operation text, p_actor uuid) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id, operation, changes)
  select coalesce(m.organization_id, '00000000-0000-0000-0000-000000000000'), p_actor, nullif(current_setting('app.role', true), ''),
         'users', coalesce(p_user::text, ''), p_operation, '{}'
    from (select p_user as id) who left join app.organization_members m on m.user_id = who.id and m.active
$f$;

-- Once in a window for each key: an account's sign-ins failed too often from one place. For an address that is nobody's the same
-- work is done, so that nobody learns from it which addresses are somebody's.
create or replace function app.record_lock_out(p_user uuid, p_key text, p_window_seconds int) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if app.take_hit('locked-out:' || p_key, 1, p_window_seconds) = 0 then
    perform app.record_security(p_user, 'locked_out', null);
  end if;
end $f$;

revoke all on function app.record_security(uuid, text, uuid), app.record_lock_out(uuid, text, int) from public;
grant execute on function app.record_lock_out(uuid, text, int) to so_app;
