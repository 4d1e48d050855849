create or replace function app.organizations_overview()
returns table (id uuid, name text, slug text, timezone text, currency text, modules text[],
  plan text, is_demo boolean, created_at timestamptz, deleted_at timestamptz,
  purge_after timestamptz, members bigint, events bigint, last_delivery_at timestamptz,
  status text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_super_admin();
  return query
  select o.id, o.name, o.slug, o.timezone, o.currency, o.modules, o.plan, o.is_demo, o.created_at,
    o.deleted_at, o.purge_after,
         coalesce(m.n, 0), coalesce(e.n, 0), d.at, o.status
    from app.organizations o
    left join (select x.organization_id as org, count(*) as n from app.organization_members x
      where x.active group by 1) m on m.org = o.id
    left join (select x.organization_id as org, count(*) as n from app.events x
      where x.deleted_at is null group by 1) e on e.org = o.id
    left join (select x.organization_id as org, max(x.last_webhook_at) as at
      from app.connection_activity x group by 1) d on d.org = o.id
   order by o.deleted_at nulls first, lower(o.name);
end $f$;
grant execute on function app.organizations_overview to so_app;

-- Removes the organisations whose grace period is over, with everything in them, and returns their
-- ids. A table that others still refer to is tried again after those, so that a new table needs no
-- entry here.
create or replace function app.purge_organizations() returns setof uuid language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  gone record;
  part text;
  rows_gone bigint;
  counted jsonb;
  remaining text[];
  stuck text[];
  had uuid[];
begin
  for gone in select o.id, o.name, o.slug from app.organizations o
               where o.deleted_at is not null and o.purge_after <= now() for update skip locked loop
    perform set_config('app.purging', gone.id::text, true);
    update app.sign_in_sessions s set organization_id = null where s.organization_id = gone.id;
    counted := '{}';
    had := array(select m.user_id from app.organization_members m
      where m.organization_id = gone.id);
    remaining := array(select c.relname::text from pg_class c join pg_attribute a
      on a.attrelid = c.oid
                        where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p')
                          and not c.relispartition
                          and a.attname = 'organization_id' and not a.attisdropped
                            and c.relname not in ('sign_in_sessions', 'audit_logs') order by 1);
    while cardinality(remaining) > 0 loop
      stuck := '{}';
      foreach part in array remaining loop
        begin
          execute format('delete from app.%I where organization_id = $1', part) using gone.id;
          get diagnostics rows_gone = row_count;
          counted := counted || case when rows_gone > 0 then jsonb_build_object(part, rows_gone)
            else '{}'::jsonb end;
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
    perform app.end_sign_ins(u.id, null) from unnest(had) as u(id)
      where app.has_no_organization(u.id);
    delete from app.audit_logs l where l.organization_id = gone.id;
    perform set_config('app.purging', '', true);
    insert into app.audit_logs (organization_id, actor_role, table_name, row_id, operation, changes)
    values ('00000000-0000-0000-0000-000000000000', 'system', 'organizations', gone.id::text,
      'purge',
            jsonb_build_object('name', jsonb_build_array(gone.name, null), 'slug',
              jsonb_build_array(gone.slug, null), 'rows', counted));
    return next gone.id;
  end loop;
end $f$;
grant execute on function app.purge_organizations to so_worker;
