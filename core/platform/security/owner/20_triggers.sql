create or replace function app.touch() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  new.updated_at := clock_timestamp();
  return new;
end $f$;

-- The audit trail: changed columns only, as {"column": [old, new]}; what must stay secret is masked by name.
-- That a key or link was used, or is still accepted, changes nothing worth a line, nor does who may see a row because of others.
create or replace function app.audit() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
declare
  before jsonb := case when tg_op = 'INSERT' then '{}'::jsonb else to_jsonb(old) end;
  after jsonb := case when tg_op = 'DELETE' then '{}'::jsonb else to_jsonb(new) end;
  either jsonb := before || after;
  changed jsonb;
  org uuid;
begin
  org := case tg_table_name when 'organizations' then (either ->> 'id')::uuid else (either ->> 'organization_id')::uuid end;
  if current_setting('app.purging', true) = org::text and app.is_being_purged(org) then
    return null;
  end if;
  select jsonb_object_agg(key, case
           when key in ('password_hash', 'sealed', 'key_hash', 'token_hash', 'totp_secret') then '["…", "…"]'::jsonb
           else jsonb_build_array(before -> key, after -> key) end)
    into changed
    from jsonb_object_keys(either) as key
   where (before -> key) is distinct from (after -> key)
     and key not in ('updated_at', 'organization_id', 'last_used_at', 'last_verified_at', 'rep_user_ids')
     and not (tg_op <> 'UPDATE' and jsonb_typeof(either -> key) = 'null');
  if changed is null then
    return null;
  end if;
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id, operation, changes)
  values (coalesce(org, '00000000-0000-0000-0000-000000000000'),
          nullif(current_setting('app.user_id', true), '')::uuid, nullif(current_setting('app.role', true), ''),
          tg_table_name, (select string_agg(either ->> k, ',') from unnest(tg_argv) as k), lower(tg_op), changed);
  return null;
end $f$;

-- An approved payout snapshot never changes; the one step left is from approved to paid. It goes only with its organisation.
create or replace function app.keep_snapshot() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
begin
  if tg_op = 'DELETE' then
    if old.state <> 'draft' and not (current_user = 'so_definer' and app.is_being_purged(old.organization_id)) then
      raise exception 'an approved payout snapshot cannot be deleted' using errcode = '23514';
    end if;
    return old;
  end if;
  if old.state = 'draft' and new.state in ('draft', 'approved') then
    return new;
  end if;
  if old.state = 'approved' and new.state = 'paid'
     and (to_jsonb(new) - '{state,paid_at,updated_at}'::text[]) = (to_jsonb(old) - '{state,paid_at,updated_at}'::text[]) then
    return new;
  end if;
  raise exception 'an approved payout snapshot cannot be changed' using errcode = '23514';
end $f$;

create or replace function app.keep_snapshot_rows() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $f$
declare
  row_of jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  state_now text;
begin
  if tg_op = 'DELETE' and current_user = 'so_definer' and app.is_being_purged(old.organization_id) then
    return old;
  end if;
  -- the erasure of a person replaces who paid, never what was paid
  if tg_op = 'UPDATE' and current_user = 'so_definer'
     and to_jsonb(new) - '{customer_email,customer_name,attribution_reason}'::text[]
         = to_jsonb(old) - '{customer_email,customer_name,attribution_reason}'::text[] then
    return new;
  end if;
  select s.state into state_now from app.payout_snapshots s
   where s.organization_id = (row_of ->> 'organization_id')::uuid and s.id = (row_of ->> 'snapshot_id')::uuid;
  if state_now is distinct from 'draft' or tg_op = 'UPDATE' then
    raise exception 'the rows of a payout snapshot cannot be changed' using errcode = '23514';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $f$;

revoke all on function app.touch(), app.audit(), app.keep_snapshot(), app.keep_snapshot_rows() from public;
