create or replace function app.touch() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  new.updated_at := clock_timestamp();
  return new;
end $f$;

-- The audit trail: changed columns only, as {"column": [old, new]}. The trigger's arguments are
-- arrays of columns, from what each declares (schema.py): those that name the row, those whose
-- values are masked, and those whose change is worth no line.
create or replace function app.audit() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  before jsonb := case when tg_op = 'INSERT' then '{}'::jsonb else to_jsonb(old) end;
  after jsonb := case when tg_op = 'DELETE' then '{}'::jsonb else to_jsonb(new) end;
  either jsonb := before || after;
  secret text[] := tg_argv[1];
  unrecorded text[] := tg_argv[2];
  changed jsonb;
  org uuid;
begin
  org := case tg_table_name when 'organizations' then (either ->> 'id')::uuid
    else (either ->> 'organization_id')::uuid end;
  select jsonb_object_agg(key, case
           when key = any (secret) then '["…", "…"]'::jsonb
           else jsonb_build_array(before -> key, after -> key) end)
    into changed
    from jsonb_object_keys(either) as key
   where (before -> key) is distinct from (after -> key)
     and key <> 'organization_id' and key <> all (unrecorded)
     and not (tg_op <> 'UPDATE' and jsonb_typeof(either -> key) = 'null');
  if changed is null then
    return null;
  end if;
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  values (coalesce(org, '00000000-0000-0000-0000-000000000000'),
          nullif(current_setting('app.user_id', true), '')::uuid,
            nullif(current_setting('app.role', true), ''),
          tg_table_name, (select string_agg(either ->> k, ',')
            from unnest(tg_argv[0]::text[]) as k), lower(tg_op), changed);
  return null;
end $f$;
