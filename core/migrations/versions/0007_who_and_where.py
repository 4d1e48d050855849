"""The functions that take an identity answer with its organisation, a session is resolved in one
round trip, and settings move from the organisation to the packages that they are for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# PostgreSQL replaces a function only while it answers with the same type; the security layer, which
# follows every migration, makes these anew.
ANSWER_OTHERWISE = (
    "enter(uuid, uuid)",
    "enter_as(uuid, uuid, uuid)",
    "enter_board(uuid, uuid)",
    "enter_key(bytea)",
    "enter_link(bytea, text, uuid)",
    "enter_system(uuid)",
    "resolve_session(bytea, int)",
)


def _off(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _on(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("true"), nullable=False)


def _number(name: str, default: int | None) -> sa.Column[int]:
    if default is None:
        return sa.Column(name, sa.Integer(), nullable=True)
    return sa.Column(name, sa.Integer(), server_default=sa.text(str(default)), nullable=False)


MOVED: dict[str, list[sa.Column]] = {
    "access_settings": [
        _off("require_second_factor"),
        _off("managers_see_their_team_only"),
        _on("leaderboards_visible"),
        _on("leaderboards_show_money"),
    ],
    "booking_settings": [
        _number("pcf_grace_hours", 24),
        _number("late_cancel_hours", 24),
        sa.Column("setter_utm_field", sa.Text(), server_default="utm_source", nullable=False),
        sa.Column("setter_question", sa.Text(), nullable=True),
    ],
    "delivery_settings": [_number("raw_delivery_days", None)],
    "money_settings": [
        _number("forward_attribution_days", None),
        _number("reconciliation_days", 3),
        _off("accept_test_mode"),
    ],
    "report_settings": [_off("slack_report_enabled"), _number("slack_report_hour", 8)],
}


def upgrade() -> None:
    for function in ANSWER_OTHERWISE:
        op.execute(f"drop function if exists app.{function}")
    # The owner sees every organisation until the security layer, which follows, forces it again.
    op.execute("alter table app.organizations no force row level security")
    for table, columns in MOVED.items():
        _make(table, columns)
        names = ", ".join(column.name for column in columns)
        op.execute(
            f"insert into app.{table} (organization_id, {names})"  # noqa: S608 - names of our own
            f" select id, {names} from app.organizations"
        )
        for column in columns:
            op.drop_column("organizations", column.name, schema="app")


def _make(table: str, columns: list[sa.Column]) -> None:
    op.create_table(
        table,
        *columns,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        _moment("created_at", "now()"),
        _moment("updated_at", "clock_timestamp()"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f(f"fk_{table}_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f(f"pk_{table}")),
        schema="app",
        info={"rls": "organization_settings", "audit": True},
    )


def _moment(name: str, default: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text(default), nullable=False
    )
