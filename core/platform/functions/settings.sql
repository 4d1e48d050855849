-- Gives a new organisation its row of defaults in a table of settings. Each such table has this
-- trigger, with the table's name as its argument.
create or replace function app.add_settings() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  execute format('insert into app.%I (organization_id) values ($1)', tg_argv[0]) using new.id;
  return null;
end $f$;

grant execute on function app.add_settings() to so_owner;
