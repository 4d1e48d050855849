-- The only ways to take on an identity. Each returns the organisation that the transaction now acts
-- in. SET LOCAL ends with the transaction, so an identity cannot leak through the pool.
create or replace function app.enter(p_user uuid, p_org uuid) returns uuid language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  granted text;
  team_only boolean;
  team uuid[] := array[p_user];
begin
  select case when s.is_super then 'super_admin' else m.role end, m.role = 'manager'
    and not s.is_super and a.managers_see_their_team_only
    into granted, team_only
    from app.organizations o
    join app.access_settings a on a.organization_id = o.id
    cross join lateral (select app.is_super_admin(p_user) as is_super) s
    left join app.organization_members m on m.organization_id = o.id and m.user_id = p_user
      and m.active
          and exists (select 1 from app.users u where u.id = p_user and u.active)
   where o.id = p_org and o.deleted_at is null and (o.status <> 'offboarded' or s.is_super);
  if granted is null then
    raise exception 'not a member' using errcode = '42501';
  end if;
  if team_only then
    team := app.team_of(p_user, p_org);
  end if;
  execute format('set local app.user_id = %L', p_user::text);
  execute format('set local app.organization_id = %L', p_org::text);
  execute format('set local app.role = %L', granted);
  execute format('set local app.team = %L', team::text);
  execute format('set local app.team_only = %L', case when team_only then 'on' else '' end);
  return p_org;
end $f$;
grant execute on function app.enter to so_app;

-- A user and everybody below them. Even in a circle, which the tables refuse, "union" would end the
-- recursion.
create or replace function app.team_of(p_user uuid, p_org uuid) returns uuid[] language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  with recursive team(user_id) as (
    select p_user union
    select m.user_id from app.organization_members m join team t on t.user_id = m.manager_user_id
      where m.organization_id = p_org)
  select array_agg(team.user_id) from team
$f$;

-- Lets a member read the whole organisation for leaderboards, and only if the organisation shows
-- them.
create or replace function app.enter_board(p_user uuid, p_org uuid) returns uuid language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.enter(p_user, p_org);
  if (current_setting('app.role') = 'sales_rep' or current_setting('app.team_only') = 'on')
     and not (select a.leaderboards_visible from app.access_settings a
       where a.organization_id = p_org) then
    raise exception 'leaderboards are not shown to reps' using errcode = '42501';
  end if;
  set local app.role = 'board';
  set local app.team_only = '';
  set local transaction_read_only = on;
  return p_org;
end $f$;
grant execute on function app.enter_board to so_app;

create or replace function app.enter_key(p_hash bytea) returns uuid language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid;
begin
  update app.api_keys k set last_used_at = now()
   where k.key_hash = p_hash and k.revoked_at is null
     and (k.expires_at is null or k.expires_at > now())
     and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  select k.organization_id into org from app.api_keys k join app.organizations o
    on o.id = k.organization_id
   where k.key_hash = p_hash and k.revoked_at is null
     and (k.expires_at is null or k.expires_at > now())
     and o.deleted_at is null and o.status <> 'offboarded';
  if org is null then
    raise exception 'unknown key' using errcode = '42501';
  end if;
  set local app.user_id = '';
  set local app.team = '';
  set local app.team_only = '';
  execute format('set local app.organization_id = %L', org::text);
  set local app.role = 'admin';
  return org;
end $f$;
grant execute on function app.enter_key to so_app;
