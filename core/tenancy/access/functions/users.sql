-- Ends everything that lets a user in now or later: sign-ins, links to a new password, and open
-- invitations that they sent.
create or replace function app.end_access(p_user uuid) returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.end_sign_ins(p_user, null);
  update app.invitations i set revoked_at = now() where i.invited_by = p_user
    and i.accepted_at is null and i.revoked_at is null;
end $f$;

-- What super admins do with users: search, deactivate, delete.
create or replace function app.users_overview(p_search text, p_limit int)
returns table (id uuid, name text, email text, active boolean, created_at timestamptz,
  deleted_at timestamptz, is_super_admin boolean, last_seen_at timestamptz, places text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select u.id, u.name, u.email, u.active, u.created_at, u.deleted_at, app.is_super_admin(u.id),
         (select max(s.last_seen_at) from app.sign_in_sessions s where s.user_id = u.id),
         array(select o.name || ' (' || replace(m.role, '_', ' ') || case when m.active then ')'
           else ', off)' end
                 from app.organization_members m join app.organizations o
                   on o.id = m.organization_id where m.user_id = u.id order by 1)
    from app.users u
   where p_search = '' or strpos(lower(u.name), lower(p_search)) > 0
     or strpos(u.email_normalized, lower(p_search)) > 0
         or u.id::text = p_search
   order by u.deleted_at nulls first, lower(u.name), u.id limit p_limit;
end $f$;
grant execute on function app.users_overview to so_app;

create or replace function app.set_user_active(p_user uuid, p_active boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin_alone();
  update app.users u set active = p_active where u.id = p_user and u.deleted_at is null;
  if not found then
    return false;
  end if;
  if not p_active then
    perform app.end_access(p_user);
  end if;
  return true;
end $f$;
grant execute on function app.set_user_active to so_app;

-- Removes a user's access and personal data. What they did stays, and so do the bookings and
-- payments that belong to them. Triggers on users.deleted_at remove what other packages store about
-- a user.
create or replace function app.delete_user(p_user uuid) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  gone text := 'deleted.' || left(p_user::text, 8) || '@deleted.invalid';
  invited text[];
begin
  perform app.demand_super_admin_alone();
  perform from app.users u where u.id = p_user and u.deleted_at is null for update;
  if not found then
    return false;
  end if;
  perform app.end_access(p_user);
  delete from app.sign_in_tickets x where x.user_id = p_user;
  delete from app.sign_in_sessions x where x.user_id = p_user;
  delete from app.last_organizations x where x.user_id = p_user;
  delete from app.password_resets x where x.user_id = p_user;
  delete from app.recovery_codes x where x.user_id = p_user;
  delete from app.second_factors x where x.user_id = p_user;
  delete from app.user_roles x where x.user_id = p_user;
  with x as (delete from app.invitations i using app.users u where u.id = p_user
    and i.email_normalized = u.email_normalized returning i.id)
  select array_agg(x.id::text) into invited from x;
  update app.organization_members m set manager_user_id = null where m.manager_user_id = p_user;
  delete from app.organization_members m where m.user_id = p_user;
  update app.users u set name = 'Deleted user', email = gone, email_normalized = 'deleted.'
    || p_user || '@deleted.invalid', password_hash = null,
         active = false, deleted_at = now() where u.id = p_user;
  update app.audit_logs l set changes = app.blanked(l.changes,
    app.user_columns(l.table_name))
   where l.table_name in ('users', 'organization_members') and strpos(l.row_id, p_user::text) > 0;
  update app.audit_logs l set changes = app.blanked(l.changes,
    app.user_columns(l.table_name))
   where l.table_name = 'invitations' and l.row_id = any (invited);
  return true;
end $f$;
grant execute on function app.delete_user to so_app;

-- Whether a user belongs to no organisation, not even as a deactivated member, and is no super
-- admin.
create or replace function app.has_no_organization(p_user uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.users u where u.id = p_user and u.deleted_at is null)
    and not app.is_super_admin(p_user)
     and not exists (select 1 from app.organization_members m where m.user_id = p_user)
$f$;

-- Those users, but not the ones whom an open invitation waits for: they are about to join.
create or replace function app.users_without_organization()
returns table (id uuid, name text, email text) language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select u.id, u.name, u.email from app.users u
   where app.has_no_organization(u.id) and not exists (
     select 1 from app.invitations i join app.organizations o on o.id = i.organization_id
       and o.deleted_at is null
      where i.email_normalized = u.email_normalized and i.accepted_at is null
        and i.revoked_at is null and i.expires_at > now())
   order by lower(u.name), u.id;
end $f$;
grant execute on function app.users_without_organization to so_app;

create or replace function app.delete_users_without_organization(p_users uuid[]) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  select count(*) filter (where app.delete_user(u.id)) from app.users_without_organization() u
    where u.id = any (p_users)
$f$;
grant execute on function app.delete_users_without_organization to so_app;
