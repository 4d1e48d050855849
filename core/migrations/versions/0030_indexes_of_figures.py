"""Figures are read from indexes alone: those by time hold all that is counted. Who has any bookings
or payments is found by closer and by setter. Nothing looked for events by when they were booked,
nor for events and payments by the user of their closer or setter.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ENDED = {
    "events": (
        "organization_id_scheduled_at",
        "organization_id_booked_at",
        "organization_id_closer_user_id_scheduled_at",
        "organization_id_setter_user_id_scheduled_at",
    ),
    "payments": (
        "organization_id_payment_date",
        "organization_id_event_id",
        "organization_id_closer_user_id_payment_date",
        "organization_id_setter_user_id_payment_date",
    ),
}
OF_EVENTS = (
    *("id", "stands", "pcf_submitted", "canceled_late", "booked_at", "call_status"),
    *("closer_id", "setter_id", "event_outcome", "pcf_submitted_at", "source_id"),
    *("closer_user_id", "setter_user_id", "traffic_type_id", "call_type_id"),
)
OF_PAYMENTS = (
    *("counts", "currency", "amount", "refund_amount", "net_revenue", "closer_id", "setter_id"),
    *("source_id", "closer_user_id", "setter_user_id", "package_id", "traffic_type_id"),
    "call_type_id",
)


def upgrade() -> None:
    for table, names in ENDED.items():
        for name in names:
            op.drop_index(op.f(f"ix_{table}_{name}"), table, schema="app")
    _create(
        "events",
        "scheduled_at",
        postgresql_include=OF_EVENTS,
        postgresql_where=sa.text("deleted_at is null"),
    )
    _create("payments", "payment_date", postgresql_include=OF_PAYMENTS)
    _create(
        "payments",
        "event_id",
        postgresql_include=("counts", "closer_user_id", "setter_user_id"),
    )
    for person in ("closer_id", "setter_id"):
        _create("events", person, "scheduled_at")
        _create("payments", person, "payment_date")


def _create(table: str, *columns: str, **how: Any) -> None:
    name = op.f(f"ix_{table}_organization_id_{'_'.join(columns)}")
    op.create_index(name, table, ["organization_id", *columns], schema="app", **how)
