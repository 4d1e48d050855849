-- An organisation by its slug or id, for the command line and the API's sign-in.
create or replace function app.find_organization(p_slug_or_id text) returns uuid language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select o.id from app.organizations o where (o.slug = p_slug_or_id or o.id::text = p_slug_or_id)
    and o.deleted_at is null
$f$;
grant execute on function app.find_organization to so_app, so_worker;

create or replace function app.all_organization_ids() returns setof uuid language sql stable
security definer
set search_path = pg_catalog, pg_temp as $f$ select o.id from app.organizations o
  where o.deleted_at is null $f$;
grant execute on function app.all_organization_ids to so_worker;

-- All organisations, including deleted ones that can still be restored.
create or replace function app.unpurged_organization_ids() returns setof uuid language sql stable
security definer
set search_path = pg_catalog, pg_temp as $f$ select o.id from app.organizations o $f$;
grant execute on function app.unpurged_organization_ids to so_worker;

-- Whether an organisation's grace period is over: then even rows that nobody may otherwise change
-- can be deleted.
create or replace function app.is_being_purged(p_org uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.organizations o where o.id = p_org and o.deleted_at is not null
    and o.purge_after <= now())
$f$;
grant execute on function app.is_being_purged to so_app, so_worker;
