-- What a user is. SECURITY DEFINER with a pinned search path: they read memberships whoever asks.
create or replace function app.has_role(p_user uuid, p_role text) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.user_roles r join app.users u on u.id = r.user_id
                  where r.user_id = p_user and r.role = p_role and u.active)
$f$;

create or replace function app.is_super_admin(p_user uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$ select app.has_role(p_user, 'super_admin') $f$;

create or replace function app.is_admin(p_user uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select app.is_super_admin(p_user) or exists (
    select 1 from app.organization_members m join app.users u on u.id = m.user_id
     where m.user_id = p_user and m.active and u.active and m.role in ('owner', 'admin'))
$f$;

create or replace function app.user_is_org_member(p_user uuid, p_org uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organization_members m join app.users u on u.id = m.user_id
                  where m.user_id = p_user and m.organization_id = p_org and m.active and u.active)
$f$;

create or replace function app.user_is_org_admin(p_user uuid, p_org uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organization_members m join app.users u on u.id = m.user_id
                  where m.user_id = p_user and m.organization_id = p_org and m.active and u.active
                    and m.role in ('owner', 'admin'))
$f$;

create or replace function app.get_user_organization_ids(p_user uuid) returns setof uuid language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select m.organization_id from app.organization_members m
    join app.users u on u.id = m.user_id join app.organizations o on o.id = m.organization_id
   where m.user_id = p_user and m.active and u.active and o.deleted_at is null
$f$;

revoke all on function app.has_role(uuid, text), app.is_super_admin(uuid), app.is_admin(uuid),
  app.user_is_org_member(uuid, uuid), app.user_is_org_admin(uuid, uuid), app.get_user_organization_ids(uuid) from public;
grant execute on function app.has_role(uuid, text), app.is_super_admin(uuid), app.is_admin(uuid),
  app.user_is_org_member(uuid, uuid), app.user_is_org_admin(uuid, uuid), app.get_user_organization_ids(uuid) to so_app, so_worker;
