"""Personal data is hidden from the same people on screens and in the database."""

import re

import pytest
from sqlalchemy import select

from core.migrations.tables import ROOT
from core.people.visibility import persons_are_hidden, sees_persons
from core.platform.database import as_board
from core.tenancy.access.models import MEMBER_ROLES, Role
from tests import factories as make


@pytest.fixture(scope="module")
def org(database_url):
    return make.organization()


@pytest.mark.parametrize("role", MEMBER_ROLES)
def test_screens_and_the_database_hide_persons_from_the_same_roles(org, role):
    with make.viewer(org, role).transaction() as db:
        assert sees_persons(role) is not db.execute(select(persons_are_hidden())).scalar_one()
    assert sees_persons(role) is (role != Role.VIEWER)


def test_leaderboards_hide_persons_from_everybody(org):
    owner = make.viewer(org, Role.OWNER)
    with as_board(owner.user_id, org) as db:
        assert db.execute(select(persons_are_hidden())).scalar_one()
    assert not sees_persons("board")


def test_who_is_hidden_from_is_decided_in_one_place():
    deciding = [
        path.relative_to(ROOT).as_posix()
        for folder in ("core", "pages", "jobs", "webhooks")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"cur_role\(\) ==|Role\.VIEWER\b", path.read_text())
    ]
    declaring_roles = ["core/tenancy/access/models.py", "core/tenancy/access/roles.py"]
    assert sorted(deciding) == declaring_roles
