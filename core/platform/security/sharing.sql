-- A row that shares its people with another (``secured(shares=…)``) gives them the sight of it:
-- people let their rows refer to what they see already. tg_argv: the other table, the column.
create or replace function app.refer_to_what_is_seen() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
declare
  other uuid := to_jsonb(new) ->> tg_argv[1];
  is_seen boolean;
begin
  if current_user <> 'so_app' or other is null then
    return new;
  end if;
  execute format('select exists (select from app.%I where organization_id = $1 and id = $2)',
    tg_argv[0]) into is_seen using new.organization_id, other;
  if not is_seen then
    raise insufficient_privilege using message = 'this would refer to what is somebody else''s';
  end if;
  return new;
end $f$;
