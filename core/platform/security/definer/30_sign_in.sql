-- Sign-in happens before there is an identity: these functions are all that nobody may call.
create or replace function app.find_sign_in(p_email_normalized text)
returns table (user_id uuid, name text, email text, password_hash text, active boolean) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select u.id, u.name, u.email, u.password_hash, u.active from app.users u where u.email_normalized = p_email_normalized
$f$;

create or replace function app.issue_ticket(p_user uuid, p_ticket_hash bytea, p_seconds int) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.sign_in_tickets (ticket_hash, user_id, expires_at)
  values (p_ticket_hash, p_user, now() + make_interval(secs => p_seconds))
$f$;

-- Exchanges a ticket for a session, once; returns the user, or null for a used, expired or unknown ticket.
create or replace function app.open_session(p_ticket_hash bytea, p_token_hash bytea, p_hours int, p_ip text, p_agent text)
returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid;
begin
  update app.sign_in_tickets set used_at = now()
   where ticket_hash = p_ticket_hash and used_at is null and expires_at > now() returning user_id into who;
  if who is not null then
    insert into app.sign_in_sessions (token_hash, user_id, organization_id, expires_at, ip_address, user_agent)
    values (p_token_hash, who, (select t.organization_id from app.sign_in_sessions t where t.user_id = who order by t.created_at desc limit 1),
            now() + make_interval(hours => p_hours), p_ip, left(p_agent, 300));
  end if;
  return who;
end $f$;

-- Who is behind a cookie, and where: the chosen organisation if still a member of it, else the one joined first. In one round trip
-- with what every screen needs: the organisation's facts, as whom the session looks, and where else its owner could go.
-- p_in_use: its owner has done something.
create or replace function app.resolve_session(p_token_hash bytea, p_idle_minutes int, p_in_use boolean default true)
returns table (user_id uuid, name text, email text, role text, organization_id uuid, organization_name text, timezone text,
               currency text, modules text[], second_factor_missing boolean, seen_user_id uuid, seen_name text, seen_email text,
               seen_role text, places jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  s app.sign_in_sessions;
begin
  select * into s from app.sign_in_sessions t
   where t.token_hash = p_token_hash and t.revoked_at is null and t.expires_at > now()
     and t.last_seen_at > now() - make_interval(mins => p_idle_minutes);
  if not found then
    return;
  end if;
  return query
  select u.id, u.name, u.email, coalesce(case when sa then 'super_admin' end, m.role), o.id, o.name, o.timezone, o.currency,
         o.modules, settings.require_second_factor and not app.has_second_factor(u.id), seen.user_id, seen.name, seen.email, seen.role,
         case when seen.user_id is null then (select jsonb_agg(to_jsonb(place)) from app.organizations_of(u.id) place) end
    from app.users u
    cross join lateral (select app.is_super_admin(u.id)) as a(sa)
    cross join lateral (
      select org.* from app.organizations org
        left join app.organization_members x on x.organization_id = org.id and x.user_id = u.id and x.active
       where org.deleted_at is null and (sa or x.user_id is not null)
       order by (org.id = s.organization_id) desc nulls last, x.created_at, org.name limit 1) o
    join app.access_settings settings on settings.organization_id = o.id
    left join app.organization_members m on m.organization_id = o.id and m.user_id = u.id and m.active
    left join lateral app.viewed_as(p_token_hash) seen on true
   where u.id = s.user_id and u.active;
  if found and p_in_use then
    perform app.use_session(p_token_hash);
  end if;
end $f$;

-- Its owner has done something: the time without use begins anew. To the minute, so that not every look is a write.
create or replace function app.use_session(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set last_seen_at = now()
   where token_hash = p_token_hash and revoked_at is null and last_seen_at < now() - interval '1 minute'
$f$;

create or replace function app.choose_organization(p_token_hash bytea, p_org uuid) returns boolean language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions s set organization_id = p_org
   where s.token_hash = p_token_hash and s.revoked_at is null
     and (app.user_is_org_member(s.user_id, p_org) or app.is_super_admin(s.user_id))
  returning true
$f$;

create or replace function app.close_session(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set revoked_at = now() where token_hash = p_token_hash and revoked_at is null
$f$;

-- The organisations a user can switch to.
create or replace function app.organizations_of(p_user uuid)
returns table (organization_id uuid, name text, slug text, role text) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select o.id, o.name, o.slug, case when app.is_super_admin(p_user) then 'super_admin' else m.role end
    from app.organizations o
    left join app.organization_members m on m.organization_id = o.id and m.user_id = p_user and m.active
   where o.deleted_at is null and (m.user_id is not null or app.is_super_admin(p_user)) order by o.name
$f$;

-- One hit on ``p_key``: 0 when it is within ``p_limit`` per window, else the seconds until the window ends.
create or replace function app.take_hit(p_key text, p_limit int, p_window_seconds int) returns int language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  opens timestamptz := to_timestamp(floor(extract(epoch from clock_timestamp()) / p_window_seconds) * p_window_seconds);
  n int;
begin
  insert into app.rate_limits as r (key, window_start, hits) values (p_key, opens, 1)
  on conflict (key, window_start) do update set hits = r.hits + 1 returning r.hits into n;
  if n <= p_limit then
    return 0;
  end if;
  return greatest(1, ceil(extract(epoch from opens + make_interval(secs => p_window_seconds) - clock_timestamp()))::int);
end $f$;

-- A right password does not count as a try.
create or replace function app.give_back_hit(p_key text) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  update app.rate_limits r set hits = r.hits - 1
   where r.key = p_key and r.key like 'sign-in:%' and r.hits > 0
     and r.window_start = (select max(x.window_start) from app.rate_limits x where x.key = p_key)
$f$;

-- An organisation by its slug or id, for the command line and the API's sign-in.
create or replace function app.find_organization(p_slug_or_id text) returns uuid language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select o.id from app.organizations o where (o.slug = p_slug_or_id or o.id::text = p_slug_or_id) and o.deleted_at is null
$f$;

create or replace function app.all_organization_ids() returns setof uuid language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$ select o.id from app.organizations o where o.deleted_at is null $f$;

-- Those in their grace too: what is in them may come back.
create or replace function app.kept_organization_ids() returns setof uuid language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$ select o.id from app.organizations o $f$;

revoke all on function app.find_sign_in(text), app.issue_ticket(uuid, bytea, int), app.open_session(bytea, bytea, int, text, text),
  app.resolve_session(bytea, int, boolean), app.use_session(bytea), app.choose_organization(bytea, uuid), app.close_session(bytea),
  app.organizations_of(uuid), app.take_hit(text, int, int), app.give_back_hit(text), app.find_organization(text),
  app.all_organization_ids(), app.kept_organization_ids() from public;
grant execute on function app.find_sign_in(text), app.issue_ticket(uuid, bytea, int), app.open_session(bytea, bytea, int, text, text),
  app.resolve_session(bytea, int, boolean), app.choose_organization(bytea, uuid), app.close_session(bytea),
  app.organizations_of(uuid), app.give_back_hit(text), app.find_organization(text) to so_app;
grant execute on function app.find_sign_in(text), app.find_organization(text), app.all_organization_ids(), app.kept_organization_ids() to so_worker;
grant execute on function app.take_hit(text, int, int) to so_app, so_worker;
