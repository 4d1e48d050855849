-- The organisation's books: which bookings, forms and payments are whose. Whoever writes one of
-- them, or the roster, holds this lock before the first row, since each reaches into the others.
create or replace function app.books_key(p_org uuid) returns bigint language sql immutable
return hashtextextended(p_org || ':books', 0);

-- Waits until no other transaction holds the organisation's books, then holds them until its own
-- ends. The organisation's lock comes first, as in core/platform/advisory_locks.py: an erasure and
-- whoever writes wait for each other.
create or replace function app.lock_books(p_org uuid) returns void language sql
set search_path = pg_catalog, pg_temp as $f$
  select pg_advisory_xact_lock_shared(hashtextextended(p_org::text, 0));
  select pg_advisory_xact_lock(app.books_key(p_org));
$f$;
grant execute on function app.books_key, app.lock_books to so_app, so_worker;
