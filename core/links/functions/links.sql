-- A link is valid until it expires or is revoked, as long as its organisation exists and has the
-- module to which belongs what the link shows. A portal is also valid only while its closer is
-- active and, if the closer has an account, a member.
create or replace function app.valid_link(p_hash bytea, p_purpose text)
returns setof app.access_tokens language sql stable security definer
set search_path = pg_catalog, pg_temp as $f$
  select t.* from app.access_tokens t
    join app.organizations o on o.id = t.organization_id and o.deleted_at is null
      and o.status <> 'offboarded'
      and (t.module is null or t.module = any (o.modules))
    left join app.closers c on c.organization_id = t.organization_id and c.id = t.closer_id
   where t.token_hash = p_hash and t.purpose = p_purpose and t.revoked_at is null
     and t.expires_at > now()
     and (t.purpose <> 'portal' or (c.active
       and (c.user_id is null or app.user_is_org_member(c.user_id, t.organization_id))))
$f$;

-- What a link's page shows about the link; records its use. No row for a link that is not valid.
create or replace function app.find_link(p_hash bytea, p_purpose text)
returns table (link_id uuid, name text, organization_id uuid, organization_name text, timezone text,
  currency text, locale text, person text, closer_id uuid, setter_id uuid, snapshot_name text,
  period_start date, period_end date, shown jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
begin
  update app.access_tokens t set last_used_at = now()
   where t.token_hash = p_hash and t.revoked_at is null
     and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute')
     and exists (select 1 from app.valid_link(p_hash, p_purpose));
  return query
  select t.id, t.name, o.id, o.name, o.timezone, o.currency, o.locale, coalesce(c.name, s.name),
    t.closer_id, t.setter_id, p.name,
         p.period_start, p.period_end, t.shown
    from app.valid_link(p_hash, p_purpose) t
    join app.organizations o on o.id = t.organization_id
    left join app.closers c on c.organization_id = t.organization_id and c.id = t.closer_id
    left join app.setters s on s.organization_id = t.organization_id and s.id = t.setter_id
    left join app.payout_snapshots p on p.organization_id = t.organization_id
      and p.id = t.snapshot_id;
end $f$;

-- The identity of a link for one transaction. The policies of its role compare rows with what the
-- link opens. The transaction is read-only, unless a portal names the one event whose form it is
-- going to file.
create or replace function app.enter_link(p_hash bytea, p_purpose text, p_event uuid) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  link app.access_tokens;
  event app.events;
begin
  select * into link from app.valid_link(p_hash, p_purpose);
  if not found then
    raise exception 'unknown link' using errcode = '42501';
  end if;
  if p_event is not null then
    select * into event from app.events e
     where e.organization_id = link.organization_id and e.id = p_event
       and e.closer_id = link.closer_id and e.deleted_at is null;
    if not found or p_purpose <> 'portal' then
      raise exception 'not an event of this link' using errcode = '42501';
    end if;
  end if;
  set local app.user_id = '';
  execute format('set local app.organization_id = %L', link.organization_id::text);
  execute format('set local app.opened_closer = %L', coalesce(link.closer_id::text, ''));
  execute format('set local app.opened_setter = %L',
    coalesce(link.setter_id::text, event.setter_id::text, ''));
  execute format('set local app.opened_event = %L', coalesce(event.id::text, ''));
  execute format('set local app.opened_snapshot = %L', coalesce(link.snapshot_id::text, ''));
  execute format('set local app.role = %L', app.role_of_link(p_purpose, link.shown));
  if event.id is null then
    set local transaction_read_only = on;
  end if;
  return link.organization_id;
end $f$;

-- For how many seconds an address that tried too many wrong links must wait; 0 when it may try.
create or replace function app.wait_for_link(p_key text, p_limit int, p_window_seconds int)
returns int language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select coalesce(max(ceil(p_window_seconds - extract(epoch
    from clock_timestamp() - r.window_start))::int), 0)
    from app.rate_limits r
   where r.key = p_key and r.key like 'link:%' and r.hits >= p_limit
     and r.window_start > clock_timestamp() - make_interval(secs => p_window_seconds)
$f$;

revoke all on function app.valid_link(bytea, text), app.find_link(bytea, text),
  app.enter_link(bytea, text, uuid),
  app.wait_for_link(text, int, int) from public;
grant execute on function app.find_link(bytea, text), app.enter_link(bytea, text, uuid),
  app.wait_for_link(text, int, int) to so_app;
