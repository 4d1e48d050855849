"""An organisation's key at a provider: entered, read, made older."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from core.platform.clock import now
from core.providers.integrations import (
    enter_key,
    integrations,
)
from tests.fakes.providers import KEYS, SETTINGS
from tests.ports import owner


def enter(admin, provider="stripe", secret=None, answers=None):
    with admin.transaction() as db:
        return enter_key(
            db,
            provider,
            KEYS[provider] if secret is None else secret,
            SETTINGS.get(provider, {}) if answers is None else answers,
        )


def key_of(admin, provider="stripe"):
    with admin.transaction() as db:
        return next((row for row in integrations(db) if row.provider == provider), None)


def age(admin, **by):
    with owner() as db:
        db.execute(text("set local session_replication_role = replica"))
        db.execute(
            text(
                "update app.organization_integrations set updated_at = :at where organization_id ="
                " :org"
            ),
            {"at": now() - timedelta(**by), "org": admin.organization_id},
        )
