"""Leads, contacts, forms, refunds and timeline lines carry the users whose they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

GATHERED = """
    update app.{table} r set rep_user_ids = array(
      select distinct u.id
        from app.events e, unnest(array[e.closer_user_id, e.setter_user_id]) as u(id)
       where e.organization_id = r.organization_id and e.{column} = r.id and u.id is not null
       order by 1)
"""
TAKEN_OVER = """
    update app.{table} r
       set rep_user_ids = array_remove(array[p.closer_user_id, p.setter_user_id], null)
      from app.{parent} p
     where p.organization_id = r.organization_id and p.id = r.{column} {which}
"""
WHOSE = {
    "contacts": [GATHERED.format(table="contacts", column="contact_id")],
    "leads": [GATHERED.format(table="leads", column="lead_id")],
    "post_call_forms": [
        TAKEN_OVER.format(table="post_call_forms", parent="events", column="event_id", which="")
    ],
    "refunds": [
        TAKEN_OVER.format(table="refunds", parent="payments", column="payment_id", which="")
    ],
    "activities": [
        TAKEN_OVER.format(
            table="activities",
            parent=parent,
            column="subject_id",
            which=f"and r.subject_type = '{subject}'",
        )
        for subject, parent in (("event", "events"), ("payment", "payments"))
    ],
}
FORMER = ("fill_rep_users", "follow_event", "follow_payment", "follow_closer", "follow_setter")


def upgrade() -> None:
    for function in FORMER:
        op.execute(f"drop function if exists app.{function}() cascade")
    op.create_index(
        op.f("ix_events_organization_id_lead_id"),
        "events",
        ["organization_id", "lead_id"],
        schema="app",
    )
    for table in WHOSE:
        op.add_column(
            table,
            sa.Column(
                "rep_user_ids", ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False
            ),
            schema="app",
        )
    _carry_over()
    for table in WHOSE:  # the policies that compare these columns go with them, and are made anew
        for column in ("closer_user_id", "setter_user_id"):
            op.execute(f"alter table app.{table} drop column {column} cascade")
    for table in ("contacts", "leads"):
        op.create_index(
            op.f(f"ix_{table}_rep_user_ids"),
            table,
            ["rep_user_ids"],
            schema="app",
            postgresql_using="gin",
        )


def _carry_over() -> None:
    """The owner of the tables sees their rows meanwhile, and no line of the audit log is written;
    the security layer, which is applied next, forces row-level security again.
    """
    for table in (*WHOSE, "events", "payments"):
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    for statement in (each for statements in WHOSE.values() for each in statements):
        op.execute(statement)
    for table in (*WHOSE, "events", "payments"):
        op.execute(f"alter table app.{table} enable trigger user")
