"""Organisations and users, managed on their screens by a super admin."""

from html import unescape
from uuid import uuid4

import pytest

from core.operations.organizations import organizations_overview
from core.tenancy.access.models import Role
from core.tenancy.access.platform_admin import users_overview
from tests import factories as make
from tests.ui.grids import grid
from tests.ui.hostile_names import HOSTILE, KNOW_TAGS, LETTERS_ONLY, MARKUP, TAGS
from tests.ui.screens import opened, press, words
from tests.ui.teams import super_admin


@pytest.fixture(scope="module")
def boss(database_url):
    return super_admin(make.viewer(make.organization(), Role.OWNER))


def organization(boss, org):
    with boss.transaction() as db:
        return next(row for row in organizations_overview(db) if row.id == org)


def test_an_organisation_is_made_and_configured(boss):
    slug = f"made-{uuid4().hex[:8]}"
    page = opened("organizations", boss)
    for field, value in zip(
        page.text_input, ("Made here", slug, "Europe/Copenhagen", "DKK"), strict=True
    ):
        field.set_value(value)
    page = press(page, boss, "Create organisation")
    assert page.title[0].value == "Made here"

    page.multiselect[0].set_value(["bookings", "phone"])
    page.selectbox[0].set_value("solo")
    page = press(page, boss, "Save")

    with boss.transaction() as db:
        row = next(row for row in organizations_overview(db) if row.slug == slug)
    assert (row.modules, row.plan) == (["bookings", "phone"], "solo")


def test_an_organisation_is_deleted_only_with_its_name_and_comes_back(boss):
    org = make.organization(name="Going away")
    page = opened("organizations", boss, id=str(org))
    page.text_input[0].set_value("going")
    page = press(page, boss, "Delete organisation")
    assert page.error[0].value.startswith("Type the organisation")
    assert organization(boss, org).deleted_at is None

    page.text_input[0].set_value("Going away")
    page = press(page, boss, "Delete organisation")
    assert any("it is removed for good" in warning.value for warning in page.warning)
    page = press(page, boss, "Bring it back")

    assert organization(boss, org).deleted_at is None
    assert not page.warning


def test_a_user_is_kept_out_and_deleted_only_with_their_address(boss):
    person = make.viewer(make.organization(), Role.SALES_REP, name="Leaving Person")
    page = press(opened("users", boss, id=str(person.user_id)), boss, "Keep out")
    assert any("Kept out" in line for line in words(page))

    page.text_input[0].set_value("somebody else")
    page = press(page, boss, "Delete user")
    assert page.error[0].value.startswith("Type the e")
    page.text_input[0].set_value(person.email)
    page = press(page, boss, "Delete user")

    assert page.title[0].value == "Deleted user"
    assert person.email not in " ".join(words(page))
    with boss.transaction() as db:
        assert users_overview(db, "Leaving Person") == []


def test_a_search_narrows_the_users(boss):
    make.viewer(make.organization(), Role.SALES_REP, name="Xaverine")
    page = opened("users", boss, q="xaver")
    assert grid(page, "name", "email").column("name") == ["Xaverine"]
    assert any("Nobody found" in line for line in words(opened("users", boss, q="no such name")))


@pytest.mark.parametrize("screen", ["organizations", "users"])
def test_an_old_link_says_so(boss, screen):
    assert any("There is no such" in line for line in words(opened(screen, boss, id=str(uuid4()))))


@pytest.mark.parametrize("screen", ["organizations", "users"])
def test_a_strangers_name_is_shown_letter_by_letter_on_its_own_page(boss, screen):
    org = make.organization(name=HOSTILE)
    person = make.viewer(org, Role.VIEWER, name=HOSTILE)
    page = opened(screen, boss, id=str({"organizations": org, "users": person.user_id}[screen]))

    assert unescape(page.title[0].value) == HOSTILE
    for node in page:
        if getattr(node, "proto", None) is not None and node.type not in LETTERS_ONLY:
            said = node.proto.SerializeToString().decode("utf-8", "replace")
            assert not any(
                piece in said for piece in (TAGS if node.type in KNOW_TAGS else MARKUP)
            ), node
