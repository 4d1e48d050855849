-- The receiver gets a delivery before it knows which organisation it belongs to. With these
-- functions it finds out and stores the delivery.
create or replace function app.find_connection(p_id uuid)
returns table (organization_id uuid, provider text, revision int, secret_id uuid, sealed bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select c.organization_id, c.provider, c.revision, s.id, s.sealed
    from app.webhook_connections c
    join app.organizations o on o.id = c.organization_id and o.deleted_at is null
    join app.vault_secrets s on s.organization_id = c.organization_id and s.owner_id = c.id
      and s.name = 'signing'
   where c.id = p_id and c.active
$f$;
grant execute on function app.find_connection to so_worker;

-- Which connection is meant by an address with the organisation's slug: of several, the oldest.
create or replace function app.connection_of(p_slug text, p_provider text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select c.id from app.webhook_connections c
    join app.organizations o on o.id = c.organization_id and o.slug = p_slug
   where c.provider = p_provider and c.active
   order by c.created_at, c.id limit 1
$f$;
grant execute on function app.connection_of to so_worker;

-- Stores one verified delivery and enqueues its processing, in one round trip. The answer is
--   accepted
--   repeat    stored before
--   stale     the connection changed since its secret was read; its signature must be verified anew
--   limited   too many deliveries; retry_after is set
-- p_per_minute is the limit of a connection that has none of its own.
-- The row is inserted before it is counted, because repeats are not counted and only the unique key
-- reveals them.
create or replace function app.store_delivery(
  p_connection uuid, p_revision int, p_delivery_key text, p_headers jsonb, p_body bytea,
  p_per_minute int, out answer text, out retry_after int
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  c record;
  opens timestamptz := date_trunc('minute', clock_timestamp());
  stored uuid;
  taken bigint;
begin
  select w.organization_id, w.provider, 
      coalesce(w.rate_limit_per_minute, p_per_minute) as per_minute into c
    from app.webhook_connections w join app.organizations o on o.id = w.organization_id
      and o.deleted_at is null
   where w.id = p_connection and w.revision = p_revision and w.active;
  if not found then
    answer := 'stale';
    return;
  end if;
  insert into app.webhook_deliveries (organization_id, connection_id, provider, delivery_key,
    headers, body)
  values (c.organization_id, p_connection, c.provider, p_delivery_key, p_headers, p_body)
  on conflict do nothing returning id into stored;
  if stored is null then
    answer := 'repeat';
    return;
  end if;
  insert into app.rate_limits as r (key, window_start, hits)
  values ('webhook:' || p_connection, opens, 1)
  on conflict (key, window_start) do update set hits = r.hits + 1
  returning r.hits into taken;
  if taken > c.per_minute then
    delete from app.webhook_deliveries d where d.organization_id = c.organization_id
      and d.id = stored;
    answer := 'limited';
    retry_after := greatest(1, ceil(extract(epoch
      from opens + interval '1 minute' - clock_timestamp()))::int);
    return;
  end if;
  -- Inserts without procrastinate's own function, which is written in SQL and planned anew at each
  -- call. That would double the time.
  insert into jobs.procrastinate_jobs (queue_name, task_name, scheduled_at, args)
  values ('default', 'process_delivery', now(),
    jsonb_build_object('organization_id', c.organization_id, 'delivery_id', stored));
  answer := 'accepted';
end $f$;
grant execute on function app.store_delivery to so_worker;
