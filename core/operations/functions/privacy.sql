-- Erasing a person: contact details are removed wherever they are; rows and everything that is
-- counted stay.

-- A delivery's body as text in which an address can be found, even one that JSON writes with
-- escapes.
create or replace function app.body_text(p_body bytea) returns text language plpgsql immutable
set search_path = pg_catalog, pg_temp as $f$
declare
  raw text := encode(p_body, 'escape');
begin
  if raw !~ '\\\\u|\\[0-7]{3}' then
    return raw;
  end if;
  return convert_from(p_body, 'UTF8')::jsonb::text;
exception when data_exception then
  return raw;
end $f$;

create or replace function app.demand_admin() returns uuid language plpgsql stable
set search_path = pg_catalog, pg_temp as $f$
begin
  if coalesce(app.cur_role() not in ('owner', 'admin', 'super_admin'), true)
    or app.cur_user() is null then
    raise insufficient_privilege using message = 'only an admin may do this';
  end if;
  return app.cur_org();
end $f$;

create or replace function app.record_privacy(p_operation text, p_row text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.demand_admin();
  if p_operation not in ('person_export', 'erase', 'lift_erasure') then
    raise invalid_parameter_value using message = 'no such act of privacy';
  end if;
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  values (app.cur_org(), app.cur_user(), app.cur_role(), 'contacts', p_row, p_operation, '{}');
end $f$;

-- What belongs to one member and is about a person, or contains one of their addresses or telling
-- words: nobody else reads it, and the person has a right to it.
create or replace function app.private_rows_about(p_table text, p_contacts uuid[], p_emails text[],
  p_words text[]) returns setof jsonb language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.demand_admin();
begin
  return query select app.private_rows(p_table, org, p_contacts, p_emails,
    p_emails || array(select w from unnest(p_words) w where app.is_telling(w)));
end $f$;

-- p_emails are normalised. p_marks replace them one by one; a mark is all that is stored of an
-- erased address. app.erase_rows clears the declared columns; this function does what goes beyond
-- single columns.
create or replace function app.erase_person(p_contact uuid, p_contacts uuid[], p_emails text[],
  p_marks text[], p_words text[], p_pseudonym text)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.demand_admin();
  -- of somebody without an address, an expression that fits nothing
  mail text := coalesce('(' || (select string_agg(
    regexp_replace(e, '([^[:alnum:]@_-])', '\\\1', 'g'), '|')
    from unnest(p_emails) e) || ')', '(?!)');
  -- In a document or a list a quotation mark has a backslash before it.
  names text := (select string_agg(replace(
    regexp_replace(w, '([^[:alnum:][:space:]])', '\\\1', 'g'), '\"', '\\*"'), '|')
    from unnest(p_words) w
                  where app.is_telling(w));
  either text := mail || coalesce('|' || names, '');
  question text := (select b.setter_question from app.booking_settings b
    where b.organization_id = org);
  rows_of text[];
begin
  insert into app.contacts (organization_id, id, name) values (org, p_contact, 'Erased person')
    on conflict do nothing;
  -- Workers change a delivery before its connection, and in this order neither waits for the other.
  perform app.erase_deliveries(org, p_emails, p_words, p_pseudonym, mail, either);
  -- They count on connections in this order, and do not wait for an erasure.
  perform from app.connection_activity a where a.organization_id = org order by a.connection_id
    for update;
  rows_of := app.erase_rows(org, p_contacts || p_contact, p_emails, p_marks, p_words, p_pseudonym,
    either, question);
  update app.contacts c set erased_at = now(), unsubscribed_at = coalesce(c.unsubscribed_at, now())
   where c.organization_id = org and c.id = any (p_contacts || p_contact);
  insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
  select org, p_contact, '…', m.mark from unnest(p_marks) as m(mark) on conflict do nothing;
  insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
  values (org, p_contact, p_pseudonym, p_pseudonym) on conflict do nothing;
  perform app.erase_messages(org, p_emails, p_words, p_pseudonym, either);
  update app.audit_logs l set changes = app.redacted(app.blanked(l.changes, app.personal_columns()),
    p_emails, p_words, p_pseudonym, question)
   where l.organization_id = org and (l.row_id = any (rows_of)
     -- rows that are there no longer, as an address that was taken off the contact
     or l.operation in ('insert', 'delete') and exists (
       select 1 from unnest(p_contacts::text[]) c where l.changes #>> '{contact_id,0}' = c
          or l.changes #>> '{contact_id,1}' = c));
  update app.audit_logs l set changes = app.redacted(l.changes, p_emails, p_words, p_pseudonym,
    question)
   where l.organization_id = org and app.comparable(l.changes::text) ~* either;
  perform app.record_privacy('erase', p_contact::text);
end $f$;

-- Deliveries that have become rows are emptied. Those still to be processed stay, without what is
-- known to be the person's.
create or replace function app.erase_deliveries(
  p_org uuid, p_emails text[], p_words text[], p_pseudonym text, p_mail text, p_either text
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  question text := (select b.setter_question from app.booking_settings b
    where b.organization_id = p_org);
  one record;
begin
  for one in select d.id, d.body, app.comparable(app.body_text(d.body)) ~* p_either as about
    from app.webhook_deliveries d
              where d.organization_id = p_org
                and (app.comparable(app.body_text(d.body)) ~* p_either
                  or app.comparable(d.headers::text) ~* p_either
                  or app.comparable(d.last_error) ~* p_either
                  or app.comparable(d.history::text) ~* p_either)
              order by d.id loop
    begin
      update app.webhook_deliveries d set headers = '{}',
        last_error = app.without_person(d.last_error, p_emails, p_words, p_pseudonym),
        history = app.redacted(d.history, p_emails, p_words, p_pseudonym, question),
             body = case when not one.about then d.body
               when d.status in ('processed', 'ignored', 'test') then ''
               else convert_to(app.redacted(convert_from(one.body, 'UTF8')::jsonb, p_emails,
                 p_words, p_pseudonym, question)::text, 'UTF8') end
       where d.organization_id = p_org and d.id = one.id;
    exception when data_exception then
      update app.webhook_deliveries d set headers = '{}', body = '', last_error = 'erased',
        history = '[]'
        where d.organization_id = p_org and d.id = one.id;
    end;
  end loop;
  update app.provider_objects o set data = app.redacted(o.data, p_emails, p_words, p_pseudonym,
    question)
   where o.organization_id = p_org and (app.comparable(o.data::text) ~* p_either
     or (o.provider, o.group_key) in (
         select x.provider, x.group_key from app.provider_objects x where x.organization_id = p_org
           and app.comparable(x.data::text) ~* p_mail));
end $f$;

-- Messages waiting for the person are not sent, and nothing is sent to them later.
create or replace function app.erase_messages(p_org uuid, p_emails text[], p_words text[],
  p_pseudonym text, p_either text)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  question text := (select b.setter_question from app.booking_settings b
    where b.organization_id = p_org);
begin
  update app.outbox m set body = app.redacted(case when app.comparable(m.recipient) = any (p_emails
    || p_words) then m.body - 'sealed' else m.body end,
                                                  p_emails, p_words, p_pseudonym, question),
         recipient = case when app.comparable(m.recipient) = any (p_emails || p_words)
           then p_pseudonym else m.recipient end,
         status = case when app.comparable(m.recipient) = any (p_emails || p_words)
           and m.status in ('waiting', 'sending') then 'failed' else m.status end,
         last_error = app.without_person(m.last_error, p_emails, p_words, p_pseudonym)
   where m.organization_id = p_org
     and (app.comparable(m.body::text) ~* p_either
       or app.comparable(m.recipient) = any (p_emails || p_words)
       or app.comparable(m.last_error) ~* p_either);
  delete from app.suppressed_emails s where s.organization_id = p_org
    and s.email_normalized = any (p_emails);
  insert into app.suppressed_emails (organization_id, email_normalized, reason)
    values (p_org, p_pseudonym, 'unsubscribed')
  on conflict do nothing;
end $f$;

-- From now on deliveries about an erased address are stored unchanged again; what was erased stays
-- erased.
create or replace function app.lift_erasure(p_mark text) returns boolean language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  whose uuid;
begin
  delete from app.contact_emails c where c.organization_id = app.demand_admin()
    and c.email_normalized = p_mark and c.email = '…'
  returning c.contact_id into whose;
  if whose is null then
    return false;
  end if;
  perform app.record_privacy('lift_erasure', whose::text);
  return true;
end $f$;

-- Removes the links to recordings from forms filed before p_before, and from the audit trail.
-- Returns how many.
create or replace function app.forget_recordings(p_before timestamptz, p_most int) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.cur_org();
  old uuid[];
begin
  if app.cur_role() is distinct from 'system' then
    raise insufficient_privilege using message = 'only a job may do this';
  end if;
  perform app.lock_books(org);
  old := array(select f.id from app.post_call_forms f
                where f.organization_id = org and f.recording_url is not null
                  and f.submitted_at < p_before limit p_most);
  update app.post_call_forms f set recording_url = null where f.organization_id = org
    and f.id = any (old);
  update app.audit_logs l set changes = app.blanked(l.changes, array['recording_url'])
   where l.organization_id = org and l.table_name = 'post_call_forms'
     and l.row_id = any (old::text[]) and l.changes ? 'recording_url';
  return cardinality(old);
end $f$;

revoke all on function app.forget_recordings(timestamptz, int), app.body_text(bytea),
  app.demand_admin(), app.private_rows_about(text, uuid[], text[], text[]),
  app.record_privacy(text, text), app.erase_person(uuid, uuid[], text[], text[], text[], text),
    app.lift_erasure(text),
  app.erase_deliveries(uuid, text[], text[], text, text, text),
    app.erase_messages(uuid, text[], text[], text, text) from public;
grant execute on function app.record_privacy(text, text),
  app.private_rows_about(text, uuid[], text[], text[]),
  app.erase_person(uuid, uuid[], text[], text[], text[], text),
  app.lift_erasure(text), app.body_text(bytea) to so_app;
grant execute on function app.forget_recordings(timestamptz, int) to so_worker;
