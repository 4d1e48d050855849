-- The roles of a user. SECURITY DEFINER with a pinned search path, since they read memberships for
-- any caller.
create or replace function app.has_role(p_user uuid, p_role text) returns boolean language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.user_roles r join app.users u on u.id = r.user_id
                  where r.user_id = p_user and r.role = p_role and u.active)
$f$;
grant execute on function app.has_role to so_app, so_worker;

create or replace function app.is_super_admin(p_user uuid) returns boolean language sql stable
security definer
set search_path = pg_catalog, pg_temp as $f$ select app.has_role(p_user, 'super_admin') $f$;
grant execute on function app.is_super_admin to so_app, so_worker;

-- Platform roles are given by whoever runs the installation (the command line), never from a
-- screen.
create or replace function app.make_super_admin(p_user uuid) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.user_roles (user_id, role) values (p_user, 'super_admin') on conflict do nothing
$f$;
grant execute on function app.make_super_admin to so_worker;

-- Checks for functions of super admins, who create, configure and delete organisations.
create or replace function app.demand_super_admin() returns uuid language plpgsql stable
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if not coalesce(app.is_super_admin(app.cur_user()), false) then
    raise insufficient_privilege using message = 'only a super admin may do this';
  end if;
  return app.cur_user();
end $f$;

-- The same, one transaction at a time, so that two super admins cannot deactivate each other at the
-- same moment and leave none.
create or replace function app.demand_super_admin_alone() returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform pg_advisory_xact_lock(hashtextextended('users of the platform', 0));
  perform app.demand_super_admin();
end $f$;
