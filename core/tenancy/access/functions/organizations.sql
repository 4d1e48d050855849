create or replace function app.create_organization_as_admin(
  p_id uuid, p_name text, p_slug text, p_timezone text, p_currency text, p_region text,
  p_locale text
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  insert into app.organizations (id, name, slug, timezone, currency, region, locale)
  values (p_id, p_name, p_slug, p_timezone, p_currency, p_region, p_locale);
end $f$;
grant execute on function app.create_organization_as_admin to so_app;

create or replace function app.configure_organization(p_org uuid, p_modules text[], p_plan text)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set modules = p_modules, plan = p_plan where o.id = p_org
    and o.deleted_at is null;
  return found;
end $f$;
grant execute on function app.configure_organization to so_app;

-- Owners and admins set up, activate and pause their own organisation; to offboard one, and to
-- bring one back from that, takes a super admin. Null where the caller may not, else whether there
-- is such an organisation.
create or replace function app.set_organization_status(p_org uuid, p_status text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if not coalesce(app.is_super_admin(app.cur_user()), false) then
    if p_org is distinct from app.cur_org() or app.cur_user() is null
       or app.cur_role() not in ('owner', 'admin') or p_status = 'offboarded' then
      return null;
    end if;
  end if;
  update app.organizations o set status = p_status where o.id = p_org and o.deleted_at is null;
  return found;
end $f$;
grant execute on function app.set_organization_status to so_app;

-- Hides an organisation from everybody at once; its data is removed when the grace period is over.
create or replace function app.delete_organization(p_org uuid, p_grace_days int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set deleted_at = now(),
    purge_after = now() + make_interval(days => p_grace_days)
   where o.id = p_org and o.deleted_at is null;
  return found;
end $f$;
grant execute on function app.delete_organization to so_app;

create or replace function app.restore_organization(p_org uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  update app.organizations o set deleted_at = null, purge_after = null
   where o.id = p_org and o.deleted_at is not null and o.purge_after > now();
  return found;
end $f$;
grant execute on function app.restore_organization to so_app;
