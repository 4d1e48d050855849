-- Messages that wait for a deleted user are not sent, and messages already sent no longer show the
-- user's address.
create or replace function app.forget_address() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  update app.outbox m set recipient = new.email, body = m.body - 'sealed',
         status = case when m.status in ('waiting', 'sending') then 'failed' else m.status end
           where m.recipient = old.email_normalized;
  return null;
end $f$;
grant execute on function app.forget_address to so_owner;
