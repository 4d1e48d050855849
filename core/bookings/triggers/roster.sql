create or replace trigger link_roster after insert on app.organization_members for each row
  execute function app.link_roster();
create or replace trigger unlink_roster after update of deleted_at on app.users for each row
  when (old.deleted_at is null and new.deleted_at is not null) execute function app.unlink_roster();
