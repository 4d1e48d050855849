-- What a link opens, beside who is asking: only app.enter_link sets these, so for everybody else they are null.
create or replace function app.cur_closer() returns uuid language sql stable parallel safe
return nullif(current_setting('app.closer_id', true), '')::uuid;

create or replace function app.cur_setter() returns uuid language sql stable parallel safe
return nullif(current_setting('app.setter_id', true), '')::uuid;

create or replace function app.cur_event() returns uuid language sql stable parallel safe
return nullif(current_setting('app.event_id', true), '')::uuid;

create or replace function app.cur_snapshot() returns uuid language sql stable parallel safe
return nullif(current_setting('app.snapshot_id', true), '')::uuid;

revoke all on function app.cur_closer(), app.cur_setter(), app.cur_event(), app.cur_snapshot() from public;
grant execute on function app.cur_closer(), app.cur_setter(), app.cur_event(), app.cur_snapshot() to so_app, so_worker, so_definer;
