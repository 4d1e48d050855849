-- What a member's transactions in the caller's organisation would be (app.enter), and what would
-- keep them out, for the admins who ask on their behalf. No row for somebody who is no member.
create or replace function app.identity_of(p_user uuid)
returns table (name text, role text, is_active boolean, is_account_active boolean,
  lacks_factor boolean, team_only boolean, team uuid[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select m.name, case when s.is_super then 'super_admin' else m.role end, m.active, u.active,
         a.require_second_factor and not app.has_second_factor(u.id),
         m.role = 'manager' and not s.is_super and a.managers_see_their_team_only,
         case when m.role = 'manager' and not s.is_super and a.managers_see_their_team_only
           then app.team_of(m.user_id, m.organization_id) else array[m.user_id] end
    from app.organization_members m
    join app.users u on u.id = m.user_id
    join app.access_settings a on a.organization_id = m.organization_id
    cross join lateral (select app.is_super_admin(m.user_id) as is_super) s
   where m.organization_id = app.cur_org() and m.user_id = p_user
     and app.cur_role() in ('super_admin', 'owner', 'admin')
$f$;
grant execute on function app.identity_of to so_app;

-- That somebody asked whether a member sees a row stands in the audit log.
create or replace function app.record_access_question(p_user uuid, p_table text, p_row uuid)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select app.cur_org(), app.cur_user(), app.cur_role(), p_table, p_row::text, 'explain_access',
         case when p_user is null then '{}'::jsonb
           else jsonb_build_object('user_id', jsonb_build_array(null, p_user)) end
   where app.cur_role() in ('super_admin', 'owner', 'admin')
$f$;
grant execute on function app.record_access_question to so_app;
