-- What only those who run the whole installation do with users: found, kept out, deleted.
create or replace function app.users_overview(p_search text, p_limit int)
returns table (id uuid, name text, email text, active boolean, created_at timestamptz, deleted_at timestamptz, is_super_admin boolean,
               last_seen_at timestamptz, places text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select u.id, u.name, u.email, u.active, u.created_at, u.deleted_at, app.is_super_admin(u.id),
         (select max(s.last_seen_at) from app.sign_in_sessions s where s.user_id = u.id),
         array(select o.name || ' (' || replace(m.role, '_', ' ') || case when m.active then ')' else ', off)' end
                 from app.organization_members m join app.organizations o on o.id = m.organization_id where m.user_id = u.id order by 1)
    from app.users u
   where p_search = '' or strpos(lower(u.name), lower(p_search)) > 0 or strpos(u.email_normalized, lower(p_search)) > 0
         or u.id::text = p_search
   order by u.deleted_at nulls first, lower(u.name), u.id limit p_limit;
end $f$;

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

-- The audit trail without the values of some columns; that they changed stays.
create or replace function app.blanked(p_changes jsonb, p_columns text[]) returns jsonb language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select coalesce(jsonb_object_agg(c.key, case when c.key = any (p_columns) then '["…", "…"]'::jsonb else c.value end), '{}')
    from jsonb_each(p_changes) c
$f$;

-- Access and personal data go; what the user did, and whose calls and payments are, stays. The roster keeps its names.
create or replace function app.delete_user(p_user uuid) returns boolean language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  known text;
  gone text := 'deleted.' || left(p_user::text, 8) || '@deleted.invalid';
  theirs text[];
  invited text[];
  address text;
  blocked text[];
begin
  perform app.demand_super_admin_alone();
  select u.name, u.email_normalized into known, address from app.users u where u.id = p_user and u.deleted_at is null for update;
  if not found then
    return false;
  end if;
  perform app.end_access(p_user);
  update app.access_tokens t set revoked_at = now()
   where t.revoked_at is null and (exists (select 1 from app.closers c where (c.organization_id, c.id) = (t.organization_id, t.closer_id) and c.user_id = p_user)
         or exists (select 1 from app.setters s where (s.organization_id, s.id) = (t.organization_id, t.setter_id) and s.user_id = p_user));
  delete from app.sign_in_tickets x where x.user_id = p_user;
  delete from app.sign_in_sessions x where x.user_id = p_user;
  delete from app.password_resets x where x.user_id = p_user;
  delete from app.recovery_codes x where x.user_id = p_user;
  delete from app.second_factors x where x.user_id = p_user;
  delete from app.user_roles x where x.user_id = p_user;
  delete from app.pcf_drafts x where x.user_id = p_user;
  with x as (delete from app.invitations i using app.users u where u.id = p_user and i.email_normalized = u.email_normalized returning i.id)
  select array_agg(x.id::text) into invited from x;
  update app.outbox m set recipient = gone, body = m.body - 'sealed',
         status = case when m.status in ('waiting', 'sending') then 'failed' else m.status end where m.recipient = address;
  with x as (delete from app.suppressed_emails s where s.email_normalized = address and not exists (
               select 1 from app.contact_emails c where c.organization_id = s.organization_id and c.email_normalized = address) returning s.id)
  select array_agg(x.id::text) into blocked from x;
  update app.organization_members m set manager_user_id = null where m.manager_user_id = p_user;
  delete from app.organization_members m where m.user_id = p_user;
  theirs := array(select c.id::text from app.closers c where c.user_id = p_user union select s.id::text from app.setters s where s.user_id = p_user);
  update app.closers c set user_id = null, email = null, email_normalized = null where c.user_id = p_user;
  update app.setters s set user_id = null, email = null, email_normalized = null where s.user_id = p_user;
  update app.activities a set summary = replace(a.summary, known, 'a deleted user') where a.actor_user_id = p_user;
  update app.users u set name = 'Deleted user', email = gone, email_normalized = 'deleted.' || p_user || '@deleted.invalid', password_hash = null,
         active = false, deleted_at = now() where u.id = p_user;
  update app.audit_logs l set changes = app.blanked(l.changes, array['name', 'email', 'email_normalized'])
   where (l.table_name in ('users', 'organization_members') and strpos(l.row_id, p_user::text) > 0)
      or (l.table_name in ('closers', 'setters') and l.row_id = any (theirs) and l.changes ?| array['email', 'email_normalized']);
  update app.audit_logs l set changes = app.blanked(l.changes, array['email', 'email_normalized'])
   where (l.table_name = 'invitations' and l.row_id = any (invited)) or (l.table_name = 'suppressed_emails' and l.row_id = any (blocked));
  return true;
end $f$;

-- Somebody who belongs to no organisation, switched off or not, and to the platform neither.
create or replace function app.has_no_organization(p_user uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.users u where u.id = p_user and u.deleted_at is null) and not app.is_super_admin(p_user)
     and not exists (select 1 from app.organization_members m where m.user_id = p_user)
$f$;

-- Of these, whoever an open invitation waits for is about to belong somewhere.
create or replace function app.users_without_organization() returns table (id uuid, name text, email text) language plpgsql stable
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select u.id, u.name, u.email from app.users u
   where app.has_no_organization(u.id) and not exists (
     select 1 from app.invitations i join app.organizations o on o.id = i.organization_id and o.deleted_at is null
      where i.email_normalized = u.email_normalized and i.accepted_at is null and i.revoked_at is null and i.expires_at > now())
   order by lower(u.name), u.id;
end $f$;

create or replace function app.delete_users_without_organization(p_users uuid[]) returns bigint language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  select count(*) filter (where app.delete_user(u.id)) from app.users_without_organization() u where u.id = any (p_users)
$f$;

revoke all on function app.users_overview(text, int), app.set_user_active(uuid, boolean), app.blanked(jsonb, text[]), app.delete_user(uuid),
  app.has_no_organization(uuid), app.users_without_organization(), app.delete_users_without_organization(uuid[]) from public;
grant execute on function app.users_overview(text, int), app.set_user_active(uuid, boolean), app.delete_user(uuid),
  app.users_without_organization(), app.delete_users_without_organization(uuid[]) to so_app;
