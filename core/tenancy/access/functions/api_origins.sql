-- Whether pages of this origin may use the API for any organisation. Asked before anybody knows for
-- which: a browser's preflight carries no token.
create or replace function app.is_api_origin(p_origin text) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (select 1 from app.access_settings a
    join app.organizations o on o.id = a.organization_id
   where p_origin = any (a.api_origins) and o.deleted_at is null and o.status <> 'offboarded')
$f$;
grant execute on function app.is_api_origin to so_app;
