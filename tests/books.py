"""A guard in every database of the tests: whoever writes bookings, forms, payments or the roster as
one of the product's roles without holding the organisation's books is refused. Without the lock all
goes well until two people write at the same moment.
"""

from __future__ import annotations

import psycopg

from core.migrations.upgrade import migrate

GUARDED = ("events", "closers", "setters", "post_call_forms", "payments")
# An erasure holds the whole organisation instead, and nobody writes in one that is being purged.
_GUARD = """
    create schema if not exists guards;
    create or replace function guards.require_books() returns trigger language plpgsql
    security definer set search_path = pg_catalog, pg_temp as $f$
    declare
      org uuid;
    begin
      if session_user not in ('so_app', 'so_worker') or app.cur_purged() is not null then
        return null;
      end if;
      for org in select distinct organization_id from written loop
        if not exists (
          select from pg_locks l
           where l.pid = pg_backend_pid() and l.locktype = 'advisory' and l.granted
             and l.mode = 'ExclusiveLock' and l.objsubid = 1
             and (l.classid::bigint << 32 | l.objid::bigint)
               in (app.books_key(org), hashtextextended(org::text, 0))) then
          raise exception '% of % without the lock on the books', tg_op, tg_table_name;
        end if;
      end loop;
      return null;
    end $f$;
"""


def guard_books(url: str) -> None:
    """Installs the guard in the migrated database at ``url``, as its superuser."""
    with psycopg.connect(url) as connection:
        connection.execute(_GUARD)
        for table in GUARDED:
            for verb, rows in (("insert", "new"), ("update", "new"), ("delete", "old")):
                connection.execute(f"""
                    create or replace trigger guard_{verb} after {verb} on app.{table}
                      referencing {rows} table as written
                      for each statement execute function guards.require_books()
                """)


def migrate_again(url: str) -> None:
    """Migrates the tests' own database; that takes out what the product does not declare, as the
    guard.
    """
    migrate()
    guard_books(url)
