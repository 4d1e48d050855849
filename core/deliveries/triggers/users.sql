create or replace trigger announce_new_password after update of password_hash
  on app.users for each row
  when (new.deleted_at is null and old.password_hash is distinct from new.password_hash)
    execute function app.announce_new_password();
create or replace trigger forget_address after update of deleted_at on app.users for each row
  when (old.deleted_at is null and new.deleted_at is not null
    and old.email_normalized <> new.email_normalized)
  execute function app.forget_address();
