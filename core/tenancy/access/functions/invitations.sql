-- Whoever holds an invitation's link looks it up and accepts it before there is an identity.
create or replace function app.find_invitation(p_token_hash bytea)
returns table (organization text, email text, role text, state text, user_id uuid) language sql
stable security definer set search_path = pg_catalog, pg_temp as $f$
  select o.name, i.email, i.role,
         case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null
           then 'revoked'
              when i.expires_at <= now() then 'expired' else 'open' end,
         (select u.id from app.users u where u.email_normalized = i.email_normalized)
    from app.invitations i join app.organizations o on o.id = i.organization_id
      and o.deleted_at is null and o.status <> 'offboarded'
   where i.token_hash = p_token_hash
$f$;
grant execute on function app.find_invitation to so_app;

-- Makes the invited person a member, once. For a new user, a name and a password's hash are given;
-- for an existing user neither, and ``p_known`` is the user whom the caller has authenticated.
-- Returns the organisation, or null if the invitation is not open, belongs to somebody else, or the
-- user is or was a member already.
create or replace function app.accept_invitation(p_token_hash bytea, p_known uuid, p_name text,
  p_password_hash text)
returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  i app.invitations;
  known app.users;
  who uuid;
begin
  select * into i from app.invitations x
   where x.token_hash = p_token_hash and x.accepted_at is null and x.revoked_at is null
     and x.expires_at > now()
     and exists (select 1 from app.organizations o where o.id = x.organization_id
       and o.deleted_at is null and o.status <> 'offboarded')
     for update;
  if not found then
    return null;
  end if;
  select * into known from app.users u where u.email_normalized = i.email_normalized;
  who := coalesce(known.id, gen_random_uuid());
  if known.id is distinct from p_known or (known.id is not null and not known.active)
     or exists (select 1 from app.organization_members m where m.organization_id = i.organization_id
       and m.user_id = who) then
    return null;
  end if;
  execute format('set local app.user_id = %L', who::text);  -- the audit log names who accepted
  if known.id is null then
    insert into app.users (id, email, email_normalized, name, password_hash, password_changed_at)
    values (who, i.email, i.email_normalized, p_name, p_password_hash, now());
  end if;
  insert into app.organization_members (organization_id, user_id, role, name, email)
  values (i.organization_id, who, i.role, coalesce(known.name, p_name), i.email);
  update app.invitations set accepted_at = now() where organization_id = i.organization_id
    and id = i.id;
  set local app.user_id = '';
  return i.organization_id;
end $f$;
grant execute on function app.accept_invitation to so_app;
