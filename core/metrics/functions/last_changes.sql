-- When any row of the organisation in one of these tables last changed, also one that the caller
-- does not see: a booking that is given to somebody else leaves the caller's sight, and nothing
-- that they see has changed. It says no more than when. Screens ask every second, so each is the
-- last entry of an index, or of a table of few rows.
create or replace function app.last_change_of(p_table text) returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $f$
begin
  case p_table
    when 'access_settings' then
      return (select max(x.updated_at) from app.access_settings x
               where x.organization_id = app.cur_org());
    when 'booking_settings' then
      return (select max(x.updated_at) from app.booking_settings x
               where x.organization_id = app.cur_org());
    when 'closers' then
      return (select max(x.updated_at) from app.closers x
               where x.organization_id = app.cur_org());
    when 'custom_field_options' then
      return (select max(x.updated_at) from app.custom_field_options x
               where x.organization_id = app.cur_org());
    when 'custom_field_values' then
      return (select max(x.updated_at) from app.custom_field_values x
               where x.organization_id = app.cur_org());
    when 'events' then
      return (select max(x.updated_at) from app.events x
               where x.organization_id = app.cur_org());
    when 'organization_members' then
      return (select max(x.updated_at) from app.organization_members x
               where x.organization_id = app.cur_org());
    when 'organizations' then
      return (select max(x.updated_at) from app.organizations x
               where x.id = app.cur_org());
    when 'payments' then
      return (select max(x.updated_at) from app.payments x
               where x.organization_id = app.cur_org());
    when 'post_call_forms' then
      return (select max(x.updated_at) from app.post_call_forms x
               where x.organization_id = app.cur_org());
    when 'setters' then
      return (select max(x.updated_at) from app.setters x
               where x.organization_id = app.cur_org());
  end case;
end $f$;
grant execute on function app.last_change_of to so_app, so_worker;
