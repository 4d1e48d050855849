create or replace function app.find_password_reset(p_token_hash bytea) returns text language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select u.email from app.password_resets r join app.users u on u.id = r.user_id and u.active
    and u.deleted_at is null
   where r.token_hash = p_token_hash and r.used_at is null and r.expires_at > now()
$f$;
grant execute on function app.find_password_reset to so_app;

-- Sets a new password by a link, which works once. All sessions, tickets, API tokens and other
-- links of the user end.
create or replace function app.use_password_reset(p_token_hash bytea, p_password_hash text)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid;
begin
  update app.password_resets r set used_at = now()
   where r.token_hash = p_token_hash and r.used_at is null and r.expires_at > now()
     and exists (select 1 from app.users u where u.id = r.user_id and u.active
       and u.deleted_at is null)
  returning r.user_id into who;
  if who is null then
    return false;
  end if;
  execute format('set local app.user_id = %L', who::text);  -- the audit log names whose link it was
  update app.users set password_hash = p_password_hash, password_changed_at = now() where id = who;
  perform app.end_sign_ins(who, null);
  perform app.record_security(who, 'password_reset', who);
  set local app.user_id = '';
  return true;
end $f$;
grant execute on function app.use_password_reset to so_app;
