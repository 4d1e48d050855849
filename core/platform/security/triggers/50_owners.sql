create or replace trigger make_owner before insert on app.organization_members
  for each row when (new.role = 'owner') execute function app.keep_owners();
create or replace trigger change_owner before update on app.organization_members
  for each row when ('owner' in (old.role, new.role) and (old.role, old.active) is distinct from (new.role, new.active))
  execute function app.keep_owners();
create or replace trigger invite_owner before insert on app.invitations
  for each row when (new.role = 'owner') execute function app.keep_owners();
create or replace trigger change_owners_invitation before update on app.invitations
  for each row when ('owner' in (old.role, new.role)
    and (old.role, old.email_normalized, old.token_hash) is distinct from (new.role, new.email_normalized, new.token_hash))
  execute function app.keep_owners();
