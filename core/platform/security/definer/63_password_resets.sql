-- A forgotten password: asked for and answered without an identity; the link itself is made by a job and travels by e-mail.

-- The organisation whose e-mail reaches a user: one where the address has not bounced or complained, else the first joined.
create or replace function app.organization_for_mail(p_user uuid) returns uuid language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select m.organization_id
    from app.organization_members m
    join app.users u on u.id = m.user_id and u.active and u.deleted_at is null
    join app.organizations o on o.id = m.organization_id and o.deleted_at is null
    left join app.suppressed_emails s on s.organization_id = m.organization_id and s.email_normalized = u.email_normalized
         and s.reason <> 'unsubscribed'
   where m.user_id = p_user and m.active
   order by s.id is not null, m.created_at, m.organization_id limit 1
$f$;

create or replace function app.enqueue_account_mail(p_task text, p_user uuid) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  insert into jobs.procrastinate_jobs (queue_name, task_name, priority, scheduled_at, args)
  values ('default', p_task, 0, now(), jsonb_build_object(
    'organization_id', coalesce(app.organization_for_mail(p_user), '00000000-0000-0000-0000-000000000000'), 'user_id', p_user))
$f$;

-- The same work whether there is such an account or not: a job, which does nothing when it is nobody's.
create or replace function app.ask_for_password_reset(p_email_normalized text) returns void language sql security definer
set search_path = pg_catalog, pg_temp as $f$
  select app.enqueue_account_mail('send_password_reset', (
    select u.id from app.users u where u.email_normalized = p_email_normalized and app.organization_for_mail(u.id) is not null))
$f$;

-- Where e-mail about their account reaches somebody who gets in here.
create or replace function app.account_address(p_user uuid) returns text language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select u.email from app.users u join app.organization_members m on m.user_id = u.id
   where u.id = p_user and u.active and u.deleted_at is null and m.active and m.organization_id = app.cur_org()
$f$;

create or replace function app.add_password_reset(p_user uuid, p_token_hash bytea, p_minutes int) returns void language sql
security definer set search_path = pg_catalog, pg_temp as $f$
  insert into app.password_resets (token_hash, user_id, expires_at)
  select p_token_hash, p_user, now() + make_interval(mins => p_minutes) where app.account_address(p_user) is not null
$f$;

create or replace function app.find_password_reset(p_token_hash bytea) returns text language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select u.email from app.password_resets r join app.users u on u.id = r.user_id and u.active and u.deleted_at is null
   where r.token_hash = p_token_hash and r.used_at is null and r.expires_at > now()
$f$;

-- A new password by a link, once: every session, ticket, API token and other link of the user ends with it.
create or replace function app.use_password_reset(p_token_hash bytea, p_password_hash text) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  who uuid;
begin
  update app.password_resets r set used_at = now()
   where r.token_hash = p_token_hash and r.used_at is null and r.expires_at > now()
     and exists (select 1 from app.users u where u.id = r.user_id and u.active and u.deleted_at is null)
  returning r.user_id into who;
  if who is null then
    return false;
  end if;
  execute format('set local app.user_id = %L', who::text);  -- the audit log names whose link it was
  update app.users set password_hash = p_password_hash, password_changed_at = now() where id = who;
  perform app.end_sign_ins(who, null);
  perform app.record_security(who, 'password_reset', who);
  set local app.user_id = '';
  perform app.enqueue_account_mail('send_password_changed', who);
  return true;
end $f$;

revoke all on function app.organization_for_mail(uuid), app.enqueue_account_mail(text, uuid), app.ask_for_password_reset(text),
  app.account_address(uuid), app.add_password_reset(uuid, bytea, int), app.find_password_reset(bytea),
  app.use_password_reset(bytea, text) from public;
grant execute on function app.ask_for_password_reset(text), app.find_password_reset(bytea), app.use_password_reset(bytea, text) to so_app;
grant execute on function app.account_address(uuid), app.add_password_reset(uuid, bytea, int) to so_worker;
