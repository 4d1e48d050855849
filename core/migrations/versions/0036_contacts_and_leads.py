"""Contacts and leads have the fields that their screens show and change, owners, and further phone
numbers; of two contacts that are one person one stays. A form's follow-up can be done, and the
timeline names the form that a line is about, so that its versions are found.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

OF_CONTACTS = ("company", "address", "city", "country")
OF_LEADS = ("qualification_summary", "company", "city", "external_id")
READ = ("audit_logs", "activities", "post_call_forms")


def upgrade() -> None:
    _contacts()
    _leads()
    _forms()


def _contacts() -> None:
    document = postgresql.JSONB(astext_type=sa.Text())
    for name in OF_CONTACTS:
        op.add_column("contacts", sa.Column(name, sa.Text(), nullable=True), schema="app")
    for name in ("source_id", "owner_user_id", "merged_into_id"):
        op.add_column("contacts", sa.Column(name, sa.Uuid(), nullable=True), schema="app")
    for name, kind in (
        ("tags", postgresql.ARRAY(sa.Text())),
        ("custom_fields", document),
        ("external_ids", document),
    ):
        empty = sa.Column(name, kind, server_default=sa.text("'{}'"), nullable=False)
        op.add_column("contacts", empty, schema="app")
    for column, table in (("source_id", "sources"), ("merged_into_id", "contacts")):
        op.create_foreign_key(
            op.f(f"fk_contacts_organization_id_{column}"),
            "contacts",
            table,
            ["organization_id", column],
            ["organization_id", "id"],
            source_schema="app",
            referent_schema="app",
        )
    op.create_index(
        op.f("ix_contacts_organization_id_created_at"),
        "contacts",
        ["organization_id", "created_at"],
        schema="app",
    )
    op.create_index(
        op.f("ix_contacts_organization_id_merged_into_id"),
        "contacts",
        ["organization_id", "merged_into_id"],
        schema="app",
        postgresql_where=sa.text("merged_into_id is not null"),
    )
    op.create_index(
        "ix_contacts_tagged",
        "contacts",
        ["organization_id"],
        schema="app",
        postgresql_where=sa.text("tags <> '{}'"),
    )
    _phones()


def _phones() -> None:
    op.create_table(
        "contact_phones",
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_e164", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["app.contacts.organization_id", "app.contacts.id"],
            name=op.f("fk_contact_phones_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["app.organizations.id"],
            name=op.f("fk_contact_phones_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contact_phones")),
        schema="app",
    )
    for column in ("contact_id", "phone_e164"):
        op.create_index(
            op.f(f"ix_contact_phones_organization_id_{column}"),
            "contact_phones",
            ["organization_id", column],
            schema="app",
        )


def _leads() -> None:
    for name in OF_LEADS:
        op.add_column("leads", sa.Column(name, sa.Text(), nullable=True), schema="app")
    for column in (
        sa.Column("owner_user_id", sa.Uuid(), nullable=True),
        sa.Column("spam_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column(
            "is_converted",
            sa.Boolean(),
            sa.Computed("status = 'converted'::text", persisted=True),
            nullable=False,
        ),
    ):
        op.add_column("leads", column, schema="app")
    op.create_check_constraint(
        op.f("ck_leads_priority"), "leads", "priority in ('low', 'normal', 'high')", schema="app"
    )


def _forms() -> None:
    for column in (
        sa.Column("followed_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("followed_up_by", sa.Uuid(), nullable=True),
    ):
        op.add_column("post_call_forms", column, schema="app")
    op.create_index(
        "ix_post_call_forms_to_follow_up",
        "post_call_forms",
        ["organization_id", "follow_up_on"],
        schema="app",
        postgresql_where=sa.text("follow_up_on is not null"),
    )
    # The rows of all organisations are meant, and none of it is anybody's edit.
    for table in READ:
        op.execute(f"alter table app.{table} no force row level security")
    op.execute("alter table app.activities disable trigger user")
    op.execute(NAME_FORMS)
    op.execute("alter table app.activities enable trigger user")
    for table in READ:
        op.execute(f"alter table app.{table} force row level security")


# Forms that were withdrawn are in the audit log alone; each stands in a line of the timeline.
NAME_FORMS = """
    with forms as (
      select l.organization_id, l.changes #>> '{event_id,0}' as event_id, l.row_id as form_id,
             row_number() over (partition by l.organization_id, l.changes #>> '{event_id,0}'
                                order by l.at) as place
        from app.audit_logs l
       where l.table_name = 'post_call_forms' and l.operation = 'delete'),
    lines as (
      select a.organization_id, a.id, a.subject_id::text as event_id,
             row_number() over (partition by a.organization_id, a.subject_id
                                order by a.at) as place
        from app.activities a
       where a.type = 'pcf' and a.summary like 'Form taken back%'),
    named as (
      select l.organization_id, l.id, f.form_id from lines l
        join forms f on f.organization_id = l.organization_id and f.event_id = l.event_id
          and f.place = l.place)
    update app.activities a set detail = a.detail || jsonb_build_object('form_id', n.form_id)
      from named n
     where a.organization_id = n.organization_id and a.id = n.id"""
