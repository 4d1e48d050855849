-- Who is behind a cookie, and where: the organisation that the tab shows if still a member of it,
-- else the chosen one, else the one joined first. In one round trip with what every screen needs:
-- the organisation's facts, as whom the session looks, and where else its owner could go. A look as
-- somebody else is a look at one organisation; tabs of others are not part of it. p_in_use: its
-- owner has done something.
create or replace function app.resolve_session(p_token_hash bytea, p_idle_minutes int,
  p_in_use boolean default true, p_organization uuid default null)
returns table (user_id uuid, name text, email text, role text, organization_id uuid,
  organization_name text, timezone text, currency text, locale text, modules text[],
  second_factor_missing boolean, seen_user_id uuid, seen_name text, seen_email text, seen_role text,
  places jsonb)
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
  select u.id, u.name, u.email, coalesce(case when sa then 'super_admin' end, m.role), o.id, o.name,
    o.timezone, o.currency, o.locale,
         o.modules, settings.require_second_factor and not app.has_second_factor(u.id),
           seen.user_id, seen.name, seen.email, seen.role,
         case when seen.user_id is null then (select jsonb_agg(to_jsonb(place))
           from app.organizations_of(u.id) place) end
    from app.users u
    cross join lateral (select app.is_super_admin(u.id)) as a(sa)
    cross join lateral (
      select org.* from app.organizations org
        left join app.organization_members x on x.organization_id = org.id and x.user_id = u.id
          and x.active
       where org.deleted_at is null
         and (sa or x.user_id is not null and org.status <> 'offboarded')
       order by (org.id = p_organization) desc nulls last,
         (org.id = s.organization_id) desc nulls last, x.created_at, org.name
       limit 1) o
    join app.access_settings settings on settings.organization_id = o.id
    left join app.organization_members m on m.organization_id = o.id and m.user_id = u.id
      and m.active
    left join lateral app.viewed_as(p_token_hash) seen on o.id = s.organization_id
   where u.id = s.user_id and u.active;
  if found and p_in_use then
    perform app.use_session(p_token_hash);
  end if;
end $f$;
grant execute on function app.resolve_session to so_app;

-- The organisations a user can switch to.
create or replace function app.organizations_of(p_user uuid)
returns table (organization_id uuid, name text, slug text, role text) language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select o.id, o.name, o.slug, case when app.is_super_admin(p_user) then 'super_admin'
    else m.role end
    from app.organizations o
    left join app.organization_members m on m.organization_id = o.id and m.user_id = p_user
      and m.active
   where o.deleted_at is null and (m.user_id is not null and o.status <> 'offboarded'
     or app.is_super_admin(p_user))
     order by o.name
$f$;
grant execute on function app.organizations_of to so_app;

create or replace function app.choose_organization(p_token_hash bytea, p_org uuid) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  with chosen as (
    update app.sign_in_sessions s set organization_id = p_org
     where s.token_hash = p_token_hash and s.revoked_at is null
       and exists (select 1 from app.organizations_of(s.user_id) o where o.organization_id = p_org)
    returning s.user_id)
  select true from chosen, app.remember_organization(chosen.user_id, p_org)
$f$;
grant execute on function app.choose_organization to so_app;

-- The organisations that a user is a member of and that are closed to them, since they were
-- offboarded.
create or replace function app.closed_organizations_of(p_user uuid)
returns table (organization_id uuid, name text) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select o.id, o.name
    from app.organization_members m join app.organizations o on o.id = m.organization_id
   where m.user_id = p_user and m.active and o.deleted_at is null and o.status = 'offboarded'
     and not app.is_super_admin(p_user)
   order by o.name
$f$;
grant execute on function app.closed_organizations_of to so_app;

-- Ends a member's sessions that are in this organisation, or have not chosen one yet.
create or replace function app.close_sessions_in(p_user uuid, p_org uuid) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set revoked_at = now()
   where user_id = p_user and revoked_at is null
     and (organization_id = p_org or organization_id is null)
     and p_org = app.cur_org() and app.cur_role() in ('super_admin', 'owner', 'admin')
$f$;
grant execute on function app.close_sessions_in to so_app;
