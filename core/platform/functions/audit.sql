-- The audit trail's changes with the values of some columns blanked; which columns changed stays
-- visible.
create or replace function app.blanked(p_changes jsonb, p_columns text[]) returns jsonb language sql
immutable set search_path = pg_catalog, pg_temp as $f$
  select coalesce(jsonb_object_agg(c.key, case when c.key = any (p_columns) then '["…", "…"]'::jsonb
    else c.value end), '{}')
    from jsonb_each(p_changes) c
$f$;
