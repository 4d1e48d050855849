-- The receiver gets a delivery before it knows which organisation it belongs to. With these
-- functions it finds out and stores the delivery.
-- A row for each secret that is valid, the present one first; valid_until is of the one before.
create or replace function app.find_connection(p_id uuid)
returns table (organization_id uuid, provider text, revision int, secret_id uuid, sealed bytea,
  valid_until timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $f$
  select c.organization_id, c.provider, c.revision, s.id, s.sealed,
         case when s.name <> 'signing' then c.previous_secret_until end
    from app.webhook_connections c
    join app.organizations o on o.id = c.organization_id and o.deleted_at is null
      and o.status <> 'offboarded'
    join app.vault_secrets s on s.organization_id = c.organization_id and s.owner_id = c.id
     and (s.name = 'signing'
          or (s.name = 'signing before' and c.previous_secret_until > clock_timestamp()))
   where c.id = p_id and c.active
   order by s.name <> 'signing'
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

-- Stores verified deliveries where the workers find them, in one round trip and a few statements
-- for all of them. Returns an answer for each, in their order:
--   accepted
--   repeat    stored before, or earlier in the same batch
--   stale     the connection changed since its secret was read; its signature must be verified anew
--   limited   too many deliveries; retry_after is set
-- p_per_minute is the limit of a connection that has none of its own. Deliveries of a connection
-- that is paused are held.
--
-- A delivery that is known is looked for first, which waits for nobody: an insert would wait for
-- whoever changes the known one, as an erasure does for long, and everybody's deliveries with it.
-- The question is which delivery comes next in the order of the unique key, since only that key's
-- index can answer it. Asked whether there is one of that key, Postgres may prefer another index,
-- which it believes to be as good and with which it reads all deliveries of the connection.
-- The rows are inserted before they are counted, because repeats are not counted and only the
-- unique key reveals them. A connection's count of a minute is the sum of eight rows, of which each
-- backend adds to one, so that receivers do not wait for each other's commits.
create or replace function app.store_deliveries(
  p_connections uuid[], p_revisions int[], p_keys text[], p_headers text[], p_bodies bytea[],
  p_by_previous bool[], p_per_minute int
) returns table (answer text, retry_after int)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s'
as $f$
declare
  opens timestamptz := date_trunc('minute', clock_timestamp());
  own int := pg_backend_pid() % 8;
  ids uuid[] := array(select gen_random_uuid() from generate_subscripts(p_keys, 1));
  owners uuid[];
  answers text[];
begin
  with delivery as (
    select * from unnest(p_connections, p_revisions, p_keys, p_headers, p_bodies, p_by_previous,
        ids) with ordinality
      as d (connection_id, revision, delivery_key, headers, body, by_previous, id, place)
  ), connection as (
    select w.id, w.revision, w.organization_id, w.provider,
           case when w.paused_at is null then 'pending' else 'held' end as status,
           coalesce(w.rate_limit_per_minute, p_per_minute) as per_minute
      from app.webhook_connections w
      join app.organizations o on o.id = w.organization_id and o.deleted_at is null
        and o.status <> 'offboarded'
     where w.id = any (p_connections) and w.active
  ), inserted as (
    insert into app.webhook_deliveries (organization_id, id, connection_id, provider, delivery_key,
      headers, body, status, by_previous_secret)
    select c.organization_id, d.id, c.id, c.provider, d.delivery_key, d.headers::jsonb, d.body,
           c.status, d.by_previous
      from delivery d join connection c on c.id = d.connection_id and c.revision = d.revision
     where (
       select (w.organization_id, w.connection_id, w.delivery_key)
              = (c.organization_id, c.id, d.delivery_key)
         from app.webhook_deliveries w
        where (w.organization_id, w.connection_id, w.delivery_key)
              >= (c.organization_id, c.id, d.delivery_key)
        order by w.organization_id, w.connection_id, w.delivery_key limit 1) is not true
     order by d.place
    on conflict do nothing returning id, connection_id, delivery_key
  ), counted as (
    insert into app.rate_limits as r (key, window_start, hits)
    select 'webhook:' || i.connection_id || ':' || own, opens, count(*)
      from inserted i group by i.connection_id order by i.connection_id
    on conflict (key, window_start) do update set hits = r.hits + excluded.hits
  ), taken as (
    -- This statement does not see its own rows, so the reading of all eight is that of before.
    select c.id, coalesce((select sum(r.hits) from app.rate_limits r where r.window_start = opens
      and r.key = any (array(select 'webhook:' || c.id || ':' || n from generate_series(0, 7) n))),
        0) as before
      from connection c
  ), numbered as (
    select i.*, row_number() over (partition by i.connection_id order by d.place) as number
      from inserted i join delivery d on d.id = i.id
  ), judged as (
    -- What comes twice in the batch is turned away twice: only what stays stored is a repeat.
    select d.place, c.organization_id, case
        when c.id is null then 'stale'
        when i.id is null then 'repeat'
        when t.before + i.number > c.per_minute then 'limited'
        when i.id <> d.id then 'repeat'
        else 'accepted' end as answer
      from delivery d
      left join connection c on c.id = d.connection_id and c.revision = d.revision
      left join numbered i on i.connection_id = c.id and i.delivery_key = d.delivery_key
      left join taken t on t.id = c.id
  )
  select array_agg(j.organization_id order by j.place), array_agg(j.answer order by j.place)
    into owners, answers from judged j;
  if 'limited' = any (answers) then
    delete from app.webhook_deliveries w using unnest(owners, ids, answers) as a (owner, id, answer)
     where a.answer = 'limited' and w.organization_id = a.owner and w.id = a.id;
  end if;
  return query select a.answer, case a.answer when 'limited' then greatest(1, ceil(extract(epoch
      from opens + interval '1 minute' - clock_timestamp()))::int) end
    from unnest(answers) with ordinality as a (answer, place) order by a.place;
end $f$;
grant execute on function app.store_deliveries to so_worker;

-- Counts a delivery that was not correctly signed, within p_limit for p_key (what was asked for,
-- and the network that asks) in a minute; beyond that it is neither looked at nor noted, and the
-- answer is for how many seconds. A connection that is not there has nothing to note.
create or replace function app.count_refused(
  p_key text, p_limit int, p_connection uuid, p_why text) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  wait_s int := app.take_hit('unverified:' || p_key, p_limit, 60);
begin
  if wait_s = 0 and p_connection is not null then
    insert into app.connection_activity as a (organization_id, connection_id, refused_count,
      refused_since, refused_at, refusal)
    select c.organization_id, c.id, 1, clock_timestamp(), clock_timestamp(), left(p_why, 200)
      from app.webhook_connections c where c.id = p_connection
    on conflict (organization_id, connection_id) do update
      set (refused_count, refused_since) = (
            select case when x.goes_on then a.refused_count + 1 else 1 end,
                   case when x.goes_on then a.refused_since else excluded.refused_since end
              from (select a.refused_at > greatest(a.last_webhook_at, c.updated_at) as goes_on
                      from app.webhook_connections c where c.id = p_connection) x),
          refused_at = excluded.refused_at, refusal = excluded.refusal;
  end if;
  return wait_s;
end $f$;
grant execute on function app.count_refused to so_worker;
