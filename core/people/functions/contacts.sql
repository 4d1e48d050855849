-- Addresses and numbers of a contact. Their tables are read by those who see everybody alone, so
-- that a rep reaches those of their own contacts through these functions only.

-- Whether whoever asks may read and change the contact.
create or replace function app.has_contact(p_contact uuid) returns boolean language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
  select exists (
    select 1 from app.contacts c
     where c.organization_id = app.cur_org() and c.id = p_contact
       and (app.cur_role() in ('system', 'super_admin', 'owner', 'admin', 'manager')
              and not app.cur_team_only()
            or app.cur_role() in ('manager', 'sales_rep') and c.rep_user_ids && app.cur_team()))
$f$;

-- Every address and number of a contact, the first ones first. Of an erased address there is only a
-- mark, which nobody is shown.
create or replace function app.contact_reach(p_contact uuid)
returns table (kind text, written text) language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select r.kind, r.written from (
    select 'email' as kind, e.email as written, e.email_normalized = c.email_normalized as is_first
      from app.contacts c
      join app.contact_emails e on e.organization_id = c.organization_id and e.contact_id = c.id
     where c.organization_id = app.cur_org() and c.id = p_contact and e.email <> '…'
    union all
    select 'email', c.email, true from app.contacts c
     where c.organization_id = app.cur_org() and c.id = p_contact and c.email is not null
       and not exists (select 1 from app.contact_emails e
                        where e.organization_id = c.organization_id and e.contact_id = c.id
                          and e.email_normalized = c.email_normalized)
    union all
    select 'phone', c.phone, true from app.contacts c
     where c.organization_id = app.cur_org() and c.id = p_contact and c.phone is not null
    union all
    select 'phone', n.phone, false from app.contact_phones n
     where n.organization_id = app.cur_org() and n.contact_id = p_contact and n.phone is not null
  ) r
   where app.has_contact(p_contact)
   order by r.kind, r.is_first desc nulls last, r.written
$f$;

-- From now on these are the contact's addresses, the first one first, and its further numbers.
-- Returns the first address that is somebody else's; then nothing has changed. Money follows
-- addresses: whoever is below manager changes none, and does not learn whose one is.
create or replace function app.set_contact_reach(p_contact uuid, p_emails text[],
  p_normalized text[], p_phones text[], p_e164 text[])
returns text language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.cur_org();
  taken text;
begin
  if not app.has_contact(p_contact) then
    raise insufficient_privilege using message = 'this contact belongs to somebody else';
  end if;
  if exists (select from app.contacts c where c.organization_id = org and c.id = p_contact
               and (c.merged_into_id is not null or c.erased_at is not null)) then
    raise invalid_parameter_value using message = 'this contact is merged or erased';
  end if;
  if app.cur_role() <> 'sales_rep' then
    taken := app.set_contact_emails(p_contact, p_emails, p_normalized);
    if taken is not null then
      return taken;
    end if;
  elsif exists (
    (select unnest(p_normalized)
       except select e.email_normalized from app.known_emails(p_contact) e)
    union all
    (select e.email_normalized from app.known_emails(p_contact) e
       except select unnest(p_normalized))
  ) then
    raise insufficient_privilege using message = 'a manager changes the addresses of a contact';
  end if;
  delete from app.contact_phones n where n.organization_id = org and n.contact_id = p_contact
    and n.phone <> all (p_phones);
  insert into app.contact_phones (organization_id, contact_id, phone, phone_e164)
  select org, p_contact, w.phone, w.e164 from unnest(p_phones, p_e164) as w(phone, e164)
   where not exists (select 1 from app.contact_phones n where n.organization_id = org
     and n.contact_id = p_contact and n.phone = w.phone);
  return null;
end $f$;

-- Every address of a contact in its normal form.
create or replace function app.known_emails(p_contact uuid)
returns table (email_normalized text) language sql stable
set search_path = pg_catalog, pg_temp as $f$
  select e.email_normalized from app.contact_emails e
   where e.organization_id = app.cur_org() and e.contact_id = p_contact and e.email <> '…'
  union select c.email_normalized from app.contacts c
   where c.organization_id = app.cur_org() and c.id = p_contact and c.email_normalized is not null
$f$;

-- Gives the contact these addresses, unless one is somebody else's, which is returned.
create or replace function app.set_contact_emails(p_contact uuid, p_emails text[],
  p_normalized text[])
returns text language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.cur_org();
  taken text := (select e.email from app.contact_emails e
    where e.organization_id = org and e.email_normalized = any (p_normalized)
      and e.contact_id <> p_contact limit 1);
begin
  if taken is not null then
    return taken;
  end if;
  delete from app.contact_emails e where e.organization_id = org and e.contact_id = p_contact
    and e.email <> '…' and e.email_normalized <> all (p_normalized);
  insert into app.contact_emails (organization_id, contact_id, email, email_normalized)
  select org, p_contact, w.email, w.normalized from unnest(p_emails, p_normalized)
    as w(email, normalized) on conflict (organization_id, email_normalized) do nothing;
  update app.contacts c set email = p_emails[1], email_normalized = p_normalized[1]
   where c.organization_id = org and c.id = p_contact
     and (c.email, c.email_normalized) is distinct from (p_emails[1], p_normalized[1]);
  return null;
end $f$;

-- The contact p_from turns out to be the same person as p_to: whatever is its becomes the other's,
-- and it points there, so that what still arrives about it goes there too. Returns the ids of what
-- was moved.
create or replace function app.merge_contacts(p_from uuid, p_to uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.cur_org();
  moved jsonb;
begin
  if app.cur_role() not in ('system', 'super_admin', 'owner', 'admin', 'manager')
    or app.cur_team_only() then
    raise insufficient_privilege using message = 'only those who see every contact merge them';
  end if;
  if 2 <> (select count(*) from app.contacts c where c.organization_id = org
             and c.id in (p_from, p_to) and c.merged_into_id is null and c.erased_at is null) then
    raise invalid_parameter_value using message = 'these two cannot be merged';
  end if;
  moved := app.move_to_contact(p_from, p_to);
  insert into app.contact_phones (organization_id, contact_id, phone, phone_e164)
  select org, p_to, c.phone, c.phone_e164 from app.contacts c
    join app.contacts k on k.organization_id = org and k.id = p_to
   where c.organization_id = org and c.id = p_from and c.phone is not null
     and k.phone is not null and c.phone <> k.phone
     and (c.phone_e164 is null or c.phone_e164 is distinct from k.phone_e164);
  update app.contacts k set email = c.email, email_normalized = c.email_normalized
    from app.contacts c
   where k.organization_id = org and k.id = p_to and k.email is null
     and c.organization_id = org and c.id = p_from and c.email is not null;
  update app.contacts c set merged_into_id = p_to
   where c.organization_id = org and (c.id = p_from or c.merged_into_id = p_from);
  return moved;
end $f$;

revoke all on function app.known_emails(uuid), app.set_contact_emails(uuid, text[], text[])
  from public;
grant execute on function app.contact_reach(uuid),
  app.set_contact_reach(uuid, text[], text[], text[], text[]),
  app.merge_contacts(uuid, uuid) to so_app, so_worker;
