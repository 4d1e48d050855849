-- E-mails about somebody's account: requested before there is an identity, composed and sent by a
-- job.

-- The organisation in whose name a user gets account e-mails: one where their address has not
-- bounced or complained, else the one they joined first.
create or replace function app.organization_for_mail(p_user uuid) returns uuid language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select m.organization_id
    from app.organization_members m
    join app.users u on u.id = m.user_id and u.active and u.deleted_at is null
    join app.organizations o on o.id = m.organization_id and o.deleted_at is null
      and o.status <> 'offboarded'
    left join app.suppressed_emails s on s.organization_id = m.organization_id
      and s.email_normalized = u.email_normalized
         and s.reason <> 'unsubscribed'
   where m.user_id = p_user and m.active
   order by s.id is not null, m.created_at, m.organization_id limit 1
$f$;

create or replace function app.enqueue_account_mail(p_task text, p_user uuid) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  insert into jobs.procrastinate_jobs (queue_name, task_name, priority, scheduled_at, args)
  values ('default', p_task, 0, now(), jsonb_build_object(
    'organization_id', coalesce(app.organization_for_mail(p_user),
      '00000000-0000-0000-0000-000000000000'), 'user_id', p_user))
$f$;

-- Does the same work whether or not there is such an account: it enqueues a job, which does nothing
-- if there is none.
create or replace function app.ask_for_password_reset(p_email_normalized text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $f$
  select app.enqueue_account_mail('send_password_reset', (
    select u.id from app.users u where u.email_normalized = p_email_normalized
      and app.organization_for_mail(u.id) is not null))
$f$;
grant execute on function app.ask_for_password_reset to so_app;

-- Tells users that their password was changed, in case it was somebody else who changed it.
create or replace function app.announce_new_password() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.enqueue_account_mail('send_password_changed', new.id);
  return null;
end $f$;
grant execute on function app.announce_new_password to so_owner;
