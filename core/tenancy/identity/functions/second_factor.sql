-- The second factor. For one's own account the cookie's token identifies the user; during the
-- sign-in the user is given.
create or replace function app.has_second_factor(p_user uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.second_factors f where f.user_id = p_user
    and f.confirmed_at is not null)
$f$;
grant execute on function app.has_second_factor to so_app;

create or replace function app.second_factor_of(p_user uuid)
returns table (sealed bytea, confirmed_at timestamptz, codes_left int) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select f.totp_secret, f.confirmed_at,
         (select count(*)::int from app.recovery_codes c where c.user_id = p_user
           and c.used_at is null)
    from app.second_factors f where f.user_id = p_user
$f$;
grant execute on function app.second_factor_of to so_app;

-- Stores a new secret that waits to be confirmed. A confirmed one is not replaced.
create or replace function app.begin_second_factor(p_token_hash bytea, p_sealed bytea)
returns boolean language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.second_factors as f (user_id, totp_secret)
  select who, p_sealed from app.account_of(p_token_hash) as who where who is not null
  on conflict (user_id) do update set totp_secret = excluded.totp_secret, created_at = now()
    where f.confirmed_at is null
  returning true
$f$;
grant execute on function app.begin_second_factor to so_app;

create or replace function app.replace_recovery_codes(p_user uuid, p_codes bytea[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  delete from app.recovery_codes where user_id = p_user;
  insert into app.recovery_codes (user_id, code_hash) select p_user, code
    from unnest(p_codes) as code where p_user is not null
$f$;

create or replace function app.renew_recovery_codes(p_token_hash bytea, p_codes bytea[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := app.account_of(p_token_hash);
begin
  if who is not null then
    perform app.replace_recovery_codes(who, p_codes);
    perform app.record_security(who, 'recovery_codes_renewed', who);
  end if;
end $f$;
grant execute on function app.renew_recovery_codes to so_app;

create or replace function app.confirm_second_factor(p_token_hash bytea, p_step int,
  p_codes bytea[])
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := app.account_of(p_token_hash);
begin
  update app.second_factors set confirmed_at = now(), last_step = p_step where user_id = who
    and confirmed_at is null;
  if not found then
    return false;
  end if;
  perform app.replace_recovery_codes(who, p_codes);
  perform app.record_security(who, 'second_factor_on', who);
  return true;
end $f$;
grant execute on function app.confirm_second_factor to so_app;

create or replace function app.drop_second_factor(p_token_hash bytea) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := app.account_of(p_token_hash);
begin
  delete from app.recovery_codes where user_id = who;
  delete from app.second_factors where user_id = who and confirmed_at is not null;
  if found then
    perform app.record_security(who, 'second_factor_off', who);
  end if;
end $f$;
grant execute on function app.drop_second_factor to so_app;

create or replace function app.cancel_second_factor(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  delete from app.second_factors where user_id = app.account_of(p_token_hash)
    and confirmed_at is null
$f$;
grant execute on function app.cancel_second_factor to so_app;

-- Accepts each time step once, and no step earlier than the last accepted one.
create or replace function app.take_totp_step(p_user uuid, p_step int) returns boolean language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.second_factors f set last_step = p_step
   where f.user_id = p_user and f.confirmed_at is not null and coalesce(f.last_step, 0) < p_step
     returning true
$f$;
grant execute on function app.take_totp_step to so_app;

create or replace function app.use_recovery_code(p_user uuid, p_code bytea) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  update app.recovery_codes c set used_at = now()
   where c.user_id = p_user and c.code_hash = p_code and c.used_at is null
     and app.has_second_factor(p_user);
  if not found then
    return false;
  end if;
  perform app.record_security(p_user, 'recovery_code_used', p_user);
  return true;
end $f$;
grant execute on function app.use_recovery_code to so_app;

-- For rotating the master key, and for somebody who has lost both telephone and recovery codes and
-- asks the people who run the installation.
create or replace function app.sealed_second_factors() returns table (user_id uuid, sealed bytea)
language sql security definer
set search_path = pg_catalog, pg_temp as $f$ select f.user_id, f.totp_secret
  from app.second_factors f for update $f$;
grant execute on function app.sealed_second_factors to so_worker;

create or replace function app.reseal_second_factor(p_user uuid, p_sealed bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  update app.second_factors f set totp_secret = p_sealed where f.user_id = p_user
$f$;
grant execute on function app.reseal_second_factor to so_worker;

create or replace function app.clear_second_factor(p_email_normalized text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid := (select u.id from app.users u where u.email_normalized = p_email_normalized);
begin
  delete from app.recovery_codes where user_id = who;
  delete from app.second_factors where user_id = who;
  if not found then
    return false;
  end if;
  perform app.record_security(who, 'second_factor_cleared', null);
  return true;
end $f$;
grant execute on function app.clear_second_factor to so_worker;
