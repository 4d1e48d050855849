"""A temporary server filled in bulk: one year of events, forms and payments of several
organisations.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.engine import make_url

from core.migrations.upgrade import migrate
from core.platform.clock import Period
from core.platform.database import APP_ROLE, WORKER_ROLE, engine
from core.platform.local_postgres import LocalPostgres
from core.platform.settings import settings

TIMEZONE = "America/New_York"
YEAR = Period(date(2025, 1, 1), date(2026, 1, 1), TIMEZONE)
ADMIN = UUID(int=1)
MEASURED = UUID("00000000-0000-0001-0000-000000000000")
SMALL = UUID("00000000-0000-0001-0000-0000000000ff")
SMALL_EVENTS = 2_000

# Triggers and references are off once the organisations and their settings are there, so each row
# contains what they would have written.
LOAD = """
select setseed(0.25);
create temp table orgs as
    select ('00000000-0000-0001-0000-' || lpad(to_hex(part), 12, '0'))::uuid as id, part
      from generate_series({first}, {first} + {organizations} - 1) part;
insert into app.organizations (id, name, slug, timezone, currency)
    select id, 'Team ' || part, 'team-' || part, '{timezone}', 'USD' from orgs;
set session_replication_role = replica;
insert into app.users (id, email, email_normalized, name) values ('{admin}', 'admin@example.com',
  'admin@example.com', 'Admin') on conflict do nothing;
insert into app.organization_members (organization_id, user_id, role, name, email)
    select o.id, u.id, 'admin', u.name, u.email from orgs o, app.users u;
insert into app.closers (organization_id, id, name) select o.id, lists.member(1, n),
  'Closer ' || n from orgs o, generate_series(0, 19) n;
insert into app.setters (organization_id, id, name) select o.id, lists.member(2, n),
  'Setter ' || n from orgs o, generate_series(0, 9) n;
insert into app.sources (organization_id, id, name) select o.id, lists.member(3, n),
  'Source ' || n from orgs o, generate_series(0, 11) n;
insert into app.packages (organization_id, id, name) select o.id, lists.member(4, n),
  'Package ' || n from orgs o, generate_series(0, 4) n;
create temp table drawn as
    select ('00000000-0000-0001-0000-' || lpad(to_hex({first} + n % {organizations}), 12,
      '0'))::uuid as organization_id, gen_random_uuid() as id, n,
           timestamptz '{start}' + interval '351 days' * (n::float8 / {events})
             + interval '14 days' * random() as scheduled_at,
           random() as luck, random() as depth, floor(random() * 20)::int as closer,
           floor(random() * 10)::int as setter,
           floor(random() * 12)::int as source
      from generate_series(0, {events} - 1) n;
insert into app.events (organization_id, id, lead_name, lead_email, lead_email_normalized,
  closer_id, closer_name,
    setter_id, setter_name, source_id, utm_source, utm_medium, scheduled_at, ends_at,
    booked_at, call_status, event_outcome,
    pcf_submitted, pcf_submitted_at, provider_status, canceled_at, booking_platform,
    external_id)
    select organization_id, id, 'Lead ' || n, 'lead' || n || '@example.com',
      'lead' || n || '@example.com',
           lists.member(1, closer), 'Closer ' || closer,
           lists.member(2, setter), 'Setter ' || setter, lists.member(3, source), 'ads', 'paid',
           scheduled_at,
           scheduled_at + interval '45 minutes', scheduled_at - interval '10 days' * luck, status,
           case when status = 'no_show' then 'no_show' when status = 'completed' then
               case when depth < 0.3 then 'showed' when depth < 0.6
                 then 'offer_made' else 'closed' end end,
           status in ('completed', 'no_show'),
           case when status in ('completed', 'no_show')
             then scheduled_at + interval '30 hours' * depth end,
           case when status in ('canceled', 'rescheduled') then status else 'scheduled' end,
           case when status = 'canceled' then scheduled_at - interval '1 day' end, 'calendly',
             n::text
      from (select *, case when luck < 0.55 then 'completed' when luck < 0.75
        then 'no_show' when luck < 0.87 then 'canceled'
                           when luck < 0.95 then 'rescheduled' else 'scheduled' end as status
                             from drawn) d
     order by n;
insert into app.post_call_forms (organization_id, event_id, call_occurred, lead_showed,
  offer_made, deal_closed,
    package_id, submitted_at)
    select organization_id, id, call_status = 'completed', call_status = 'completed',
           coalesce(event_outcome in ('offer_made', 'closed'), false),
           coalesce(event_outcome = 'closed', false),
           case event_outcome when 'closed' then lists.member(4, floor(random() * 5)::int) end,
             pcf_submitted_at
      from app.events
     where pcf_submitted and organization_id in (select id from orgs);
insert into app.payments (organization_id, amount, currency, refund_amount, payment_date,
  customer_email, customer_email_normalized,
    processor, event_id, closer_id, setter_id, source_id, attribution_method)
    select organization_id, 4997, 'USD', case when random() < 0.05 then 997 else 0 end,
      scheduled_at + interval '3 hours', lead_email,
           lead_email_normalized, 'stripe', id, closer_id, setter_id, source_id, 'email'
      from app.events
     where event_outcome = 'closed' and organization_id in (select id from orgs);
"""
# Nothing is measured that waits for the disk, and a checkpoint that begins by itself would slow
# whichever side it meets.
UNHURRIED = {"fsync": "off", "max_wal_size": "4GB", "checkpoint_timeout": "1h"}
MEMBER = """
create schema if not exists lists;
create or replace function lists.member(kind int, n int) returns uuid language sql immutable
return ('00000000-0000-0002-000' || kind || '-' || lpad(to_hex(n), 12, '0'))::uuid;
"""
INDEXES = """
    select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
     where indrelid in ('app.events'::regclass, 'app.payments'::regclass)
       and not exists (select from pg_constraint c where c.conindid = indexrelid)
"""


@contextmanager
def filled(*, events: int, organizations: int) -> Iterator[str]:
    """A server with ``events`` events, divided equally among the organisations, with their forms
    and payments. The process's settings point at it. Yields the owner's address.
    """
    with tempfile.TemporaryDirectory() as folder, LocalPostgres(folder, UNHURRIED) as postgres:
        Path(folder).chmod(0o711)  # the server's own account must be able to enter
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database bench")
        os.environ["DATABASE_URL"] = postgres.url("bench")
        os.environ["ENCRYPTION_MASTER_KEY"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        settings.cache_clear()
        engine.cache_clear()
        migrate()
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database alone template bench")
        with _without_indexes(postgres.url("bench")):
            _load(postgres.url("bench"), events=events, organizations=organizations, first=0)
        _vacuum(postgres.url("bench"))
        yield postgres.url("bench")
        for role in (APP_ROLE, WORKER_ROLE):
            engine(role).dispose()


def add_small(owner_url: str) -> str:
    """Add the small organisation ``SMALL`` to what is there, and to a database that has nothing
    else. Returns the name of that.
    """
    apart = make_url(owner_url).set(database="alone").render_as_string(hide_password=False)
    for url in (owner_url, apart):
        _load(url, events=SMALL_EVENTS, organizations=1, first=SMALL.int & 0xFFFF)
        _vacuum(url)
    return "alone"


def _load(url: str, **asked: int) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(MEMBER)
        owner.execute(LOAD.format(timezone=TIMEZONE, start=YEAR.starts_at, admin=ADMIN, **asked))


@contextmanager
def _without_indexes(url: str) -> Iterator[None]:
    """They are made afterwards, which takes less than to keep them up to date with each row."""
    with psycopg.connect(url, autocommit=True) as owner:
        indexes = owner.execute(INDEXES).fetchall()
        for name, _ in indexes:
            owner.execute(f"drop index {name}")
        yield
        owner.execute("set maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            owner.execute(definition)


def _vacuum(url: str) -> None:
    """An index answers alone only for pages that a vacuum has seen."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("vacuum (analyze)")
