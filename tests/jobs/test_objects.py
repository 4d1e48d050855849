"""What is known of a provider's objects is found without reading the others of the organisation."""

import pytest
from sqlalchemy import text

from core.deliveries import objects
from core.platform.database import as_system
from tests import factories as make
from tests.ports import owner

MANY = 5_000
OBJECTS = """
    insert into app.provider_objects
      (organization_id, provider, kind, external_id, version, data, group_key)
    select :org, 'stripe', 'charge', 'ch_' || n, '1', '{}', 'pi_' || n from generate_series(1, :n) n
"""
LINKS = """
    insert into app.provider_links
      (organization_id, provider, kind, external_id, target_kind, target_id)
    select :org, 'stripe', 'charge', 'ch_' || n, 'payment_intent', 'pi_' || n
      from generate_series(1, :n) n
"""
ASKED = {
    "named": (objects.NAMED, {"kinds": ["charge"] * 3, "ids": ["ch_1", "ch_2500", "ch_5000"]}),
    "linked": (
        objects.LINKED,
        {
            "kinds": ["charge", "payment_intent"],
            "ids": ["ch_1", "pi_2500"],
            "wanted": ["charge", "payment_intent"],
        },
    ),
    "grouped": (objects.OF_GROUPS, {"groups": ["pi_7"], "kinds": ["charge"]}),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_known_of_a_few_objects_is_found_before_postgres_has_any_statistics(what):
    org = make.organization()
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        for rows in (OBJECTS, LINKS):
            db.execute(text(rows), {"org": org, "n": MANY})
    statement, asked = ASKED[what]
    explained = text(f"explain (analyze, buffers, format json) {statement.text}")
    with as_system(org) as db:
        [plan] = db.execute(explained, asked | {"provider": "stripe"}).scalar_one()
    read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    assert (plan["Plan"]["Actual Rows"] > 0, read < 100) == (True, True)
