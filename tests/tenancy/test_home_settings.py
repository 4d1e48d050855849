"""The settings of an organisation: who changes them, which values they take, what is kept of a
change.
"""

import pytest
from sqlalchemy import text

from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput
from core.tenancy.access.models import Role
from core.tenancy.organizations.queries import current_organization
from core.tenancy.organizations.settings import SETTINGS, change_settings
from tests import factories as make
from tests.tenancy.factors import with_app

CHANGES = {
    "name": "New name",
    "timezone": "America/New_York",
    "currency": "EUR",
    "pcf_grace_hours": 48,
    "late_cancel_hours": 0,
    "setter_utm_field": "utm_content",
    "setter_question": "Who invited you?",
    "forward_attribution_days": 7,
    "reconciliation_days": 5,
    "accept_test_mode": True,
    "leaderboards_visible": False,
    "leaderboards_show_money": False,
    "require_second_factor": True,
    "managers_see_their_team_only": True,
    "raw_delivery_days": 90,
}


def test_every_setting_changes_and_the_change_stands_in_the_audit_log():
    admin = make.viewer(make.organization(), Role.ADMIN)
    assert set(CHANGES) == {setting.key for setting in SETTINGS}
    with_app(admin)
    with admin.transaction() as db:
        before = {key: getattr(current_organization(db), key) for key in CHANGES}
        change_settings(db, CHANGES)
    with admin.transaction() as db:
        assert {key: getattr(current_organization(db), key) for key in CHANGES} == CHANGES
        kept = db.execute(
            text("""
            select actor_user_id, changes from app.audit_logs
              where table_name = 'organizations' and operation = 'update'
        """)
        ).one()
    assert kept.actor_user_id == admin.user_id
    assert kept.changes == {key: [before[key], CHANGES[key]] for key in CHANGES}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"timezone": "Mars/Olympus"},
        {"currency": "XYZ1"},
        {"pcf_grace_hours": 0},
        {"pcf_grace_hours": None},
        {"late_cancel_hours": 721},
        {"setter_utm_field": "password"},
        {"forward_attribution_days": 0},
        {"raw_delivery_days": 1},
        {"plan": "enterprise"},
        {"deleted_at": None},
    ],
)
def test_a_value_that_cannot_be_changes_nothing(changes):
    org = make.organization()
    with pytest.raises(InvalidInput), as_system(org) as db:
        change_settings(db, {"late_cancel_hours": 3} | changes)
    with as_system(org) as db:
        assert current_organization(db).late_cancel_hours == 24


def test_nobody_asks_of_others_the_second_factor_that_they_do_not_have():
    admin = make.viewer(make.organization(), Role.ADMIN)
    with pytest.raises(Conflict), admin.transaction() as db:
        change_settings(db, {"require_second_factor": True})
    with admin.transaction() as db:
        change_settings(db, {"require_second_factor": False})
        assert not current_organization(db).require_second_factor


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_the_database_lets_nobody_else_change_them(role):
    who = make.viewer(make.organization(), role)
    with who.transaction() as db:
        changed = db.execute(
            text("update app.organizations set name = 'Mine'"),
            execution_options={"preserve_rowcount": True},
        )
        assert changed.rowcount == 0


def test_what_may_be_left_out_can_be_left_out_again():
    org = make.organization(
        setter_question="Who?", forward_attribution_days=3, raw_delivery_days=30
    )
    with as_system(org) as db:
        change_settings(
            db,
            {"setter_question": " ", "forward_attribution_days": None, "raw_delivery_days": None},
        )
        home = current_organization(db)
        assert (home.setter_question, home.forward_attribution_days, home.raw_delivery_days) == (
            None,
            None,
            None,
        )
