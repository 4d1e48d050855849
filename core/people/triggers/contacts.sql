-- Money follows a contact's first address, so that people write it through the functions alone; of
-- a contact that is there the column is fixed.
create or replace function app.guard_first_address() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if current_user = 'so_app' then
    raise insufficient_privilege using message = 'addresses are written by app.set_contact_reach';
  end if;
  return new;
end $f$;

create or replace trigger guard_address before insert on app.contacts for each row
  when (new.email is not null or new.email_normalized is not null)
  execute function app.guard_first_address();
