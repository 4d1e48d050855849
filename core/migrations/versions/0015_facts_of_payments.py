"""What was true of a payment when it was made is stored by itself, so that no later state of an
object changes it; and a payment knows the booking that it was paid with.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("provider_objects", "payments", "refunds", "events", "webhook_connections")
METHODS = ("email", "later_call", "membership", "form", "booking", "manual", "none")

# Earlier moments sort last, as text. The same as ``core.deliveries.objects.remember_first``.
VERSION = """
    lpad(((999999999999999999 - (extract(epoch from s.at) * 1000000)::bigint) / 1000000)::text, 12,
      '0') || '.' || lpad(((999999999999999999 - (extract(epoch from s.at) * 1000000)::bigint)
        % 1000000)::text, 6, '0')
"""

# How a charge and a customer were when they were reported, as far as it is known: the total of
# refunds has its first moment, and of the rest the newest state is all that there is. Until now the
# total was one refund, also where it went up twice, and payouts have counted it as one: so it stays
# one. The address of a receipt counted since the payment was made.
STRIPE = """
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, group_key, version, data, arrived_at)
    select o.organization_id, 'stripe', 'charge at a time', x.charge || ' ' || (o.data ->> 'at'),
           x.charge, lpad(o.data ->> 'at', 12, '0'),
           jsonb_build_object('id', x.charge, 'amount_refunded', x.total::bigint,
             'at', o.data -> 'at'), o.arrived_at
      from app.provider_objects o
      cross join lateral (select split_part(o.external_id, ' refunded ', 1) as charge,
        split_part(o.external_id, ' refunded ', 2) as total) x
      join app.provider_objects c on c.organization_id = o.organization_id
       and c.provider = 'stripe' and c.kind = 'charge' and c.external_id = x.charge
       and c.data ->> 'amount_refunded' = x.total
     where o.provider = 'stripe' and o.kind = 'first' and x.total ~ '^[0-9]{1,15}$'
    on conflict do nothing;
    delete from app.provider_objects
     where provider = 'stripe' and kind = 'first' and external_id like '% refunded %';
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, group_key, version, data, arrived_at)
    select organization_id, provider, 'customer at a time',
           external_id || ' ' || (data ->> 'as_of'), external_id, version,
           data - 'as_of' || jsonb_build_object('at', data -> 'as_of'), arrived_at
      from app.provider_objects
     where provider = 'stripe' and kind = 'customer' and data ->> 'as_of' is not null
    on conflict do nothing;
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, version, data, arrived_at)
    select s.organization_id, 'stripe', 'first', s.external_id || ' ' || f.what,
           VERSION,
           jsonb_build_object('at', s.at) || f.said, s.arrived_at
      from (select organization_id, external_id, arrived_at,
                   nullif(btrim(data ->> 'receipt_email'), '') as email,
                   to_timestamp(least((data ->> 'as_of')::bigint,
                     case when data ->> 'created' ~ '^[0-9]{1,10}$'
                       then (data ->> 'created')::bigint end)) as at
              from app.provider_objects
             where provider = 'stripe' and kind in ('charge', 'payment_intent')) s
      cross join lateral (values ('seen', true, '{}'::jsonb), ('receipt', s.email is not null,
        jsonb_build_object('email', s.email))) f (what, holds, said)
     where f.holds and s.at is not null
    on conflict do nothing;
"""

# The same of Whop's objects: of a status in several generations the earliest, of addresses and
# names each generation's own. The two oldest shapes do not say when a payment was as they say.
WHOP = """
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, group_key, version, data, arrived_at)
    select distinct on (s.organization_id, s.name) s.organization_id, 'whop', 'first', s.name,
           s.group_key, VERSION, jsonb_build_object('at', s.at) || s.said,
           s.arrived_at
      from (
        select o.organization_id, o.external_id || ' ' || f.what as name, o.arrived_at,
               case when o.kind like 'payment %' then o.external_id else o.group_key
                 end as group_key,
               coalesce(f.at::timestamptz, o.arrived_at) as at, f.said
          from (select *, split_part(kind, ' ', 2) as shape from app.provider_objects) o
          cross join lateral (values
            ('email ' || o.shape, o.data ->> 'email' is not null, coalesce(o.data ->> 'updated_at',
               o.data ->> 'at'), jsonb_build_object('email', o.data -> 'email', 'name',
                 o.data -> 'name')),
            ('name ' || o.shape, o.data ->> 'name' is not null, coalesce(o.data ->> 'updated_at',
               o.data ->> 'at'), jsonb_build_object('email', o.data -> 'email', 'name',
                 o.data -> 'name')),
            (o.data ->> 'status', o.kind like 'payment %', coalesce(o.data ->> 'at',
               o.data ->> 'updated_at'), '{}'::jsonb),
            ('made', o.kind in ('refund', 'dispute'), coalesce(o.data ->> 'at',
               o.data ->> 'updated_at'), '{}'::jsonb),
            ('lost', o.kind = 'dispute' and o.data ->> 'status' = 'lost', coalesce(
               o.data ->> 'updated_at', o.data ->> 'at'), '{}'::jsonb),
            ('undone', o.kind = 'refund' and o.data ->> 'status' in ('failed', 'canceled'),
               coalesce(o.data ->> 'updated_at', o.data ->> 'at'), '{}'::jsonb))
            f (what, holds, at, said)
         where o.provider = 'whop' and (o.kind like 'payment %' or o.kind in ('refund', 'dispute'))
           and f.holds and f.what is not null and o.version <> '0:') s
     order by s.organization_id, s.name, s.at, s.said::text desc
    on conflict do nothing;
    update app.provider_objects set data = data || jsonb_build_object('seen_at',
             case when kind in ('payment v5', 'payment v2') then null else data -> 'updated_at' end)
     where provider = 'whop' and kind like 'payment %';
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, group_key, version, data, arrived_at)
    select distinct on (organization_id, external_id, data ->> 'updated_at') organization_id,
           provider, 'total at a time', external_id || ' ' || (data ->> 'updated_at'), external_id,
           version, jsonb_build_object('seen_at', data -> 'seen_at', 'updated_at',
             data -> 'updated_at', 'refunded_at', data -> 'refunded_at', 'refunded_amount',
             data -> 'refunded_amount', 'currency', data -> 'currency'), arrived_at
      from app.provider_objects
     where provider = 'whop' and kind like 'payment %' and data ->> 'updated_at' is not null
       and (data ->> 'refunded_amount')::numeric > 0
     order by organization_id, external_id, data ->> 'updated_at', version collate "C" desc
    on conflict do nothing;
    update app.refunds set processor_refund_id = 'total of it'
     where processor_refund_id = 'running total';
"""

# A record of a booking's money that was given up for the processor's own: which one stands for it
# was forgotten, and so was what a person had chosen.
SAME = """
    update app.payments d set superseded_by_id = p.id
      from app.payments p
     where p.organization_id = d.organization_id and p.processor = d.processor
       and p.processor_charge_id = d.processor_payment_id and p.id <> d.id
       and p.deleted_at is null and p.connection_id is not null
       and d.deleted_at is not null and d.connection_id is not null and d.superseded_by_id is null;
    update app.payments p set chosen_at = d.chosen_at, chosen_event_id = d.chosen_event_id,
           chosen_by = d.chosen_by, chosen_reason = d.chosen_reason
      from app.payments d
     where d.organization_id = p.organization_id and d.superseded_by_id = p.id
       and d.connection_id is not null and d.deleted_at is not null
       and d.chosen_at is not null and p.chosen_at is null;
"""

# Money is stored apart from the states of whoever booked, by what is the same in all of them. It
# was paid with the first booking that names it.
BOOKED = """
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, group_key, version, data, arrived_at)
    select distinct on (o.organization_id, o.external_id) o.organization_id, 'calendly', 'payment',
           o.external_id, m.processor || ' ' || m.key, split_part(substr(o.version, 2), ' ', 1),
           o.data -> 'payment', o.arrived_at
      from app.provider_objects o
      cross join lateral (select btrim(o.data -> 'payment' ->> 'external_id') as key,
        lower(btrim(o.data -> 'payment' ->> 'provider')) as processor) m
     where o.provider = 'calendly' and o.kind in ('invitee', 'cancellation', 'marked_invitee')
       and jsonb_typeof(o.data -> 'payment') = 'object'
       and o.data -> 'payment' -> 'successful' = 'true' and m.key <> '' and m.processor <> ''
     order by o.organization_id, o.external_id, o.version collate "C" desc
    on conflict do nothing;
    update app.payments p set booked_event_id = b.event_id
      from (select distinct on (o.organization_id, o.group_key) o.organization_id, o.group_key,
                   v.id as event_id
              from app.provider_objects o
              join app.provider_objects i on i.organization_id = o.organization_id
               and i.provider = 'calendly' and i.external_id = o.external_id
               and i.kind in ('invitee', 'cancellation', 'marked_invitee')
              join app.events v on v.organization_id = o.organization_id
               and v.booking_platform = 'calendly' and v.external_id = o.external_id
             where o.provider = 'calendly' and o.kind = 'payment'
             order by o.organization_id, o.group_key, i.data ->> 'created_at', o.external_id) b
     where p.organization_id = b.organization_id and b.group_key in (
       p.processor || ' ' || p.processor_payment_id, p.processor || ' ' || p.processor_charge_id);
    update app.payments p
       set customer_email = coalesce(p.customer_email, v.lead_email),
           customer_email_normalized = case when p.customer_email is null
             then v.lead_email_normalized else p.customer_email_normalized end,
           customer_name = coalesce(p.customer_name, v.lead_name)
      from app.events v
     where v.organization_id = p.organization_id and v.id = p.booked_event_id;
"""

# Whose the payments are is found out anew as soon as a worker runs.
ATTRIBUTED = """
    insert into jobs.procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args,
        scheduled_at)
    select 'default', 'attribute_all', 0, 'attribute_all ' || organization_id,
           jsonb_build_object('organization_id', organization_id), now()
      from (select distinct organization_id from app.payments) p
    on conflict do nothing;
"""


def upgrade() -> None:
    op.add_column("payments", sa.Column("booked_event_id", sa.Uuid()), schema="app")
    op.create_foreign_key(
        op.f("fk_payments_organization_id_booked_event_id"),
        "payments",
        "events",
        ["organization_id", "booked_event_id"],
        ["organization_id", "id"],
        source_schema="app",
        referent_schema="app",
    )
    op.create_index(
        op.f("ix_payments_organization_id_booked_event_id"),
        "payments",
        ["organization_id", "booked_event_id"],
        schema="app",
    )
    for table in ("payments", "payout_snapshot_details"):
        name = op.f(f"ck_{table}_attribution_method")
        op.drop_constraint(name, table, schema="app")
        words = ", ".join(map(repr, METHODS))
        op.create_check_constraint(name, table, f"attribution_method in ({words})", schema="app")
    _carry_over()


def _carry_over() -> None:
    """The rows of all organisations are meant, and none of it is anybody's edit: policies and
    triggers are set aside meanwhile.
    """
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    for script in (STRIPE, WHOP, SAME, BOOKED, ATTRIBUTED):
        op.execute(script.replace("VERSION", VERSION))
    for table in TABLES:
        op.execute(f"alter table app.{table} enable trigger user")
        op.execute(f"alter table app.{table} force row level security")
