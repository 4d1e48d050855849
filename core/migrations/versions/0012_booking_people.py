"""Bookings say from what their people were matched and which side cancelled; every address that is
stored is in its one normal form.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.platform.normalization import normalize_email

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The tables with a normal form, and the column that it is made from.
ADDRESSES = {
    "contact_emails": ("email", "email_normalized"),
    "contacts": ("email", "email_normalized"),
    "events": ("lead_email", "lead_email_normalized"),
    "payments": ("customer_email", "customer_email_normalized"),
    "closers": ("email", "email_normalized"),
    "setters": ("email", "email_normalized"),
    "invitations": ("email", "email_normalized"),
    "users": ("email", "email_normalized"),
    "suppressed_emails": ("email_normalized", "email_normalized"),
}
OF_CONTACTS = ("contact_emails", "leads", "events", "activities")
# Only these can have had another normal form before: letters beyond ASCII, a domain in punycode,
# and an address that was taken for none.
OTHERWISE = """
    {normal} ~ '[^ -~]' or {normal} like '%xn--%' or {normal} like '%.'
    or ({normal} is null and {written} like '%@%')
"""


def upgrade() -> None:
    for name in ("canceled_party", "hosts_digest", "origin_digest"):
        op.add_column("events", sa.Column(name, sa.Text(), nullable=True), schema="app")
    # The rows of all organisations are meant, and none of it is anybody's edit.
    tables = sorted({*ADDRESSES, *OF_CONTACTS})
    for table in tables:
        op.execute(f"alter table app.{table} no force row level security")
        op.execute(f"alter table app.{table} disable trigger user")
    for table, (written, normal) in ADDRESSES.items():
        _normalize(table, written, normal)
    for table in tables:
        op.execute(f"alter table app.{table} enable trigger user")
        op.execute(f"alter table app.{table} force row level security")


def _normalize(table: str, written: str, normal: str) -> None:
    odd = OTHERWISE.format(written=written, normal=normal)
    rows = op.get_bind().execute(
        sa.text(
            f"select id, {written}, {normal} from app.{table} where {odd}"  # noqa: S608 - our names
            " order by id"
        )
    )
    for row_id, as_written, before in rows.all():
        # An erased person's row has no address but their mark or pseudonym, which stays.
        after = normalize_email(before) or (normalize_email(as_written) if before is None else None)
        if after is not None and after != before:
            _write(table, normal, row_id, after)


def _write(table: str, normal: str, row_id: object, after: str) -> None:
    """Where the normal form is taken by another row, which is the same address then, the contacts
    of both become one; an account, an invitation or a suppression that is there already stays.
    """
    values = {"id": row_id, "after": after}
    if table == "contact_emails":
        _join_contacts(values)
    savepoint = op.get_bind().begin_nested()
    try:
        op.get_bind().execute(
            sa.text(f"update app.{table} set {normal} = :after where id = :id"),  # noqa: S608
            values,
        )
        savepoint.commit()
    except sa.exc.IntegrityError:
        savepoint.rollback()


def _join_contacts(values: dict[str, object]) -> None:
    taken = op.get_bind().execute(
        sa.text("""
            select mine.organization_id, mine.contact_id as gone, theirs.contact_id as stays
              from app.contact_emails mine join app.contact_emails theirs
                on theirs.organization_id = mine.organization_id and theirs.id <> mine.id
               and theirs.email_normalized = :after
             where mine.id = :id
        """),
        values,
    )
    for both in map(dict, taken.mappings().all()):
        op.get_bind().execute(sa.text("delete from app.contact_emails where id = :id"), values)
        if both["gone"] == both["stays"]:
            continue
        for table in OF_CONTACTS:
            op.get_bind().execute(
                sa.text(
                    f"update app.{table} set contact_id = :stays"  # noqa: S608 - names of our own
                    " where organization_id = :organization_id and contact_id = :gone"
                ),
                both,
            )
        op.get_bind().execute(
            sa.text("""
                update app.contacts stays set
                    unsubscribed_at = least(stays.unsubscribed_at, gone.unsubscribed_at),
                    rep_user_ids = array(select distinct unnest(stays.rep_user_ids
                                                                || gone.rep_user_ids))
                  from app.contacts gone
                 where stays.organization_id = :organization_id and stays.id = :stays
                   and gone.organization_id = :organization_id and gone.id = :gone
            """),
            both,
        )
        op.get_bind().execute(
            sa.text(
                "delete from app.contacts where organization_id = :organization_id and id = :gone"
            ),
            both,
        )
