-- A member reports only to a member of the same organisation, and never in a circle.
create or replace function app.check_reporting() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
declare
  above uuid := new.manager_user_id;
  steps int := 0;
begin
  while above is not null loop
    if above = new.user_id or steps > 100 then
      raise exception 'nobody reports to somebody below them' using errcode = '23514',
        constraint = 'reporting_circle';
    end if;
    select m.manager_user_id into above from app.organization_members m
     where m.organization_id = new.organization_id and m.user_id = above;
    if not found then
      raise exception 'a manager is a member of the organisation' using errcode = '23514',
        constraint = 'reporting_stranger';
    end if;
    steps := steps + 1;
  end loop;
  return new;
end $f$;

create or replace trigger check_reporting before insert or update of manager_user_id
  on app.organization_members
  for each row when (new.manager_user_id is not null) execute function app.check_reporting();
