-- A new organisation has a row in every table of settings, of defaults only; each such table has this trigger, with its own name.
create or replace function app.add_settings() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  execute format('insert into app.%I (organization_id) values ($1)', tg_argv[0]) using new.id;
  return null;
end $f$;

grant execute on function app.add_settings() to so_owner;
