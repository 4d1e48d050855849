create or replace function app.touch() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  new.updated_at := clock_timestamp();
  return new;
end $f$;
