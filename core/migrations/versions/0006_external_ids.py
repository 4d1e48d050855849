"""Bookings are known by their platform and its own id; the names of each platform are generated."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RENAMED = {
    "calendly_invitee_uuid": "external_id",
    "previous_invitee_uuid": "replaces_external_id",
    "calendly_event_uuid": "external_meeting_id",
}
GENERATED = {
    "calendly_event_uuid": ("calendly", "external_meeting_id"),
    "calendly_invitee_uuid": ("calendly", "external_id"),
    "acuity_appointment_id": ("acuity", "external_id"),
}


def upgrade() -> None:
    op.drop_constraint(
        op.f("uq_events_organization_id_calendly_invitee_uuid"), "events", schema="app"
    )
    op.drop_index(op.f("ix_events_organization_id_previous_invitee_uuid"), "events", schema="app")
    for before, after in RENAMED.items():
        op.alter_column("events", before, new_column_name=after, schema="app")
    _name_platforms()
    op.drop_column("events", "acuity_appointment_id", schema="app")
    for name, (platform, column) in GENERATED.items():
        named = f"CASE WHEN booking_platform = '{platform}'::text THEN {column} ELSE NULL::text END"
        op.add_column(
            "events",
            sa.Column(name, sa.Text(), sa.Computed(named, persisted=True), nullable=True),
            schema="app",
        )
    op.create_unique_constraint(
        op.f("uq_events_organization_id_booking_platform_external_id"),
        "events",
        ["organization_id", "booking_platform", "external_id"],
        schema="app",
    )
    op.create_index(
        op.f("ix_events_organization_id_booking_platform_replaces_external_id"),
        "events",
        ["organization_id", "booking_platform", "replaces_external_id"],
        unique=False,
        schema="app",
    )


def _name_platforms() -> None:
    """An id that a row has under a platform's own column says which platform it came from.

    The rows of all organisations are meant, and none of it is anybody's edit: policies and triggers
    are set aside meanwhile.
    """
    op.execute("alter table app.events no force row level security")
    op.execute("alter table app.events disable trigger user")
    op.execute(
        "update app.events set booking_platform = 'calendly'"
        " where external_id is not null and booking_platform = 'manual'"
    )
    op.execute(
        "update app.events set booking_platform = 'acuity', external_id = acuity_appointment_id"
        " where acuity_appointment_id is not null and external_id is null"
    )
    op.execute("alter table app.events enable trigger user")
    op.execute("alter table app.events force row level security")
