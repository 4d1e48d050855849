-- Each probe asks for the first row in the whole order of the index that it means, without sorting.
-- Otherwise the planner may read another index, or the table, expecting to find little there.

-- The first organisation after p_after that has deliveries which wait, due or not.
create or replace function app.next_with_deliveries(p_after uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp set enable_sort = off
as $f$
  select least(
    (select d.organization_id from app.webhook_deliveries d
      where d.status = 'pending' and d.due_at is null and d.organization_id > p_after
      order by d.organization_id, d.is_replay, d.received_at, d.id limit 1),
    (select d.organization_id from app.webhook_deliveries d
      where d.status = 'pending' and d.failures = 0 and d.due_at is not null
        and d.organization_id > p_after
      order by d.organization_id, d.due_at, d.is_replay, d.received_at, d.id limit 1),
    (select d.organization_id from app.webhook_deliveries d
      where d.status = 'pending' and d.failures > 0 and d.organization_id > p_after
      order by d.organization_id, d.due_at, d.is_replay, d.received_at, d.id limit 1))
$f$;

-- The organisations that have deliveries to work off, found by a few probes for each that has any
-- which wait: new ones, which are due at once, those put back, and those that failed.
create or replace function app.organizations_with_deliveries_due() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp set enable_sort = off
as $f$
  with recursive organization as (
    select app.next_with_deliveries('00000000-0000-0000-0000-000000000000') as id
    union all
    select app.next_with_deliveries(o.id) from organization o where o.id is not null)
  select o.id from organization w
    join app.organizations o on o.id = w.id and o.deleted_at is null
   where coalesce(
     (select true from app.webhook_deliveries d
       where d.organization_id = o.id and d.status = 'pending' and d.due_at is null
       order by d.is_replay, d.received_at, d.id limit 1),
     (select true from app.webhook_deliveries d
       where d.organization_id = o.id and d.status = 'pending' and d.failures = 0
         and d.due_at <= now()
       order by d.due_at, d.is_replay, d.received_at, d.id limit 1),
     (select true from app.webhook_deliveries d
       where d.organization_id = o.id and d.status = 'pending' and d.failures > 0
         and d.due_at <= now()
       order by d.due_at, d.is_replay, d.received_at, d.id limit 1))
$f$;
grant execute on function app.organizations_with_deliveries_due to so_worker;
