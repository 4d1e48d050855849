"""Every cell of docs/roles.md about the API and exports; tests/ui tries its screens."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from core.metrics.export_tables import EXPORTS
from core.migrations.tables import metadata
from core.tenancy.access.models import MEMBER_ROLES, Role
from docs.make_roles import FILE, NO, given
from docs.make_roles import text as document
from tests import factories as make
from tests.api.client import ASKED, PAYOUT, get, request, token_of
from tests.ports import owner
from tests.security.rows import put
from webhooks.api import ENDPOINTS


@pytest.fixture(scope="module")
def callers(database_url):
    """One of each role."""
    org = make.organization()
    return {role: make.viewer(org, role) for role in MEMBER_ROLES}


@pytest.fixture(scope="module")
def people(database_url):
    """One person of each role, and two rows of every exported table. Where rows have owners, one of
    the two is the sales rep's.
    """
    org = make.organization()
    made = {role: make.viewer(org, role) for role in MEMBER_ROLES}
    rep = made[Role.SALES_REP].user_id
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        for name in EXPORTS:
            table = metadata.tables[f"app.{name}"]
            put(db, table, org)
            put(db, table, org)
            own = {"closer_user_id": ":rep", "rep_user_ids": "array[cast(:rep as uuid)]"}
            if column := next((each for each in own if each in table.columns), None):
                one = f"select id from app.{name} where organization_id = :org limit 1"
                db.execute(
                    text(f"update app.{name} set {column} = {own[column]} where id = ({one})"),
                    {"rep": rep, "org": org},
                )
    return made


def test_the_document_is_what_the_product_says():
    assert FILE.read_text() == document(), "run: python -m docs.make_roles"


@pytest.mark.parametrize("role", MEMBER_ROLES)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_a_request_is_open_to_the_roles_it_is_for(callers, endpoint, role):
    body = (
        {"json": PAYOUT if "payout" in endpoint.path else {"call_occurred": False}}
        if endpoint.method == "POST"
        else {}
    )
    path = endpoint.path.replace("{id}", str(uuid4()))
    answer = request(
        endpoint.method, path, token_of(callers[role]), params=ASKED.get(endpoint.path, {}), **body
    )

    assert (answer.status_code == 403) == (role not in endpoint.access.roles)
    assert answer.status_code in (200, 201, 403, 404)


@pytest.mark.parametrize("role", MEMBER_ROLES)
@pytest.mark.parametrize("table", EXPORTS)
def test_an_export_gives_each_role_its_rows(people, table, role):
    answer = get("/api/export", token_of(people[role]), table=table, format="json")

    rows = answer.text.splitlines() if answer.is_success else []
    assert len(rows) == {"all": rows_of(people, table), "own": 1, NO: 0}[given(table, role)]


def rows_of(people, table):
    with owner() as db:
        found = db.execute(
            text(f"select count(*) from app.{table} where organization_id = :org"),
            {"org": people["admin"].organization_id},
        )
        return found.scalar_one()
