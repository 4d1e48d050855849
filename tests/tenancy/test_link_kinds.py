"""A kind of link is declared once, and everything that deals with links follows from it."""

import json
import re

import pytest
from sqlalchemy import text

from core.links.kinds import OPENS, LinkPurpose, names_its_subject
from core.migrations.tables import ROOT, metadata
from core.people.visibility import sees_persons
from core.platform.link_roles import LINK_ROLES, LinkRole, declare_link_role
from core.tenancy.access.audit import actors
from core.ui.navigation import BY_KEY
from tests.ports import owner

BELOW = ("platform", "tenancy", "deliveries", "people", "bookings", "money")


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_kind_has_its_page_and_the_role_that_it_declares(database_url, purpose):
    opens = OPENS[purpose]
    screen = BY_KEY[opens.page]
    assert (screen.public, screen.menu, screen.module) == (True, False, opens.module)
    for money, role in ((False, opens.role), (True, opens.role_with_money or opens.role)):
        with owner() as db:
            found = db.execute(
                text("select app.role_of_link(:purpose, cast(:shown as jsonb))"),
                {"purpose": str(purpose), "shown": json.dumps({"money": money})},
            )
            assert found.scalar_one() == role.name


def test_the_database_asks_for_the_subject_that_a_kind_declares(database_url):
    some = "(values (null), (gen_random_uuid()))"
    with owner() as db:
        stored = db.scalars(
            text(
                "select pg_get_expr(conbin, conrelid) from pg_constraint"
                " where conrelid = 'app.access_tokens'::regclass and conname like '%subject'"
            )
        ).one()
        differing = db.execute(
            text(
                f"select purpose from unnest(cast(:purposes as text[])) p (purpose),"
                f" {some} c (closer_id), {some} s (setter_id), {some} o (snapshot_id)"
                f" where ({stored}) is distinct from ({names_its_subject()})"
            ),
            {"purposes": list(map(str, LinkPurpose))},
        ).all()
    assert "num_nonnulls" in stored
    assert differing == []


def test_what_a_role_is_called_and_sees_follows_from_its_declaration():
    assert {name for name in LINK_ROLES if sees_persons(name)} == {"portal", "statement"}
    assert actors() == {"system": "Automatic", "admin": "API key", "portal": "Portal link"}
    assert not sees_persons("a role that nobody declared")
    with pytest.raises(ValueError, match="Two different roles of links are called “portal”"):
        declare_link_role(LinkRole("portal"))


def test_every_role_opens_something_and_no_table_names_another():
    opened = {role for table in metadata.sorted_tables for role in table.info["links"]}
    assert opened == set(LINK_ROLES)


def test_lower_packages_name_a_links_role_only_where_they_open_a_table_to_it():
    quoted = re.compile(rf"""(["'])({"|".join(LINK_ROLES)})\1""")
    listing = {
        path.relative_to(ROOT).as_posix()
        for package in BELOW
        for path in (ROOT / "core" / package).rglob("*")
        if path.suffix in (".py", ".sql") and quoted.search(path.read_text())
    }
    assert listing == set()
