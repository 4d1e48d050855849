-- Functions for the sign-in, which happens before there is an identity. They are the only ones that
-- may be called without one.
create or replace function app.find_sign_in(p_email_normalized text)
returns table (user_id uuid, name text, email text, password_hash text, active boolean) language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select u.id, u.name, u.email, u.password_hash, u.active from app.users u
    where u.email_normalized = p_email_normalized
$f$;
grant execute on function app.find_sign_in to so_app, so_worker;

create or replace function app.issue_ticket(p_user uuid, p_ticket_hash bytea, p_seconds int)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.sign_in_tickets (ticket_hash, user_id, expires_at)
  values (p_ticket_hash, p_user, now() + make_interval(secs => p_seconds))
$f$;
grant execute on function app.issue_ticket to so_app;

-- The organisation that a user worked in last, whether on the screens or with a program: where they
-- begin when they name none.
create or replace function app.remember_organization(p_user uuid, p_org uuid) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.last_organizations as l (user_id, organization_id) values (p_user, p_org)
  on conflict (user_id) do update set organization_id = excluded.organization_id
    where l.organization_id <> excluded.organization_id
$f$;
grant execute on function app.remember_organization to so_app;

create or replace function app.last_organization(p_user uuid) returns uuid language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select l.organization_id from app.last_organizations l where l.user_id = p_user
$f$;
grant execute on function app.last_organization to so_app;

-- Exchanges a ticket for a session, once; returns the user, or null for a used, expired or unknown
-- ticket.
create or replace function app.open_session(p_ticket_hash bytea, p_token_hash bytea, p_hours int,
  p_ip text, p_agent text)
returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid;
begin
  update app.sign_in_tickets set used_at = now()
   where ticket_hash = p_ticket_hash and used_at is null and expires_at > now()
     returning user_id into who;
  if who is not null then
    insert into app.sign_in_sessions (token_hash, user_id, organization_id, expires_at, ip_address,
      user_agent)
    values (p_token_hash, who, app.last_organization(who), now() + make_interval(hours => p_hours),
      p_ip, left(p_agent, 300));
  end if;
  return who;
end $f$;
grant execute on function app.open_session to so_app;

-- Notes that a session was used, which restarts its idle timeout. Notes it once a minute at most,
-- so that reading a page rarely writes.
create or replace function app.use_session(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set last_seen_at = now()
   where token_hash = p_token_hash and revoked_at is null
     and last_seen_at < now() - interval '1 minute'
$f$;

create or replace function app.close_session(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set revoked_at = now() where token_hash = p_token_hash
    and revoked_at is null
$f$;
grant execute on function app.close_session to so_app;

create or replace function app.forget_expired() returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  delete from app.rate_limits where window_start < now() - interval '2 hours';
  delete from app.sign_in_tickets where expires_at < now() - interval '1 day';
  delete from app.sign_in_sessions where expires_at < now() - interval '30 days';
  delete from app.password_resets where expires_at < now() - interval '30 days';
$f$;
grant execute on function app.forget_expired to so_worker;

-- For use after a restore: sessions that ended after the backup must not be open again.
create or replace function app.end_every_sign_in() returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set revoked_at = now() where revoked_at is null;
  delete from app.sign_in_tickets;
  update app.password_resets set used_at = now() where used_at is null;
$f$;
grant execute on function app.end_every_sign_in to so_owner;
