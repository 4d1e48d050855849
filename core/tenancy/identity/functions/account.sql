-- One's own account. The cookie says whose it is: while the session lasts, its holder may change
-- their own rows and nobody else's.
create or replace function app.account_of(p_token_hash bytea) returns uuid language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select s.user_id from app.sign_in_sessions s join app.users u on u.id = s.user_id
   where s.token_hash = p_token_hash and s.revoked_at is null and s.expires_at > now() and u.active
$f$;

create or replace function app.account_facts(p_token_hash bytea)
returns table (user_id uuid, email text, name text, has_password boolean,
  password_changed_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select u.id, u.email, u.name, u.password_hash is not null, u.password_changed_at
    from app.users u where u.id = app.account_of(p_token_hash)
$f$;
grant execute on function app.account_facts to so_app;

create or replace function app.own_sessions(p_token_hash bytea, p_idle_minutes int)
returns table (id uuid, created_at timestamptz, last_seen_at timestamptz, ip_address text,
  user_agent text, is_this boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select s.id, s.created_at, s.last_seen_at, s.ip_address, s.user_agent, s.token_hash = p_token_hash
    from app.sign_in_sessions s
   where s.user_id = app.account_of(p_token_hash) and s.revoked_at is null and s.expires_at > now()
     and s.last_seen_at > now() - make_interval(mins => p_idle_minutes)
   order by s.token_hash = p_token_hash desc, s.last_seen_at desc
$f$;
grant execute on function app.own_sessions to so_app;

create or replace function app.end_own_session(p_token_hash bytea, p_id uuid) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions s set revoked_at = now()
   where s.id = p_id and s.user_id = app.account_of(p_token_hash) and s.revoked_at is null
     returning true
$f$;
grant execute on function app.end_own_session to so_app;

-- Ends every sign-in of a user but one: sessions, tickets and reset links not yet used, and the API
-- tokens issued so far.
create or replace function app.end_sign_ins(p_user uuid, p_but_token_hash bytea) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  ended int;
begin
  update app.sign_in_sessions set revoked_at = now()
   where user_id = p_user and revoked_at is null and token_hash is distinct from p_but_token_hash;
  get diagnostics ended = row_count;
  update app.sign_in_tickets set used_at = now() where user_id = p_user and used_at is null;
  update app.password_resets set used_at = now() where user_id = p_user and used_at is null;
  update app.users set tokens_valid_from = clock_timestamp() where id = p_user;
  return ended;
end $f$;

create or replace function app.end_own_sign_ins(p_token_hash bytea, p_also_this boolean) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := app.account_of(p_token_hash);
begin
  if who is null then
    return 0;
  end if;
  perform app.record_security(who, 'signed_out_elsewhere', who);
  return app.end_sign_ins(who, case when not p_also_this then p_token_hash end);
end $f$;
grant execute on function app.end_own_sign_ins to so_app;

create or replace function app.change_own_password(p_token_hash bytea, p_password_hash text)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := app.account_of(p_token_hash);
begin
  if who is null then
    return false;
  end if;
  update app.users set password_hash = p_password_hash, password_changed_at = now() where id = who;
  perform app.end_sign_ins(who, p_token_hash);
  perform app.record_security(who, 'password_changed', who);
  return true;
end $f$;
grant execute on function app.change_own_password to so_app;

-- Whether an API token that was issued to the transaction's user at this instant is still valid.
create or replace function app.token_holds(p_issued_at timestamptz) returns boolean language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select coalesce(p_issued_at >= u.tokens_valid_from, true) from app.users u
    where u.id = app.cur_user()
$f$;
grant execute on function app.token_holds to so_app;
