-- An admin views the product as another member of the same organisation sees it: in read-only
-- transactions, and never as somebody with more rights. The audit log records the start and the
-- end.
create or replace function app.rank_of(p_role text) returns int language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select case p_role when 'super_admin' then 5 when 'owner' then 4 when 'admin' then 3
    when 'manager' then 2 when 'sales_rep' then 1
         when 'viewer' then 0 else 9 end
$f$;

create or replace function app.may_view_as(p_by uuid, p_user uuid, p_org uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select p_by <> p_user and not app.is_super_admin(p_user) and exists (
    select 1
      from app.organization_members m join app.users u on u.id = m.user_id join app.organizations o
        on o.id = m.organization_id
      left join app.organization_members mine on mine.organization_id = m.organization_id
        and mine.user_id = p_by and mine.active
      join app.users me on me.id = p_by
      cross join lateral (select case when app.is_super_admin(p_by) then 'super_admin'
        else mine.role end) as by(role)
     where m.organization_id = p_org and m.user_id = p_user and m.active and u.active
       and o.deleted_at is null and o.status <> 'offboarded' and me.active
       and by.role in ('super_admin', 'owner', 'admin')
         and app.rank_of(m.role) <= app.rank_of(by.role))
$f$;
grant execute on function app.may_view_as to so_app;

create or replace function app.start_view_as(p_token_hash bytea, p_user uuid, p_org uuid)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  update app.sign_in_sessions s set view_as_user_id = p_user, organization_id = p_org
   where s.token_hash = p_token_hash and s.revoked_at is null and s.expires_at > now()
     and app.may_view_as(s.user_id, p_user, p_org);
  return found;
end $f$;
grant execute on function app.start_view_as to so_app;

create or replace function app.stop_view_as(p_token_hash bytea) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  update app.sign_in_sessions set view_as_user_id = null where token_hash = p_token_hash
    and view_as_user_id is not null
$f$;
grant execute on function app.stop_view_as to so_app;

-- The member whom a session views as. If the admin may not do that any more, viewing ends here.
create or replace function app.viewed_as(p_token_hash bytea)
returns table (user_id uuid, name text, email text, role text) language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  s app.sign_in_sessions;
begin
  select * into s from app.sign_in_sessions t where t.token_hash = p_token_hash
    and t.view_as_user_id is not null;
  if not found then
    return;
  end if;
  if not app.may_view_as(s.user_id, s.view_as_user_id, s.organization_id) then
    perform app.stop_view_as(p_token_hash);
    return;
  end if;
  return query
  select m.user_id, m.name, m.email, m.role from app.organization_members m
   where m.organization_id = s.organization_id and m.user_id = s.view_as_user_id;
end $f$;

create or replace function app.enter_as(p_by uuid, p_user uuid, p_org uuid) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if not app.may_view_as(p_by, p_user, p_org) then
    raise exception 'may not look as this member' using errcode = '42501';
  end if;
  set local transaction_read_only = on;
  return app.enter(p_user, p_org);
end $f$;
grant execute on function app.enter_as to so_app;

-- Signing out, or switching to another organisation, ends viewing as somebody.
create or replace function app.end_view_as() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if new.revoked_at is not null
     or (new.organization_id is distinct from old.organization_id
       and new.view_as_user_id is not distinct from old.view_as_user_id) then
    new.view_as_user_id := null;
  end if;
  return new;
end $f$;
grant execute on function app.end_view_as to so_owner;

create or replace function app.audit_view_as() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select line.org, new.user_id, coalesce((select 'super_admin'
    where app.is_super_admin(new.user_id)), (
           select m.role from app.organization_members m where m.organization_id = line.org
             and m.user_id = new.user_id)),
         'organization_members', line.seen::text, line.operation, '{}'
    from (values (old.organization_id, old.view_as_user_id, 'view_as_end'),
      (new.organization_id, new.view_as_user_id, 'view_as_start'))
         as line(org, seen, operation)
   where line.seen is not null;
  return null;
end $f$;
grant execute on function app.audit_view_as to so_owner;
