-- What was changed on the forms of a booking, those that were withdrawn among them, from the audit
-- log, which only admins read. The timeline names each form that the booking had.
create or replace function app.form_history(p_event uuid)
returns table (at timestamptz, actor_user_id uuid, actor_role text, operation text, changes jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select l.at, l.actor_user_id, l.actor_role, l.operation, l.changes from app.audit_logs l
   where l.organization_id = app.cur_org() and l.table_name = 'post_call_forms'
     and l.row_id in (
       select f.id::text from app.post_call_forms f
        where f.organization_id = app.cur_org() and f.event_id = p_event
       union
       select a.detail ->> 'form_id' from app.activities a
        where a.organization_id = app.cur_org() and a.subject_type = 'event'
          and a.subject_id = p_event and a.type = 'pcf' and a.detail ? 'form_id')
     and exists (
       select 1 from app.events v
        where v.organization_id = app.cur_org() and v.id = p_event and v.deleted_at is null
          and (app.cur_role() in ('super_admin', 'owner', 'admin', 'manager')
                 and not app.cur_team_only()
               or app.cur_role() in ('manager', 'sales_rep')
                 and array[v.closer_user_id, v.setter_user_id] && app.cur_team()))
   order by l.at, l.id
$f$;
grant execute on function app.form_history(uuid) to so_app;
