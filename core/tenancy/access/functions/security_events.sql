-- Security events of an account are recorded in the audit log of each organisation that the user
-- belongs to, so that its admins see them. For a user without an organisation they stay in the
-- platform's log.
create or replace function app.pass_on_security_event() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  insert into app.audit_logs (organization_id, at, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select m.organization_id, new.at, new.actor_user_id, new.actor_role, new.table_name, new.row_id,
    new.operation, new.changes
    from app.organization_members m where m.user_id = nullif(new.row_id, '')::uuid and m.active;
  return case when not found then new end;
end $f$;
grant execute on function app.pass_on_security_event to so_owner;
