-- Who is asking. These are plain SQL and STABLE, without SECURITY DEFINER or SET: either would stop
-- the planner from inlining them. A setting that was set earlier in the database session reads ''
-- instead of NULL afterwards, hence nullif.
create or replace function app.cur_user() returns uuid language sql stable parallel safe
return nullif(current_setting('app.user_id', true), '')::uuid;

create or replace function app.cur_org() returns uuid language sql stable parallel safe
return nullif(current_setting('app.organization_id', true), '')::uuid;

create or replace function app.cur_role() returns text language sql stable parallel safe
return nullif(current_setting('app.role', true), '');

-- The users whose rows count as the reader's own: the reader, and for a manager restricted to their
-- team, everybody below them.
create or replace function app.cur_team() returns uuid[] language sql stable parallel safe
return nullif(current_setting('app.team', true), '')::uuid[];

create or replace function app.cur_team_only() returns boolean language sql stable parallel safe
return coalesce(current_setting('app.team_only', true), '') = 'on';

-- The organisation that app.purge_organizations is removing. Whoever else sets it gains nothing.
create or replace function app.cur_purged() returns uuid language sql stable parallel safe
return nullif(current_setting('app.purging', true), '')::uuid;

-- What a link opens, by a name that the link's package gives it. Only app.enter_link sets these;
-- for everybody else they are null.
create or replace function app.opened(p_what text) returns uuid language sql stable parallel safe
return nullif(current_setting('app.opened_' || p_what, true), '')::uuid;

grant execute on function app.cur_user, app.cur_org, app.cur_role, app.cur_team, app.cur_team_only,
  app.opened to so_app, so_worker, so_definer;
grant execute on function app.cur_purged to so_definer;
