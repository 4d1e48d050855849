-- Platform roles are given by whoever runs the installation (the command line), never from a screen.
create or replace function app.make_super_admin(p_user uuid) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  insert into app.user_roles (user_id, role) values (p_user, 'super_admin') on conflict do nothing
$f$;
revoke all on function app.make_super_admin(uuid) from public;
grant execute on function app.make_super_admin(uuid) to so_worker;
