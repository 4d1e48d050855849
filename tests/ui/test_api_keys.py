"""API keys: created, shown once, used until they expire or are revoked."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core.platform.clock import now
from core.platform.errors import InvalidInput, NotFound
from core.tenancy.access.api_keys import api_keys, create_api_key, revoke_api_key
from core.tenancy.access.models import Role
from core.tenancy.access.scopes import EVERY, check_scopes
from tests import factories as make
from tests.api.client import get, refused
from tests.ports import owner
from tests.ui.screens import holding, opened, sent, token_of, words


@pytest.fixture
def admin():
    return make.viewer(make.organization(plan="solo"))


def button(page, label):
    return next(each for each in page.button if each.label == label)


def labelled(elements, label):
    return next(each for each in elements if each.label == label)


def test_a_key_is_shown_once_works_within_its_scopes_and_ends_when_it_is_revoked(admin):
    with holding(token_of(admin)) as page:
        shown = page("api-keys")
        labelled(shown.text_input, "Name").input("Weekly sheet")
        labelled(shown.multiselect, "What it may do").set_value(["events:read", "payments:read"])
        labelled(shown.selectbox, "Valid for").set_value("90 days")
        shown = button(shown, "Create key").click().run()
        [key] = [code.value for code in shown.code]
        assert "**Weekly sheet** · " + key[:12] + "…" in words(shown)
        assert [
            get(path, key).status_code for path in ("/api/events", "/api/payments", "/api/leads")
        ] == [200, 200, 403]

        shown = button(shown, "I have copied it").click().run()
        assert key not in sent(shown)
        assert any(
            "Read events, Read payments · created today" in line and "last used today" in line
            for line in words(shown)
        )
        with admin.transaction() as db:
            [stored] = api_keys(db)
        assert timedelta(days=89) < stored.expires_at - now() <= timedelta(days=90)

        shown = button(shown, "Revoke the key").click().run()
        assert any("revoked today" in line for line in words(shown))
        assert "Revoke the key" not in [each.label for each in shown.button]
    assert refused(get("/api/events", key)) == (401, "unauthorized", None)


def test_an_expired_key_opens_nothing_and_says_so(admin):
    with admin.transaction() as db:
        key = create_api_key(db, "Old", ["read"], expires_at=now() + timedelta(days=1)).key
    assert get("/api/events", key).status_code == 200
    with owner() as db:
        db.execute(
            text("update app.api_keys set expires_at = now() where organization_id = :org"),
            {"org": admin.organization_id},
        )

    assert refused(get("/api/events", key)) == (401, "unauthorized", None)
    assert any("expired today" in line for line in words(opened("api-keys", admin)))


@pytest.mark.parametrize(
    ("name", "scopes", "answer"),
    [("", ["read"], "Give the key a name"), ("Sheet", [], "at least one scope")],
)
def test_a_key_needs_a_name_and_a_scope(admin, name, scopes, answer):
    with holding(token_of(admin)) as page:
        shown = page("api-keys")
        labelled(shown.text_input, "Name").input(name)
        labelled(shown.multiselect, "What it may do").set_value(scopes)
        shown = button(shown, "Create key").click().run()
    assert any(answer in line for line in words(shown))
    with admin.transaction() as db:
        assert api_keys(db) == []


def test_every_scope_that_is_offered_exists():
    assert check_scopes(EVERY) == list(EVERY)
    with pytest.raises(InvalidInput):
        check_scopes(["everything"])


def test_the_screen_says_how_much_the_plan_allows(admin):
    assert any("**500** requests an hour" in line for line in words(opened("api-keys", admin)))


def test_nobody_sees_or_revokes_keys_of_another_organisation(admin):
    stranger = make.viewer(make.organization())
    with admin.transaction() as db:
        made = create_api_key(db, "Ours", ["read"])
    with stranger.transaction() as db:
        assert api_keys(db) == []
        with pytest.raises(NotFound):
            revoke_api_key(db, made.id)
    assert get("/api/events", made.key).status_code == 200


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_below_admin_no_key_is_read_or_revoked_even_past_the_screen(admin, role):
    with admin.transaction() as db:
        made = create_api_key(db, "Ours", ["read"])
    with make.viewer(admin.organization_id, role).transaction() as db:
        assert api_keys(db) == []
        with pytest.raises(NotFound):
            revoke_api_key(db, made.id)
