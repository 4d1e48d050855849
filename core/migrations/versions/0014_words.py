"""Columns of closed lists are held to their words by the database."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "booking_settings": {
        "setter_utm_field": (
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_content",
            "utm_term",
        ),
    },
    "events": {
        "canceled_party": ("guest", "host"),
        "no_show_party": ("guest", "host"),
        "provider_status": ("scheduled", "canceled", "rescheduled"),
    },
    "leads": {"status": ("new", "contacted", "qualified", "unqualified", "converted")},
    "payments": {
        "attribution_method": ("email", "later_call", "membership", "form", "manual", "none"),
        "deal_type": ("new_deal", "upsell", "renewal"),
        "payment_type": ("pif", "payment_plan", "deposit"),
    },
    "payout_snapshot_details": {
        "attribution_method": ("email", "later_call", "membership", "form", "manual", "none"),
    },
    "post_call_forms": {
        "no_show_party": ("guest", "host"),
        "payment_type": ("pif", "payment_plan", "deposit"),
    },
}


def upgrade() -> None:
    for table, columns in WORDS.items():
        for column, words in columns.items():
            op.create_check_constraint(
                op.f(f"ck_{table}_{column}"),
                table,
                f"{column} in ({', '.join(map(repr, words))})",
                schema="app",
            )
