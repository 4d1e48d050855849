create or replace trigger fill_rep_users before insert or update of closer_id, setter_id on app.payments
  for each row execute function app.fill_rep_users();

create or replace function app.follow_payment() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  update app.refunds set closer_user_id = new.closer_user_id, setter_user_id = new.setter_user_id
   where organization_id = new.organization_id and payment_id = new.id;
  return null;
end $f$;
create or replace trigger follow_payment after update of closer_id, setter_id on app.payments
  for each row execute function app.follow_payment();

create or replace function app.follow_closer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  update app.events set closer_id = closer_id where organization_id = new.organization_id and closer_id = new.id;
  update app.payments set closer_id = closer_id where organization_id = new.organization_id and closer_id = new.id;
  return null;
end $f$;
create or replace trigger follow_closer after update of user_id on app.closers
  for each row when (old.user_id is distinct from new.user_id) execute function app.follow_closer();

create or replace function app.follow_setter() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  update app.events set setter_id = setter_id where organization_id = new.organization_id and setter_id = new.id;
  update app.payments set setter_id = setter_id where organization_id = new.organization_id and setter_id = new.id;
  return null;
end $f$;
create or replace trigger follow_setter after update of user_id on app.setters
  for each row when (old.user_id is distinct from new.user_id) execute function app.follow_setter();
