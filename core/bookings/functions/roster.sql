-- Whoever becomes a member is given the closer and setter rows of their address that are nobody's
-- yet.
create or replace function app.link_roster() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  address text := (select u.email_normalized from app.users u where u.id = new.user_id);
begin
  -- payments have their closer's user, so they are written too
  perform app.lock_books(new.organization_id);
  update app.closers set user_id = new.user_id
   where organization_id = new.organization_id and email_normalized = address and user_id is null;
  update app.setters set user_id = new.user_id
   where organization_id = new.organization_id and email_normalized = address and user_id is null;
  return null;
end $f$;
grant execute on function app.link_roster to so_owner;

-- The roster keeps the names of those who were deleted, and nothing else of them; what they had
-- begun to write goes.
create or replace function app.unlink_roster() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  theirs text[] := array(select c.id::text from app.closers c where c.user_id = old.id
                         union select s.id::text from app.setters s where s.user_id = old.id);
  org uuid;
begin
  for org in select c.organization_id from app.closers c where c.user_id = old.id
      union select s.organization_id from app.setters s where s.user_id = old.id order by 1 loop
    perform app.lock_books(org);
  end loop;
  delete from app.pcf_drafts x where x.user_id = old.id;
  update app.closers c set user_id = null, email = null, email_normalized = null
    where c.user_id = old.id;
  update app.setters s set user_id = null, email = null, email_normalized = null
    where s.user_id = old.id;
  update app.audit_logs l set changes = app.blanked(l.changes,
    app.user_columns(l.table_name))
   where l.table_name in ('closers', 'setters') and l.row_id = any (theirs)
     and l.changes ?| array_remove(app.user_columns(l.table_name), 'name');
  return null;
end $f$;
grant execute on function app.unlink_roster to so_owner;
