create or replace trigger forget_name after update of deleted_at on app.users for each row
  when (old.deleted_at is null and new.deleted_at is not null) execute function app.forget_name();
