-- The organisations that have deliveries to work off, found by one probe of the index for each that
-- has any.
create or replace function app.organizations_with_deliveries_due() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  with recursive organization as (
    (select d.organization_id as id from app.webhook_deliveries d where d.status = 'pending'
      order by d.organization_id limit 1)
    union all
    select (select d.organization_id from app.webhook_deliveries d
             where d.status = 'pending' and d.organization_id > o.id
             order by d.organization_id limit 1)
      from organization o where o.id is not null)
  select o.id from organization w
    join app.organizations o on o.id = w.id and o.deleted_at is null
   where exists (
     select from app.webhook_deliveries d
      where d.organization_id = o.id and d.status = 'pending'
        and d.due_at <= clock_timestamp())
$f$;
grant execute on function app.organizations_with_deliveries_due to so_worker;
