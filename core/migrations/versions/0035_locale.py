"""An organisation has a locale, by which its numbers and dates are written. Organisations that are
there get that of their region.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# PostgreSQL replaces a function only while it takes and answers the same; the security layer, which
# follows every migration, makes these anew.
OTHERWISE = (
    "resolve_session(bytea, int, boolean, uuid)",
    "find_link(bytea, text)",
    "create_organization_as_admin(uuid, text, text, text, text, text)",
)
OF_REGIONS = {
    **{region: f"en_{region}" for region in ("GB", "AU", "CA", "IE", "IN", "NZ", "PH", "SG", "ZA")},
    **{region: f"en_{region}" for region in ("AE", "KE", "MY", "NG")},
    "DK": "da_DK",
    "DE": "de_DE",
    "AT": "de_AT",
    "CH": "de_CH",
    "NL": "nl_NL",
    "BE": "nl_BE",
    "FR": "fr_FR",
    "SE": "sv_SE",
    "NO": "nb_NO",
    "FI": "fi_FI",
    "IS": "is_IS",
    "IT": "it_IT",
    "ES": "es_ES",
    "MX": "es_MX",
    "AR": "es_AR",
    "CL": "es_CL",
    "CO": "es_CO",
    "PT": "pt_PT",
    "BR": "pt_BR",
    "PL": "pl_PL",
    "CZ": "cs_CZ",
    "SK": "sk_SK",
    "RO": "ro_RO",
    "BG": "bg_BG",
    "GR": "el_GR",
    "HR": "hr_HR",
    "SI": "sl_SI",
    "EE": "et_EE",
    "TR": "tr_TR",
    "UA": "uk_UA",
    "ID": "id_ID",
    "TH": "th_TH",
    "VN": "vi_VN",
}
CARRIED = sa.text("update app.organizations set locale = :locale where upper(region) = :region")


def upgrade() -> None:
    for function in OTHERWISE:
        op.execute(f"drop function if exists app.{function}")
    locale = sa.Column("locale", sa.Text(), server_default="en_US", nullable=False)
    op.add_column("organizations", locale, schema="app")
    op.create_check_constraint(
        op.f("ck_organizations_locale"),
        "organizations",
        "locale ~ '^[a-z]{2}_[A-Z]{2}$'",
        schema="app",
    )
    # All organisations are meant, and none of it is anybody's edit.
    op.execute("alter table app.organizations no force row level security")
    op.execute("alter table app.organizations disable trigger user")
    for region, code in OF_REGIONS.items():
        op.execute(CARRIED.bindparams(region=region, locale=code))
    op.execute("alter table app.organizations enable trigger user")
    op.execute("alter table app.organizations force row level security")
