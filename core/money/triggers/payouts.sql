-- An approved payout snapshot never changes; the one step left is from approved to paid. It goes
-- only with its organisation.
create or replace function app.keep_snapshot() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if tg_op = 'DELETE' then
    if old.state <> 'draft' and not (current_user = 'so_definer'
      and app.is_being_purged(old.organization_id)) then
      raise exception 'an approved payout snapshot cannot be deleted' using errcode = '23514';
    end if;
    return old;
  end if;
  if tg_op = 'INSERT' then
    if new.state <> 'draft' then
      raise exception 'a payout snapshot begins as a draft' using errcode = '23514';
    end if;
    new.lines_sha256 := null;
    return new;
  end if;
  if old.state = 'draft' and new.state = 'approved' then
    -- one approval at a time: another that is about to commit would not be seen
    perform app.lock_books(new.organization_id);
    if exists (select from app.payout_snapshots s where s.organization_id = new.organization_id
      and s.id <> new.id
                and s.state <> 'draft' and s.period_end > new.period_start) then
      raise exception 'a payout snapshot begins before the end of one that was approved'
        using errcode = '23514';
    end if;
    new.lines_sha256 := app.payout_lines_sha256(new.id);
    return new;
  end if;
  if old.state = 'draft' and new.state = 'draft' then
    new.lines_sha256 := null;
    return new;
  end if;
  if old.state = 'approved' and new.state = 'paid'
     and (to_jsonb(new) - '{state,paid_at,updated_at}'::text[]) = (to_jsonb(old)
       - '{state,paid_at,updated_at}'::text[]) then
    return new;
  end if;
  raise exception 'an approved payout snapshot cannot be changed' using errcode = '23514';
end $f$;
create or replace trigger keep_snapshot before insert or update or delete on app.payout_snapshots
  for each row execute function app.keep_snapshot();

create or replace function app.keep_snapshot_rows() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
declare
  row_of jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  state_now text;
begin
  if tg_op = 'DELETE' and current_user = 'so_definer' and app.is_being_purged(old.organization_id)
    then
    return old;
  end if;
  -- the erasure of a person replaces who paid and what mentions them, never what was paid
  if tg_op = 'UPDATE' and current_user = 'so_definer'
     and to_jsonb(new) - '{customer_email,customer_name,attribution_reason,held_back}'::text[]
         = to_jsonb(old) - '{customer_email,customer_name,attribution_reason,held_back}'::text[]
           then
    return new;
  end if;
  select s.state into state_now from app.payout_snapshots s
   where s.organization_id = (row_of ->> 'organization_id')::uuid
     and s.id = (row_of ->> 'snapshot_id')::uuid;
  if state_now is distinct from 'draft'
     or tg_op = 'UPDATE' and to_jsonb(new) - 'held_back' <> to_jsonb(old) - 'held_back' then
    raise exception 'the rows of a payout snapshot cannot be changed' using errcode = '23514';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $f$;
create or replace trigger keep_snapshot_rows before insert or update or delete
  on app.payout_snapshot_details
  for each row execute function app.keep_snapshot_rows();
create or replace trigger keep_snapshot_rows before insert or update or delete
  on app.payout_snapshot_summaries
  for each row execute function app.keep_snapshot_rows();

-- Once an approved payout has counted a payment, the day that payouts start with stands: another
-- would count settled money again, or lose some.
create or replace function app.keep_payouts_start() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if exists (select from app.payout_snapshots s
       join app.payout_snapshot_details d on d.organization_id = s.organization_id
         and d.snapshot_id = s.id and d.held_back is null
      where s.organization_id = new.organization_id and s.state <> 'draft') then
    raise exception 'payouts have started' using errcode = '23514';
  end if;
  return new;
end $f$;
create or replace trigger keep_payouts_start before update of payouts_start on app.money_settings
  for each row when (old.payouts_start is distinct from new.payouts_start)
    execute function app.keep_payouts_start();
