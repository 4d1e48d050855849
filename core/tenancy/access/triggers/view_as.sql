create or replace trigger end_view_as before update on app.sign_in_sessions
  for each row when (new.view_as_user_id is not null) execute function app.end_view_as();
create or replace trigger audit_view_as after update on app.sign_in_sessions
  for each row when (old.view_as_user_id is distinct from new.view_as_user_id)
    execute function app.audit_view_as();
