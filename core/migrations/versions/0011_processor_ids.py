"""What a processor sends is known by the processor and its id, whatever connection it came over."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("provider_objects", "payments", "refunds", "webhook_connections")
DETAILS = ("payout_snapshots", "payout_snapshot_details")

# Of several states of one object the newest stays.
OBJECTS = """
    update app.provider_objects o set provider = c.provider, arrived_at = o.created_at
      from app.webhook_connections c
     where c.organization_id = o.organization_id and c.id = o.connection_id;
    delete from app.provider_objects o using (
      select organization_id, id, row_number() over (
               partition by organization_id, provider, kind, external_id
               order by version collate "C" desc, data::text desc, created_at, id) as place
        from app.provider_objects) d
     where d.place > 1 and d.organization_id = o.organization_id and d.id = o.id;
"""

# A state says since when it holds, and final states of Stripe's intents and refunds come first.
STATES = """
    update app.provider_objects o
       set data = o.data || jsonb_build_object('as_of', split_part(o.version, ':', 1)::bigint)
     where o.provider = 'stripe' and o.version ~ '^[0-9]{12}:';
    update app.provider_objects o set version = r.rank || ':' || lpad((case when r.rank > 1
             then 999999999999 - (o.data ->> 'as_of')::bigint
             else (o.data ->> 'as_of')::bigint end)::text, 12, '0')
      from (select organization_id, id, case
              when kind = 'refund' and data ->> 'status' in ('failed', 'canceled') then 3
              when data ->> 'status' = 'succeeded' then 2
              when kind = 'refund' or data ->> 'status' = 'canceled' then 1
              else 0 end as rank
              from app.provider_objects
             where provider = 'stripe' and kind in ('payment_intent', 'refund')) r
     where o.organization_id = r.organization_id and o.id = r.id and o.data ? 'as_of';
"""

LINKS = """
    insert into app.provider_links
      (organization_id, provider, kind, external_id, target_kind, target_id)
    select distinct o.organization_id, o.provider, o.kind, o.external_id, t.kind, t.id
      from app.provider_objects o, lateral (
        select kind, coalesce(reference ->> 'id', reference #>> '{}') as id
          from (values
            ('payment_intent', o.data -> 'payment_intent'),
            ('charge', o.data -> 'charge'),
            ('invoice', o.data -> 'invoice'),
            ('payment_intent', o.data -> 'payment' -> 'payment_intent')) r (kind, reference)
         where reference is not null and jsonb_typeof(reference) <> 'null') t
     where o.provider = 'stripe' and t.id is not null and t.kind <> o.kind;
"""

# Of several rows of one payment the one that a payout has counted stays, else the one that a person
# has matched, else the oldest. The others are deleted softly, since payouts refer to them.
SAME = """
    create temporary table same_payments on commit drop as
    select p.organization_id, p.id, p.processor, p.processor_payment_id,
           first_value(p.id) over places as stays
      from app.payments p
     where p.processor_payment_id is not null
    window places as (
      partition by p.organization_id, p.processor, p.processor_payment_id
      order by exists (select 1 from app.payout_snapshot_details d join app.payout_snapshots s
                on s.organization_id = d.organization_id and s.id = d.snapshot_id
               where d.organization_id = p.organization_id and d.payment_id = p.id
                 and s.state <> 'draft') desc,
               p.deleted_at is null desc, p.attribution_method = 'manual' desc,
               p.created_at, p.id);
    delete from same_payments d where not exists (
      select 1 from same_payments o where o.organization_id = d.organization_id
         and o.stays = d.stays and o.id <> o.stays);
"""

# A refund counts once, in its newest state. The largest running total that any row knew of stays,
# less what the refunds themselves say.
REFUNDS = """
    create temporary table totals on commit drop as
    select s.organization_id, s.stays, max(s.total) as total
      from (select s.organization_id, s.stays, s.id, sum(r.amount) as total
              from same_payments s
              join app.refunds r on r.organization_id = s.organization_id and r.payment_id = s.id
             where r.kind = 'refund' and r.status not in ('failed', 'canceled')
             group by 1, 2, 3) s
     group by 1, 2;
    delete from app.refunds r using (
      select r.organization_id, r.id, row_number() over (
               partition by s.organization_id, s.stays, r.processor_refund_id
               order by r.updated_at desc, r.payment_id = s.stays desc, r.id) as place
        from same_payments s
        join app.refunds r on r.organization_id = s.organization_id and r.payment_id = s.id) d
     where d.place > 1 and d.organization_id = r.organization_id and d.id = r.id;
    update app.refunds r set payment_id = s.stays, currency = p.currency,
           rep_user_ids = array_remove(array[p.closer_user_id, p.setter_user_id], null)
      from same_payments s
      join app.payments p on p.organization_id = s.organization_id and p.id = s.stays
     where r.organization_id = s.organization_id and r.payment_id = s.id;
    update app.refunds r set amount = b.beyond,
           status = case when b.beyond > 0 then 'succeeded' else 'canceled' end
      from (select t.organization_id, t.stays, greatest(t.total - coalesce(sum(o.amount), 0), 0)
                     as beyond
              from totals t
              left join app.refunds o on o.organization_id = t.organization_id
               and o.payment_id = t.stays and o.kind = 'refund'
               and o.status not in ('failed', 'canceled')
               and o.processor_refund_id not like 'total of %'
               and o.processor_refund_id <> 'running total'
             group by t.organization_id, t.stays, t.total) b
     where r.organization_id = b.organization_id and r.payment_id = b.stays
       and (r.processor_refund_id like 'total of %' or r.processor_refund_id = 'running total');
"""

PAYMENTS = """
    update app.payments p
       set customer_email = coalesce(p.customer_email, o.customer_email),
           customer_email_normalized =
             coalesce(p.customer_email_normalized, o.customer_email_normalized),
           customer_name = coalesce(p.customer_name, o.customer_name),
           membership_key = coalesce(p.membership_key, o.membership_key),
           status = case when 'succeeded' in (p.status, o.status) then 'succeeded' else p.status end
      from (select s.organization_id, s.stays, max(p.customer_email) as customer_email,
                   max(p.customer_email_normalized) as customer_email_normalized,
                   max(p.customer_name) as customer_name, max(p.membership_key) as membership_key,
                   max(p.status) filter (where p.status = 'succeeded') as status
              from same_payments s
              join app.payments p on p.organization_id = s.organization_id and p.id = s.id
             group by 1, 2) o
     where p.organization_id = o.organization_id and p.id = o.stays;
    update app.payments p
       set superseded_by_id = s.stays
      from same_payments s
     where p.organization_id = s.organization_id and p.superseded_by_id = s.id and s.id <> s.stays
       and p.id <> s.stays;
    update app.payments p
       set deleted_at = coalesce(p.deleted_at, now()), processor_payment_id = null,
           superseded_by_id = s.stays, refund_amount = 0,
           note = concat_ws(E'\\n', p.note, 'The same payment as ' || s.processor_payment_id
                    || ', which came over another connection too')
      from same_payments s
     where p.organization_id = s.organization_id and p.id = s.id and s.id <> s.stays;
    update app.payments p
       set refund_amount = coalesce((
             select sum(r.amount) from app.refunds r
              where r.organization_id = p.organization_id and r.payment_id = p.id
                and r.status not in ('failed', 'canceled')), 0)
      from same_payments s
     where p.organization_id = s.organization_id and p.id = s.stays;
    update app.payments p set deal_type = case when d.paid_before > 0 then 'renewal'
             else 'new_deal' end
      from (select organization_id, id, count(*) filter (
                     where status = 'succeeded' and deleted_at is null) over (
                     partition by organization_id, processor, membership_key
                     order by payment_date, processor_payment_id, id
                     rows between unbounded preceding and 1 preceding) as paid_before
              from app.payments
             where membership_key is not null and processor_payment_id is not null) d
     where p.organization_id = d.organization_id and p.id = d.id;
"""


def upgrade() -> None:
    op.add_column("provider_objects", sa.Column("provider", sa.Text()), schema="app")
    op.add_column(
        "provider_objects",
        sa.Column(
            "arrived_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        schema="app",
    )
    op.create_table(
        "provider_links",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("provider", "kind", "external_id", "target_kind", "target_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_provider_links_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "provider",
            "kind",
            "external_id",
            "target_kind",
            "target_id",
            name=op.f("pk_provider_links"),
        ),
        schema="app",
    )
    _carry_over()
    _know_objects_by_provider()
    op.drop_constraint(
        op.f("uq_payments_organization_id_connection_id_processor_payment_id"),
        "payments",
        schema="app",
    )
    op.create_unique_constraint(
        op.f("uq_payments_organization_id_processor_processor_payment_id"),
        "payments",
        ["organization_id", "processor", "processor_payment_id"],
        schema="app",
    )


def _carry_over() -> None:
    """The rows of all organisations are meant, and none of it is anybody's edit: policies and
    triggers are set aside meanwhile.
    """
    for table in (*TABLES, *DETAILS):
        op.execute(f"alter table app.{table} no force row level security")
    for table in TABLES:
        op.execute(f"alter table app.{table} disable trigger user")
    for script in (OBJECTS, STATES, LINKS, SAME, REFUNDS, PAYMENTS):
        op.execute(script)
    for table in TABLES:
        op.execute(f"alter table app.{table} enable trigger user")
    for table in (*TABLES, *DETAILS):
        op.execute(f"alter table app.{table} force row level security")


def _know_objects_by_provider() -> None:
    op.alter_column("provider_objects", "provider", nullable=False, schema="app")
    op.drop_index(
        op.f("ix_provider_objects_organization_id_connection_id_group_key"),
        "provider_objects",
        schema="app",
    )
    op.drop_column("provider_objects", "connection_id", schema="app")
    op.create_unique_constraint(
        op.f("uq_provider_objects_organization_id_provider_kind_external_id"),
        "provider_objects",
        ["organization_id", "provider", "kind", "external_id"],
        schema="app",
    )
    op.create_index(
        op.f("ix_provider_objects_organization_id_provider_group_key"),
        "provider_objects",
        ["organization_id", "provider", "group_key"],
        schema="app",
    )
    op.create_index(
        "ix_provider_links_target",
        "provider_links",
        ["organization_id", "provider", "target_kind", "target_id"],
        schema="app",
    )
