-- Owners are made and changed by owners: not by an admin, nor by a program with an API key, whatever the page in between forgot.
create or replace function app.keep_owners() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  if app.cur_role() = 'admin' then
    raise insufficient_privilege using message = 'only an owner makes or changes owners';
  end if;
  return new;
end $f$;
revoke all on function app.keep_owners() from public;
