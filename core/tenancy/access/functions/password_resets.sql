-- The address for e-mails about a user's account; null for a user who cannot sign in to this
-- organisation.
create or replace function app.account_address(p_user uuid) returns text language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select u.email from app.users u join app.organization_members m on m.user_id = u.id
   where u.id = p_user and u.active and u.deleted_at is null and m.active
     and m.organization_id = app.cur_org()
$f$;
grant execute on function app.account_address to so_worker;

create or replace function app.add_password_reset(p_user uuid, p_token_hash bytea, p_minutes int)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.password_resets (token_hash, user_id, expires_at)
  select p_token_hash, p_user, now() + make_interval(mins => p_minutes)
    where app.account_address(p_user) is not null
$f$;
grant execute on function app.add_password_reset to so_worker;
