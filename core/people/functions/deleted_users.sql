-- The timeline keeps what a deleted user did without their name. Their address is blocked no
-- longer, unless it is a contact's too.
create or replace function app.forget_name() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  blocked text[];
begin
  update app.activities a set summary = replace(a.summary, old.name, 'a deleted user')
    where a.actor_user_id = old.id;
  with x as (delete from app.suppressed_emails s where s.email_normalized = old.email_normalized
    and not exists (
               select 1 from app.contact_emails c where c.organization_id = s.organization_id
                 and c.email_normalized = s.email_normalized)
             returning s.id)
  select array_agg(x.id::text) into blocked from x;
  update app.audit_logs l set changes = app.blanked(l.changes,
    app.user_columns(l.table_name))
   where l.table_name = 'suppressed_emails' and l.row_id = any (blocked);
  return null;
end $f$;
grant execute on function app.forget_name to so_owner;
