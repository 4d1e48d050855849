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

-- The rows of a snapshot are made and removed while it is a draft. They are looked at once for each
-- statement, however many there are.
create or replace function app.keep_rows() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if exists (
    select from (select distinct t.organization_id, t.snapshot_id from touched t) wanted
      left join app.payout_snapshots s on s.organization_id = wanted.organization_id
       and s.id = wanted.snapshot_id
     where s.state is distinct from 'draft'
       and not (tg_op = 'DELETE' and current_user = 'so_definer'
         and app.is_being_purged(wanted.organization_id))) then
    raise exception 'the rows of a payout snapshot cannot be changed' using errcode = '23514';
  end if;
  return null;
end $f$;

-- Of a draft's line only whether it is held back changes. The erasure of a person replaces who paid
-- and what mentions them, in approved ones too, never what was paid.
create or replace function app.keep_changed_rows() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
declare
  personal text[] := '{customer_email,customer_name,attribution_reason,held_back}';
  is_erasure boolean;
begin
  select current_user = 'so_definer' and bool_and(
           (to_jsonb(c) - personal) is not distinct from (to_jsonb(t) - personal))
    into is_erasure
    from touched t full join changed c using (organization_id, id);
  if is_erasure then
    return null;
  end if;
  if exists (
    select from touched t full join changed c using (organization_id, id)
      left join app.payout_snapshots s on s.organization_id = t.organization_id
       and s.id = t.snapshot_id
     where s.state is distinct from 'draft'
        or (to_jsonb(c) - 'held_back') is distinct from (to_jsonb(t) - 'held_back')) then
    raise exception 'the rows of a payout snapshot cannot be changed' using errcode = '23514';
  end if;
  return null;
end $f$;
create or replace trigger keep_added_rows after insert on app.payout_snapshot_details
  referencing new table as touched for each statement execute function app.keep_rows();
create or replace trigger keep_removed_rows after delete on app.payout_snapshot_details
  referencing old table as touched for each statement execute function app.keep_rows();
create or replace trigger keep_changed_rows after update on app.payout_snapshot_details
  referencing old table as touched new table as changed
  for each statement execute function app.keep_changed_rows();
create or replace trigger keep_added_rows after insert on app.payout_snapshot_summaries
  referencing new table as touched for each statement execute function app.keep_rows();
create or replace trigger keep_removed_rows after delete on app.payout_snapshot_summaries
  referencing old table as touched for each statement execute function app.keep_rows();
create or replace trigger keep_changed_rows after update on app.payout_snapshot_summaries
  referencing old table as touched new table as changed
  for each statement execute function app.keep_changed_rows();

-- Once an approved payout has counted a payment, the day that payouts start with stands: another
-- would count settled money again, or lose some.
create or replace function app.keep_payouts_start() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $f$
begin
  if exists (select from app.payout_snapshots s
       join app.payout_snapshot_details d on d.organization_id = s.organization_id
         and d.snapshot_id = s.id
      where s.organization_id = new.organization_id and s.state <> 'draft') then
    raise exception 'payouts have started' using errcode = '23514';
  end if;
  return new;
end $f$;
create or replace trigger keep_payouts_start before update of payouts_start on app.money_settings
  for each row when (old.payouts_start is distinct from new.payouts_start)
    execute function app.keep_payouts_start();
