-- Rows carry the user of their closer and setter, so that policies need not look into other tables.
create or replace function app.fill_rep_users() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  new.closer_user_id := (select c.user_id from app.closers c
                          where c.organization_id = new.organization_id and c.id = new.closer_id);
  new.setter_user_id := (select s.user_id from app.setters s
                          where s.organization_id = new.organization_id and s.id = new.setter_id);
  return new;
end $f$;
create or replace trigger fill_rep_users before insert or update of closer_id, setter_id on app.events
  for each row execute function app.fill_rep_users();

-- What belongs to an event or a payment belongs to the same people.
create or replace function app.follow_event() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  update app.post_call_forms set closer_user_id = new.closer_user_id, setter_user_id = new.setter_user_id
   where organization_id = new.organization_id and event_id = new.id;
  return null;
end $f$;
create or replace trigger follow_event after update of closer_id, setter_id on app.events
  for each row execute function app.follow_event();
