-- Runs before the user is deleted: afterwards the roster no longer says which rows were theirs.
create or replace trigger revoke_links before update of deleted_at on app.users for each row
  when (old.deleted_at is null and new.deleted_at is not null) execute function app.revoke_links();
