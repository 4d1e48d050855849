-- An export is something that people do to data: it stands in the audit log beside their changes.
-- One of many rows has a name of its own there, by which an admin finds it.
create or replace function app.record_export(p_table text, p_format text,
  p_details jsonb default '{}') returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  if nullif(current_setting('app.organization_id', true), '') is null then
    return false;
  end if;
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  values (current_setting('app.organization_id')::uuid,
    nullif(current_setting('app.user_id', true), '')::uuid,
          nullif(current_setting('app.role', true), ''), p_table, '',
            case when (p_details ->> 'rows')::bigint >= 10000 then 'mass_export' else 'export' end,
            p_details || jsonb_build_object('format', p_format));
  return true;
end $f$;
grant execute on function app.record_export to so_app, so_worker;
