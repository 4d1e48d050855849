create or replace trigger check_reporting before insert or update of manager_user_id on app.organization_members
  for each row when (new.manager_user_id is not null) execute function app.check_reporting();
