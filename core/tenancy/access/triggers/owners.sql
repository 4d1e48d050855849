-- Only owners create and change owners: no admin does, and no program with an API key, even if a
-- page forgets to check.
create or replace function app.keep_owners() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if app.cur_role() = 'admin' then
    raise insufficient_privilege using message = 'only an owner makes or changes owners';
  end if;
  return new;
end $f$;

create or replace trigger make_owner before insert on app.organization_members
  for each row when (new.role = 'owner') execute function app.keep_owners();
create or replace trigger change_owner before update on app.organization_members
  for each row when ('owner' in (old.role, new.role)
    and (old.role, old.active) is distinct from (new.role, new.active))
  execute function app.keep_owners();
create or replace trigger invite_owner before insert on app.invitations
  for each row when (new.role = 'owner') execute function app.keep_owners();
create or replace trigger change_owners_invitation before update on app.invitations
  for each row when ('owner' in (old.role, new.role)
    and (old.role, old.email_normalized, old.token_hash) is distinct from (new.role,
      new.email_normalized, new.token_hash))
  execute function app.keep_owners();
