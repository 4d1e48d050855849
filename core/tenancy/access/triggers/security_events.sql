create or replace trigger pass_on_security_event before insert on app.audit_logs for each row
  when (new.table_name = 'users' and new.operation not in ('insert', 'update', 'delete')
    and new.organization_id = '00000000-0000-0000-0000-000000000000')
  execute function app.pass_on_security_event();
