"""References that triggers check for a whole statement: as with Postgres's own, no row refers to
what is not there, in the organisation itself, and what is referred to stays.
"""

import threading
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import delete, text
from sqlalchemy.exc import IntegrityError

from core.migrations.tables import metadata
from core.money.models import Payment, PayoutSnapshotDetail
from core.money.payouts import create_snapshot
from core.platform.advisory_locks import lock_books
from core.platform.clock import Period
from core.platform.database import as_system
from core.platform.schema import AT_ONCE
from tests import factories as make
from tests.ports import owner, until

AT_ONCE_CHECKED = sorted(
    (table.name, key.column_keys[-1], key.referred_table.name)
    for table in metadata.sorted_tables
    for key in table.foreign_key_constraints
    if key.info.get(AT_ONCE)
)
references = pytest.mark.parametrize(("table", "column", "there"), AT_ONCE_CHECKED)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1), "Europe/Copenhagen")


def drafted() -> tuple:
    """An organisation with one payment in a draft."""
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        payment = make.payment(db, org).id
    with admin.transaction() as db:
        snapshot = create_snapshot(db, None, NOVEMBER, admin).id
    return org, admin, payment, snapshot


def copy_of_line(column: str) -> str:
    """The statement that adds the lines again, with another id in ``column``."""
    names = [each.name for each in metadata.tables["app.payout_snapshot_details"].columns]
    values = ["gen_random_uuid()" if n == "id" else ":other" if n == column else n for n in names]
    return (
        f"insert into app.payout_snapshot_details ({', '.join(names)})"
        f" select {', '.join(values)} from app.payout_snapshot_details"
    )


@references
def test_every_row_is_checked_at_once_by_triggers_on_both_tables(table, column, there):
    named = "select tgrelid::regclass::text || ' ' || tgname from pg_trigger where not tgisinternal"
    with owner() as db:
        triggers = set(db.execute(text(named)).scalars())
    assert {
        f"app.{table} check_references_insert",
        f"app.{table} check_references_update",
        f"app.{there} hold_referred",
    } <= triggers


@references
def test_no_line_refers_to_what_is_not_there(table, column, there):
    assert table == PayoutSnapshotDetail.__tablename__
    _, admin, _, _ = drafted()
    with pytest.raises(IntegrityError), admin.transaction() as db:
        db.execute(text(copy_of_line(column)), {"other": uuid4()})


@references
def test_no_line_refers_to_what_another_organisation_has(table, column, there):
    _, admin, _, _ = drafted()
    theirs = drafted()[3 if there == "payout_snapshots" else 2]
    with pytest.raises(IntegrityError), admin.transaction() as db:
        db.execute(text(copy_of_line(column)), {"other": theirs})


@references
def test_what_a_line_refers_to_is_not_deleted(table, column, there):
    _, _, payment, snapshot = drafted()
    row = {"payments": payment, "payout_snapshots": snapshot}[there]
    with pytest.raises(IntegrityError), owner() as db:
        db.execute(text(f"delete from app.{there} where id = :id"), {"id": row})


def test_a_payment_that_a_draft_is_just_counting_is_not_deleted():
    org = make.organization()
    admin = make.viewer(org)
    with as_system(org) as db:
        payment = make.payment(db, org).id
    outcome: list[Exception | None] = []

    def remove() -> None:
        try:
            with as_system(org) as other:
                lock_books(other)
                other.execute(delete(Payment).where(Payment.id == payment))
            outcome.append(None)
        except IntegrityError as error:
            outcome.append(error)

    with admin.transaction() as db:
        create_snapshot(db, None, NOVEMBER, admin)
        removing = threading.Thread(target=remove)
        removing.start()
        waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        until(lambda: db.execute(waiting).scalar_one())
    removing.join(10)
    assert isinstance(outcome[0], IntegrityError)
