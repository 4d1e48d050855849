"""Policies under tools that know nothing of this product: a linter, a prover and a fuzzer.

Each finding that is accepted stands here with its reason; anything else fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from pgrls.introspect import introspect
from pgrls.verify import build_verification
from rlsgrid.config import Config
from rlsgrid.fixtures import SeededRow, SeededTenant
from rlsgrid.fuzz import chaos
from rlsgrid.introspect import introspect as rlsgrid_introspect
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from core.migrations.tables import metadata
from tests.security.rows import put

pytestmark = pytest.mark.nightly

IDENTITY = ("org", "user", "role", "team", "team_only", "purged", "closer", "setter", "event")
AUTH = {f"app.cur_{name}" for name in (*IDENTITY, "snapshot")} | {"current_setting"}
INNER = r"a backup may read|the definer may \w+"
# Rule → the places where it is accepted (a pattern of ``app.table.policy`` or the like), and why.
ACCEPTED = {
    "SEC001": (
        r"app\.alembic_version",
        "one version number, which no process of the product reads",
    ),
    "SEC005": (
        rf".*\.({INNER}|owner writes)|app\.users\.may add",
        "no process signs in as the inner roles; jobs add users, who are global",
    ),
    "SEC007": (
        r".*",
        "policies of one role never add to each other's rows but for links, which have roles of"
        " their own; a restrictive one would only repeat organization_id = app.cur_org()",
    ),
    "SEC008": (
        rf".*\.({INNER})",
        "no process signs in as these roles; their functions are the gate",
    ),
    "SEC013": (
        r".*",
        "trigger functions follow one row by its keys, and each pins its search path",
    ),
    "SEC014": (
        r"app\..*",
        "what must be done before there is an identity; each is granted by name",
    ),
    "SEC027": (r"app\..*", "names of colleagues, which everybody in the organisation works with"),
    "SEC028": (
        rf".*\.({INNER}|owner writes)",
        "no process signs in as these roles; their functions are the gate",
    ),
    "SEC038": (rf".*\.({INNER})", "no process signs in as these roles"),
    "PERF003": (
        r".*",
        "every policy begins with organization_id, which leads each key; the rest only filters the"
        " rows of one organisation",
    ),
}
# Mode and policy of the prover → why what it finds is no leak.
KNOWN_LEAKS = {
    ("cross-tenant", "app.audit_logs", "may read"): (
        "a super admin reads the log of every organisation"
    )
}
# What the fuzzer takes for another organisation's row, and is none.
NO_BREACH = {("users", "INSERT", "system"): "users belong to no organisation, and jobs add them"}


@pytest.fixture(scope="module")
def migrated(new_database) -> Iterator[Engine]:
    engine = create_engine(make_url(new_database()).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


def address(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def schema_of(engine: Engine):
    with psycopg.connect(address(engine)) as connection:
        return introspect(connection, schemas=["app"])


def test_the_linter_finds_nothing_but_what_is_accepted(migrated) -> None:
    asked = [sys.executable, "-m", "pgrls", "lint", "--schemas=app", "--format=json"]
    done = subprocess.run(
        [*asked, f"--database-url={address(migrated)}"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["violations"]
    new = [
        f"{each['rule_id']} {each['location']}: {each['title']}"
        for each in found
        if not re.fullmatch(ACCEPTED.get(each["rule_id"], ("", ""))[0], each["location"])
    ]
    assert new == []
    assert {each["rule_id"] for each in found} == set(ACCEPTED)


@pytest.mark.parametrize("mode", ["anon", "cross-tenant", "write"])
def test_the_prover_finds_no_leak_but_what_is_accepted(migrated, mode) -> None:
    proved = build_verification(
        schema_of(migrated),
        mode=mode,
        auth_functions=AUTH,
        identity_columns=frozenset({"organization_id"}),
    )
    leaks = {
        (mode, table.qualified_name, proof.policy)
        for table in proved.tables
        for proof in table.proofs
        if proof.verdict == "leak"
    }
    assert leaks == {each for each in KNOWN_LEAKS if each[0] == mode}
    assert len(proved.tables) == len(metadata.tables)


def seeded(engine: Engine) -> list[SeededTenant]:
    """Three organisations with a row in every table."""
    tenants = [SeededTenant(str(uuid4()), str(uuid4())) for _ in range(3)]
    with engine.begin() as db:
        db.execute(text("set local session_replication_role = replica"))
        for tenant in tenants:
            for table in metadata.sorted_tables:
                if "organization_id" not in table.columns and table.name != "organizations":
                    continue
                put(db, table, tenant.tenant_id)
                own = table.c["id" if table.name == "organizations" else "organization_id"]
                row = db.execute(table.select().where(own == tenant.tenant_id)).one()
                keys = tuple(column.name for column in table.primary_key)
                made = SeededRow("app", table.name, keys, dict(row._mapping))
                tenant.rows_by_table[table.fullname] = [made]
    return tenants


def be_asked_by_the_fuzzer(engine: Engine) -> None:
    """Makes the database read the identity from the fuzzer's own settings."""
    claims = {"org": "organization_id", "user": "sub"}
    with engine.begin() as db:
        for name, claim in claims.items():
            db.execute(
                text(f"""
                create or replace function app.cur_{name}() returns uuid language sql stable
                return nullif(current_setting('request.jwt.claim.{claim}', true), '')::uuid
                """)
            )
        db.execute(
            text("""
            create or replace function app.cur_role() returns text language sql stable
            return nullif(current_setting('request.jwt.claim.role', true), '')
            """)
        )


@pytest.fixture(scope="module")
def attacked(new_database) -> tuple[Engine, list[SeededTenant]]:
    engine = create_engine(make_url(new_database()).set(drivername="postgresql+psycopg"))
    tenants = seeded(engine)
    be_asked_by_the_fuzzer(engine)
    yield engine, tenants
    engine.dispose()


def attack(attacked, folder: Path, database_role: str, role: str):
    engine, tenants = attacked
    settings = folder / "rlsgrid.toml"
    settings.write_text(f"""
[connection]
url = "{address(engine)}"
schema_search_path = ["app"]
[tenancy]
tenant_column = "organization_id"
jwt_shape = "individual"
jwt_claims = {{ sub = "{{user_id}}", organization_id = "{{tenant_id}}", role = "{role}" }}
[roles]
{database_role} = "one of the product's"
[fuzz]
iterations = 1000
""")
    config = Config.load(settings)
    return chaos.run(rlsgrid_introspect(config), config, tenants)


@pytest.mark.parametrize(
    ("database_role", "role"),
    [
        ("so_app", "owner"),
        ("so_app", "admin"),
        ("so_app", "manager"),
        ("so_app", "sales_rep"),
        ("so_app", "viewer"),
        ("so_app", "portal"),
        ("so_worker", "system"),
    ],
)
def test_the_fuzzer_reaches_no_other_organisations_row(
    attacked, tmp_path, database_role, role
) -> None:
    report = attack(attacked, tmp_path, database_role, role)
    found = {(breach.table, breach.operation, role) for breach in report.breaches}
    assert found <= set(NO_BREACH)
    assert report.skipped < report.iterations / 2


def test_the_fuzzer_sees_a_policy_that_is_broken(attacked, tmp_path) -> None:
    engine, _ = attacked
    with engine.begin() as db:
        db.execute(text("create policy broken on app.events for select to so_app using (true)"))
    try:
        report = attack(attacked, tmp_path, "so_app", "admin")
    finally:
        with engine.begin() as db:
            db.execute(text("drop policy broken on app.events"))
    assert {breach.table for breach in report.breaches} == {"events"}
