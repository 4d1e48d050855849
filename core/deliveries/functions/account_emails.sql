-- E-mail about somebody's account: asked for without an identity, written and sent by a job.

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
grant execute on function app.ask_for_password_reset to so_app;

-- Whoever has a new password gets to know it, so that nobody changes one behind its owner's back.
create or replace function app.announce_new_password() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.enqueue_account_mail('send_password_changed', new.id);
  return null;
end $f$;
grant execute on function app.announce_new_password to so_owner;
