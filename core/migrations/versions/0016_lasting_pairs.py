"""What payouts have counted as one payment stays one; the cash of an event's form is one payment
also when the form is filed again; payments know when they settled and what they say was sold.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Read and changed for every organisation at once, and nobody's edit: policies and triggers are set
# aside meanwhile.
TABLES = (
    "payments",
    "payment_pairs",
    "post_call_forms",
    "payout_snapshots",
    "payout_snapshot_details",
)
REFERENCES = {"form_event_id": "events", "named_package_id": "packages"}


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    _add_columns()
    _carry_over()
    op.create_unique_constraint(
        op.f("uq_payments_organization_id_form_event_id"),
        "payments",
        ["organization_id", "form_event_id"],
        schema="app",
    )
    for table in TABLES:
        op.execute(f"alter table app.{table} enable trigger user")
        op.execute(f"alter table app.{table} force row level security")


def _add_columns() -> None:
    op.add_column("payments", sa.Column("settled_at", sa.DateTime(timezone=True)), schema="app")
    for name, table in REFERENCES.items():
        op.add_column("payments", sa.Column(name, sa.Uuid()), schema="app")
        op.create_foreign_key(
            op.f(f"fk_payments_organization_id_{name}"),
            "payments",
            table,
            ["organization_id", name],
            ["organization_id", "id"],
            source_schema="app",
            referent_schema="app",
        )
    verdict = op.f("ck_payment_pairs_verdict")
    op.drop_constraint(verdict, "payment_pairs", schema="app")
    op.create_check_constraint(
        verdict,
        "payment_pairs",
        "verdict in ('same', 'different', 'counted', 'open')",
        schema="app",
    )


def _carry_over() -> None:
    """Which event's form a withdrawn entry was on is not known any more; it stays withdrawn. The
    pairs that stand, and whose money an approved payout has counted, stay from now on.
    """
    op.execute("update app.payments set named_package_id = package_id where package_id is not null")
    op.execute("""
        update app.payments p set form_event_id = f.event_id from app.post_call_forms f
         where f.organization_id = p.organization_id and f.id = p.pcf_id
    """)
    op.execute("""
        insert into app.payment_pairs as x
          (organization_id, entered_id, reported_id, rep_user_ids, verdict, decided_at, reason)
        select e.organization_id, e.id, e.superseded_by_id,
               array_remove(array[e.closer_user_id, e.setter_user_id], null), 'counted',
               counted.at, 'counted as one payment in ' || counted.name
          from app.payments e
          cross join lateral (
            select s.name, coalesce(s.approved_at, s.updated_at) as at
              from app.payout_snapshot_details d
              join app.payout_snapshots s on s.organization_id = d.organization_id
               and s.id = d.snapshot_id and s.state <> 'draft'
             where d.organization_id = e.organization_id and d.held_back is null
               and d.payment_id in (e.id, e.superseded_by_id)
             order by s.period_start desc limit 1) counted
         where e.connection_id is null and e.superseded_by_id is not null
           and e.deleted_at is null and e.status = 'succeeded'
        on conflict (organization_id, entered_id, reported_id) do update
           set verdict = excluded.verdict, decided_at = excluded.decided_at, decided_by = null,
               reason = excluded.reason
         where x.verdict = 'open'
    """)
