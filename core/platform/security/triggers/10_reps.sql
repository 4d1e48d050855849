create or replace trigger fill_rep_users before insert or update of closer_id, setter_id on app.events
  for each row execute function app.fill_rep_users();
create or replace trigger fill_rep_users before insert or update of closer_id, setter_id on app.payments
  for each row execute function app.fill_rep_users();
create or replace trigger follow_event after update of closer_id, setter_id on app.events
  for each row execute function app.follow_event();
create or replace trigger follow_payment after update of closer_id, setter_id on app.payments
  for each row execute function app.follow_payment();
create or replace trigger follow_closer after update of user_id on app.closers
  for each row when (old.user_id is distinct from new.user_id) execute function app.follow_closer();
create or replace trigger follow_setter after update of user_id on app.setters
  for each row when (old.user_id is distinct from new.user_id) execute function app.follow_setter();
