"""The functions that take an identity answer with its organisation, and a session is resolved in
one round trip.
"""

from alembic import op

revision = "0007"
down_revision = "0004"
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


def upgrade() -> None:
    for function in ANSWER_OTHERWISE:
        op.execute(f"drop function if exists app.{function}")
