-- What only those who run the whole installation do: organisations made, configured, deleted; users deactivated, deleted.
create or replace function app.demand_super_admin() returns uuid language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  if not coalesce(app.is_super_admin(app.cur_user()), false) then
    raise insufficient_privilege using message = 'only a super admin may do this';
  end if;
  return app.cur_user();
end $f$;

create or replace function app.organizations_overview()
returns table (id uuid, name text, slug text, timezone text, currency text, modules text[], plan text, is_demo boolean,
               created_at timestamptz, deleted_at timestamptz, purge_after timestamptz, members bigint, events bigint,
               last_delivery_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select o.id, o.name, o.slug, o.timezone, o.currency, o.modules, o.plan, o.is_demo, o.created_at, o.deleted_at, o.purge_after,
         coalesce(m.n, 0), coalesce(e.n, 0), d.at
    from app.organizations o
    left join (select x.organization_id as org, count(*) as n from app.organization_members x where x.active group by 1) m on m.org = o.id
    left join (select x.organization_id as org, count(*) as n from app.events x where x.deleted_at is null group by 1) e on e.org = o.id
    left join (select x.organization_id as org, max(x.last_webhook_at) as at from app.connection_activity x group by 1) d on d.org = o.id
   order by o.deleted_at nulls first, lower(o.name);
end $f$;

create or replace function app.found_organization(
  p_id uuid, p_name text, p_slug text, p_timezone text, p_currency text, p_region text
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  insert into app.organizations (id, name, slug, timezone, currency, region)
  values (p_id, p_name, p_slug, p_timezone, p_currency, p_region);
end $f$;

create or replace function app.configure_organization(p_org uuid, p_modules text[], p_plan text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set modules = p_modules, plan = p_plan where o.id = p_org and o.deleted_at is null;
  return found;
end $f$;

-- Hidden at once from everybody; what is in it goes when the grace is over.
create or replace function app.delete_organization(p_org uuid, p_grace_days int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set deleted_at = now(), purge_after = now() + make_interval(days => p_grace_days)
   where o.id = p_org and o.deleted_at is null;
  return found;
end $f$;

create or replace function app.restore_organization(p_org uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set deleted_at = null, purge_after = null
   where o.id = p_org and o.deleted_at is not null and o.purge_after > now();
  return found;
end $f$;

-- Whether the audit trail may keep silent: a purge writes one line for the whole organisation, not one for every row.
create or replace function app.is_being_purged(p_org uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organizations o where o.id = p_org and o.deleted_at is not null and o.purge_after <= now())
$f$;

-- Removes the organisations whose grace is over, with everything in them; returns their ids. A table that others still refer to
-- is tried again after them, so that a new table needs no mention here.
create or replace function app.purge_organizations() returns setof uuid language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  gone record;
  part text;
  rows_gone bigint;
  counted jsonb;
  remaining text[];
  stuck text[];
begin
  for gone in select o.id, o.name, o.slug from app.organizations o
               where o.deleted_at is not null and o.purge_after <= now() for update skip locked loop
    perform set_config('app.purging', gone.id::text, true);
    update app.sign_in_sessions s set organization_id = null where s.organization_id = gone.id;
    counted := '{}';
    remaining := array(select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
                        where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
                          and a.attname = 'organization_id' and not a.attisdropped and c.relname not in ('sign_in_sessions', 'audit_logs') order by 1);
    while cardinality(remaining) > 0 loop
      stuck := '{}';
      foreach part in array remaining loop
        begin
          execute format('delete from app.%I where organization_id = $1', part) using gone.id;
          get diagnostics rows_gone = row_count;
          counted := counted || case when rows_gone > 0 then jsonb_build_object(part, rows_gone) else '{}'::jsonb end;
        exception when foreign_key_violation then
          stuck := stuck || part;
        end;
      end loop;
      if stuck = remaining then
        raise exception 'rows of % refer to each other', stuck;
      end if;
      remaining := stuck;
    end loop;
    delete from app.organizations o where o.id = gone.id;
    delete from app.audit_logs l where l.organization_id = gone.id;
    perform set_config('app.purging', '', true);
    insert into app.audit_logs (organization_id, actor_role, table_name, row_id, operation, changes)
    values ('00000000-0000-0000-0000-000000000000', 'system', 'organizations', gone.id::text, 'purge',
            jsonb_build_object('name', jsonb_build_array(gone.name, null), 'slug', jsonb_build_array(gone.slug, null), 'rows', counted));
    return next gone.id;
  end loop;
end $f$;

create or replace function app.users_overview(p_search text, p_limit int)
returns table (id uuid, name text, email text, active boolean, created_at timestamptz, deleted_at timestamptz, is_super_admin boolean,
               last_seen_at timestamptz, places text[])
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select u.id, u.name, u.email, u.active, u.created_at, u.deleted_at, app.is_super_admin(u.id),
         (select max(s.last_seen_at) from app.sign_in_sessions s where s.user_id = u.id),
         array(select o.name || ' (' || replace(m.role, '_', ' ') || ')' from app.organization_members m
                 join app.organizations o on o.id = m.organization_id where m.user_id = u.id and m.active order by 1)
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
begin
  perform app.demand_super_admin_alone();
  select u.name into known from app.users u where u.id = p_user and u.deleted_at is null for update;
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
   where l.table_name = 'invitations' and l.row_id = any (invited);
  return true;
end $f$;

revoke all on function app.demand_super_admin(), app.organizations_overview(), app.found_organization(uuid, text, text, text, text, text),
  app.configure_organization(uuid, text[], text), app.delete_organization(uuid, int), app.restore_organization(uuid),
  app.is_being_purged(uuid), app.purge_organizations(), app.users_overview(text, int), app.set_user_active(uuid, boolean),
  app.blanked(jsonb, text[]), app.delete_user(uuid) from public;
grant execute on function app.organizations_overview(), app.found_organization(uuid, text, text, text, text, text),
  app.configure_organization(uuid, text[], text), app.delete_organization(uuid, int), app.restore_organization(uuid),
  app.users_overview(text, int), app.set_user_active(uuid, boolean), app.delete_user(uuid) to so_app;
grant execute on function app.purge_organizations() to so_worker;
grant execute on function app.is_being_purged(uuid) to so_owner, so_app, so_worker;
