"""A table that declares to be about people needs nothing else for a person in it to be found,
handed out and erased.
"""

import json
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy import Column, String, Table, Text, Uuid, text

from core.migrations.tables import metadata
from core.operations.person_erasure import erase_person
from core.operations.personal_data import find_person
from core.operations.personal_export import export_person
from core.platform.advisory_locks import advisory_lock, lock_books, share_organization
from core.platform.database import as_system
from core.platform.personal import Personal, personal, personal_of
from core.platform.schema import secured
from core.platform.security.about import tables_about
from core.tenancy.access.models import Role
from tests import factories as make
from tests.books import migrate_again
from tests.operations.petronella import EMAIL, NAME, PHONE
from tests.ports import owner, somebody_waits, until
from tests.security.rows import put
from tests.traces import traces

VALUES = {Personal.EMAIL: EMAIL, Personal.NAME: NAME, Personal.PHONE: PHONE}
WORDS = (EMAIL, NAME, PHONE)
TABLES = [
    table.name
    for table in tables_about(metadata)
    if any(personal_of(table.columns[name]) for name in table.info["about"])
]


@pytest.fixture
def inquiries(database_url):
    """A table that the product does not have, in the database and among the models."""
    table = Table(
        "inquiries",
        metadata,
        Column("organization_id", Uuid, primary_key=True),
        Column("id", Uuid, primary_key=True),
        Column("sender_normalized", Text, info=personal(Personal.EMAIL)),
        Column("who", String, info=personal(Personal.NAME)),
        Column("number", String, info=personal(Personal.PHONE)),
        **secured("people", about=("sender_normalized",)),
    )
    with owner() as db:
        db.execute(text("set local role so_owner"))
        table.create(db)
    migrate_again(database_url)
    yield table
    metadata.remove(table)
    with owner() as db:
        db.execute(text("drop table app.inquiries cascade"))
    migrate_again(database_url)


def known_by(table):
    """An admin of an organisation where only one row of the table is about Petronella."""
    admin = make.viewer(make.organization(), Role.ADMIN)
    values = {
        column.name: VALUES[fact.kind]
        for column in table.columns
        if (fact := personal_of(column)) and fact.kind in VALUES
    }
    changes = ", ".join(f"{name} = :{name}" for name in values)
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        put(db, table, admin.organization_id)
        db.execute(
            text(f"update app.{table.name} set {changes} where organization_id = :org"),
            values | {"org": admin.organization_id},
        )
    return admin


def check_everything_is_found_and_erased(table):
    admin = known_by(table)
    with admin.transaction() as db:
        found = find_person(db, EMAIL)
    kinds = {fact.kind for column in table.columns if (fact := personal_of(column))}
    assert found.names == ((NAME,) if Personal.NAME in kinds else ())
    assert found.phones == ((PHONE,) if Personal.PHONE in kinds else ())
    assert {name for name, rows in found.rows.items() if rows} == {table.name}
    handed_out = json.loads(b"".join(export_person(admin.transaction, EMAIL)))
    assert EMAIL in json.dumps(handed_out | {"person": None})

    with admin.transaction() as db:
        erase_person(db, EMAIL, typed=EMAIL)

    assert traces(admin.organization_id, WORDS) == set()


@pytest.mark.parametrize("table", TABLES)
def test_a_person_whom_one_table_alone_knows_is_found_handed_out_and_erased(table):
    check_everything_is_found_and_erased(metadata.tables[f"app.{table}"])


def test_so_is_one_in_a_table_that_was_added(inquiries):
    check_everything_is_found_and_erased(inquiries)


def test_a_name_that_only_a_payout_still_holds_is_known_too(case):
    with as_system(case.org) as db:
        lock_books(db)
        db.execute(text("update app.payments set customer_name = 'Petronella Quist-Bo'"))
    with case.admin.transaction() as db:
        assert find_person(db, EMAIL).names == ("Petronella Quist", "Petronella Quist-Bo")


@pytest.mark.parametrize(
    "lock",
    [share_organization, lambda db: advisory_lock(db, f"any {uuid4()}")],
    ids=["a delivery", "any other writer"],
)
def test_an_erasure_waits_until_whoever_writes_has_come_to_an_end(case, lock):
    erasure = Thread(target=case.erase)
    with as_system(case.org) as db:
        lock(db)
        erasure.start()
        until(somebody_waits)
        make.event(db, case.org, email=EMAIL, lead_name=NAME)
    erasure.join()
    assert case.mentions() == set()
