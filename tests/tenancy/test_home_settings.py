"""The settings of an organisation: who changes them, which values they take, and what the audit log
records.
"""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from core.bookings.models import BookingSettings
from core.bookings.settings import BOOKINGS
from core.deliveries.settings import PERSONAL_DATA
from core.messages.settings import REPORTS
from core.money.models import MoneySettings
from core.money.settings import MONEY
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotAllowed
from core.tenancy.access.models import AccessSettings, Role
from core.tenancy.access.settings import WHO_GETS_IN
from core.tenancy.organizations.models import SettingsRow
from core.tenancy.organizations.queries import settings_of
from core.tenancy.organizations.settings import ORGANIZATION, change_settings
from core.ui.panels.settings import GROUPS
from tests import factories as make
from tests.books import migrate_again
from tests.ports import owner
from tests.tenancy.factors import with_app

CHANGES = {
    "name": "New name",
    "timezone": "America/New_York",
    "currency": "EUR",
    "locale": "da_DK",
    "pcf_grace_hours": 48,
    "late_cancel_hours": 0,
    "duplicate_hours": 0,
    "setter_utm_field": "utm_content",
    "setter_question": "Who invited you?",
    "primary_crm": "ghl",
    "forward_attribution_days": 7,
    "reconciliation_days": 5,
    "accept_test_mode": True,
    "payouts_start": date(2026, 1, 5),
    "leaderboards_visible": False,
    "leaderboards_show_money": False,
    "require_second_factor": True,
    "managers_see_their_team_only": True,
    "api_origins": ["https://app.example.com"],
    "raw_delivery_days": 90,
    "slack_report_enabled": True,
    "slack_report_hour": 23,
}
EVERY = (*GROUPS, REPORTS)


def present(db):
    return {
        setting.key: getattr(settings_of(db, group.model), setting.key)
        for group in EVERY
        for setting in group.settings
    }


def test_every_setting_changes_and_the_change_stands_in_the_audit_log():
    admin = make.viewer(make.organization(), Role.ADMIN)
    with_app(admin)
    with admin.transaction() as db:
        before = present(db)
        assert set(CHANGES) == set(before)
        for group in EVERY:
            change_settings(db, group, {each.key: CHANGES[each.key] for each in group.settings})
    with admin.transaction() as db:
        assert present(db) == CHANGES
        lines = db.execute(
            text("""
            select actor_user_id, table_name, changes from app.audit_logs
              where operation = 'update'
        """)
        ).all()
    kept = [(line.table_name, line.changes) for line in lines]
    assert {line.actor_user_id for line in lines} == {admin.user_id}
    assert sorted(kept, key=str) == sorted(
        (
            (
                group.model.__tablename__,
                {
                    each.key: [before[each.key], as_logged(CHANGES[each.key])]
                    for each in group.settings
                },
            )
            for group in EVERY
        ),
        key=str,
    )


def as_logged(value):
    return value.isoformat() if isinstance(value, date) else value


def test_each_model_of_settings_declares_them_all():
    declared = {
        model: {
            setting.key for group in EVERY if group.model is model for setting in group.settings
        }
        for model in SettingsRow.__subclasses__()
    }
    common = {"organization_id", "created_at", "updated_at"}
    assert declared == {model: set(model.__table__.c.keys()) - common for model in declared}


def test_an_organisation_that_is_older_than_a_table_of_settings_gets_its_row(database_url):
    org = make.organization(late_cancel_hours=3)
    with owner() as db:
        db.execute(
            text("delete from app.money_settings where organization_id = :org"), {"org": org}
        )
    migrate_again(database_url)
    with as_system(org) as db:
        assert settings_of(db, MoneySettings).reconciliation_days == 3
        assert settings_of(db, BookingSettings).late_cancel_hours == 3


@pytest.mark.parametrize(
    ("group", "changes"),
    [
        (ORGANIZATION, {"name": " "}),
        (ORGANIZATION, {"timezone": "Mars/Olympus"}),
        (ORGANIZATION, {"currency": "XYZ1"}),
        (ORGANIZATION, {"locale": "xx_XX"}),
        (BOOKINGS, {"pcf_grace_hours": 0}),
        (BOOKINGS, {"pcf_grace_hours": None}),
        (BOOKINGS, {"late_cancel_hours": 721}),
        (BOOKINGS, {"setter_utm_field": "password"}),
        (MONEY, {"forward_attribution_days": 0}),
        (PERSONAL_DATA, {"raw_delivery_days": 1}),
        (ORGANIZATION, {"plan": "enterprise"}),
        (ORGANIZATION, {"deleted_at": None}),
        (BOOKINGS, {"organization_id": None}),
    ],
)
def test_a_value_that_cannot_be_changes_nothing(group, changes):
    org = make.organization()
    valid = {setting.key: CHANGES[setting.key] for setting in group.settings}
    with as_system(org) as db:
        before = present(db)
    with pytest.raises(InvalidInput), as_system(org) as db:
        change_settings(db, group, valid | changes)
    with as_system(org) as db:
        assert present(db) == before


def test_nobody_asks_of_others_the_second_factor_that_they_do_not_have():
    admin = make.viewer(make.organization(), Role.ADMIN)
    with pytest.raises(Conflict), admin.transaction() as db:
        change_settings(db, WHO_GETS_IN, {"require_second_factor": True})
    with admin.transaction() as db:
        change_settings(db, WHO_GETS_IN, {"require_second_factor": False})
        assert not settings_of(db, AccessSettings).require_second_factor


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
@pytest.mark.parametrize("group", EVERY, ids=lambda group: group.title)
def test_the_database_lets_nobody_else_change_them(role, group):
    who = make.viewer(make.organization(), role)
    [first, *_] = group.settings
    with pytest.raises(NotAllowed), who.transaction() as db:
        change_settings(db, replace(group, rule=lambda *_: None), {first.key: CHANGES[first.key]})


def test_what_may_be_left_out_can_be_left_out_again():
    org = make.organization(
        setter_question="Who?", forward_attribution_days=3, raw_delivery_days=30
    )
    with as_system(org) as db:
        change_settings(db, BOOKINGS, {"setter_question": " "})
        change_settings(db, MONEY, {"forward_attribution_days": None})
        change_settings(db, PERSONAL_DATA, {"raw_delivery_days": None})
        now = present(db)
    left_out = ("setter_question", "forward_attribution_days", "raw_delivery_days")
    assert [now[key] for key in left_out] == [None, None, None]
