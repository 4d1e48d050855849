create or replace function app.is_admin(p_user uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select app.is_super_admin(p_user) or exists (
    select 1 from app.organization_members m join app.users u on u.id = m.user_id
     where m.user_id = p_user and m.active and u.active and m.role in ('owner', 'admin'))
$f$;
grant execute on function app.is_admin to so_app, so_worker;

create or replace function app.user_is_org_member(p_user uuid, p_org uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organization_members m join app.users u on u.id = m.user_id
                  where m.user_id = p_user and m.organization_id = p_org and m.active and u.active)
$f$;
grant execute on function app.user_is_org_member to so_app, so_worker;

create or replace function app.user_is_org_admin(p_user uuid, p_org uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organization_members m join app.users u on u.id = m.user_id
                  where m.user_id = p_user and m.organization_id = p_org and m.active and u.active
                    and m.role in ('owner', 'admin'))
$f$;
grant execute on function app.user_is_org_admin to so_app, so_worker;

create or replace function app.get_user_organization_ids(p_user uuid) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select m.organization_id from app.organization_members m
    join app.users u on u.id = m.user_id join app.organizations o on o.id = m.organization_id
   where m.user_id = p_user and m.active and u.active and o.deleted_at is null
$f$;
grant execute on function app.get_user_organization_ids to so_app, so_worker;
