"""An organisation's keys: entered and sealed, verified by a worker and again every day, replaced,
removed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from core.deliveries.models import KeyStatus, OrganizationIntegration
from core.deliveries.secrets import read_secret
from core.operations.checks import State
from core.operations.organization_checks import examine_organization
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, Misconfigured, NotAllowed, NotFound
from core.platform.models import AuditLog, VaultSecret
from core.platform.settings import settings
from core.providers.integrations import (
    KEY,
    integrations,
    remove_key,
    verify_due,
    verify_integration,
    verify_soon,
)
from core.providers.registry import with_credentials
from core.tenancy.access.models import Role
from jobs.schedule import for_each_organization
from tests import factories as make
from tests.fakes.providers import BROKEN, KEYS, SETTINGS, rate_limited
from tests.fakes.systems import NAME
from tests.flow import work
from tests.ports import owner
from tests.providers.keys import age, enter, key_of

OTHER = "rk_live_another_0a1b2c3d"


@pytest.fixture
def admin(database_url):
    with owner() as db:  # what other tests left waiting is nothing for this one's worker
        db.execute(text("set local search_path = jobs"))
        db.execute(text("delete from procrastinate_jobs where status = 'todo'"))
    return make.viewer(make.organization())


def waiting(admin):
    with owner() as db:
        query = (
            "select count(*) from jobs.procrastinate_jobs where status = 'todo' and"
            " args->>'organization_id' = :org and task_name = 'verify_integration'"
        )
        return db.execute(text(query), {"org": str(admin.organization_id)}).scalar_one()


def lines(admin):
    return [
        line for line in examine_organization(admin.organization_id) if line.name.startswith("key ")
    ]


def test_a_key_is_sealed_at_once_and_verified_by_a_worker(key_providers, admin):
    row_id = enter(admin)
    entered = key_of(admin)
    assert (entered.status, entered.account_name, entered.last_four) == (
        KeyStatus.CHECKING,
        None,
        KEYS["stripe"][-4:],
    )
    assert key_providers.asked == []

    work()

    verified = key_of(admin)
    assert (verified.id, verified.status, verified.account_name, verified.last_error) == (
        row_id,
        KeyStatus.VERIFIED,
        NAME,
        None,
    )
    assert now() - verified.last_verified_at < timedelta(minutes=1)
    with as_system(admin.organization_id) as db:
        sealed = db.scalars(select(VaultSecret.sealed).where(VaultSecret.owner_id == row_id)).one()
        assert read_secret(db, row_id, KEY) == KEYS["stripe"]
    assert KEYS["stripe"].encode() not in bytes(sealed)


@pytest.mark.parametrize("provider", sorted(with_credentials()))
def test_a_provider_is_asked_with_what_was_answered_beside_the_key(key_providers, admin, provider):
    enter(admin, provider)
    work()
    assert (key_of(admin, provider).status, key_of(admin, provider).settings) == (
        KeyStatus.VERIFIED,
        SETTINGS[provider],
    )


def test_a_refused_key_says_why_and_never_itself(key_providers, admin):
    enter(admin, secret=OTHER)
    work()
    row = key_of(admin)
    assert (row.status, row.last_verified_at) == (KeyStatus.REFUSED, None)
    assert "Stripe does not accept the key" in row.last_error
    assert "0a1b" not in str(row)


@pytest.mark.parametrize(
    "trouble",
    [
        BROKEN,
        rate_limited(Retry_After="90"),
        (302, {}, {"Location": "https://example.com"}),
        (200, b"<", {}),
    ],
)
def test_a_provider_in_trouble_refuses_nothing_and_keeps_what_was_known(
    key_providers, admin, trouble
):
    enter(admin)
    work()
    verified = key_of(admin)
    key_providers.will(*[trouble] * 9)
    verify_integration(admin.organization_id, verified.id)
    row = key_of(admin)
    assert (row.status, row.account_name, row.last_verified_at) == (
        KeyStatus.UNVERIFIED,
        NAME,
        verified.last_verified_at,
    )
    assert row.last_error.startswith("Stripe ")


def test_the_same_key_in_two_organisations_is_two_keys(key_providers, admin):
    other = make.viewer(make.organization())
    enter(admin)
    assert key_of(other) is None
    enter(other, secret=OTHER)
    work()
    assert (key_of(admin).status, key_of(other).status) == (KeyStatus.VERIFIED, KeyStatus.REFUSED)


def test_a_new_key_takes_the_place_of_the_old_one_and_of_what_was_said_of_it(key_providers, admin):
    row_id = enter(admin, "whop")
    work()
    assert enter(admin, "whop", "another_0a1b2c3d") == row_id
    row = key_of(admin, "whop")
    assert (row.status, row.account_name, row.last_verified_at, row.last_four) == (
        KeyStatus.CHECKING,
        None,
        None,
        "2c3d",
    )
    with as_system(admin.organization_id) as db:
        assert db.scalars(select(VaultSecret.owner_id)).all() == [row_id]


def test_settings_are_changed_without_entering_the_key_again(key_providers, admin):
    enter(admin, "whop", answers={"company_id": "biz_mistaken"})
    work()
    assert key_of(admin, "whop").status == KeyStatus.REFUSED
    enter(admin, "whop", "")
    work()
    assert key_of(admin, "whop").status == KeyStatus.VERIFIED


def test_nothing_is_kept_of_what_cannot_be_a_key(key_providers, admin):
    for provider, secret, answers in (
        ("stripe", "pk_live_1", {}),
        ("stripe", "", {}),
        ("whop", "key", {}),
        ("nobody", "key", {}),
    ):
        with pytest.raises(InvalidInput):
            enter(admin, provider, secret, answers)
    with admin.transaction() as db:
        assert integrations(db) == []
    assert waiting(admin) == 0


def test_without_a_master_key_nothing_is_kept(key_providers, admin, monkeypatch):
    monkeypatch.delenv("ENCRYPTION_MASTER_KEY")
    settings.cache_clear()
    with pytest.raises(Misconfigured, match="ENCRYPTION_MASTER_KEY"):
        enter(admin)
    assert key_of(admin) is None


def test_two_admins_who_enter_a_key_at_once_make_one_row(key_providers, admin):
    with ThreadPoolExecutor(4) as admins:
        ids = [entered.result() for entered in [admins.submit(enter, admin) for _ in range(8)]]
    assert len(set(ids)) == 1
    with as_system(admin.organization_id) as db:
        assert len(db.scalars(select(VaultSecret.id)).all()) == 1


def test_an_outcome_is_not_written_over_a_key_that_was_entered_meanwhile(key_providers, admin):
    """The old key is valid. While the provider is asked about it, somebody enters another one,
    which is not.
    """
    row_id = enter(admin)

    class Slow(dict):
        def __getitem__(self, path):
            if key_of(admin).last_four == KEYS["stripe"][-4:]:
                enter(admin, secret=OTHER)
            return super().__getitem__(path)

    key_providers.pages = Slow(key_providers.pages)
    verify_integration(admin.organization_id, row_id)
    row = key_of(admin)
    assert (row.status, row.account_name, row.last_verified_at) == (KeyStatus.CHECKING, None, None)
    work()
    assert key_of(admin).status == KeyStatus.REFUSED


def test_a_key_that_is_removed_while_its_provider_is_asked_stays_removed(key_providers, admin):
    row_id = enter(admin)

    class Slow(dict):
        def __getitem__(self, path):
            if key_of(admin):
                remove(admin, row_id)
            return super().__getitem__(path)

    key_providers.pages = Slow(key_providers.pages)
    verify_integration(admin.organization_id, row_id)
    work()
    assert key_of(admin) is None


def remove(admin, row_id):
    with admin.transaction() as db:
        remove_key(db, row_id)


def test_what_is_removed_leaves_no_secret_behind(key_providers, admin):
    row_id, kept = enter(admin), enter(admin, "billy")
    remove(admin, row_id)
    work()
    with as_system(admin.organization_id) as db:
        assert [row.id for row in integrations(db)] == [kept]
        assert db.scalars(select(VaultSecret.owner_id)).all() == [kept]
    assert [asked.path for asked in key_providers.asked] == ["/billy/organization"]
    with pytest.raises(NotFound):
        remove(admin, row_id)
    with admin.transaction() as db, pytest.raises(NotFound):
        verify_soon(db, row_id)


def test_verify_now_asks_once_however_often_it_is_pressed(key_providers, admin):
    row_id = enter(admin)
    work()
    for _ in range(3):
        with admin.transaction() as db:
            verify_soon(db, row_id)
    assert (key_of(admin).status, waiting(admin)) == (KeyStatus.CHECKING, 1)
    key_providers.keys["stripe"] = "revoked"
    work()
    assert key_of(admin).status == KeyStatus.REFUSED


def test_a_key_that_cannot_be_opened_any_more_is_to_be_entered_again(key_providers, admin):
    row_id = enter(admin)
    with as_system(admin.organization_id) as db:
        db.execute(
            text("update app.vault_secrets set sealed = '\\x00' where owner_id = :id"),
            {"id": row_id},
        )
    work()
    assert key_of(admin).status == KeyStatus.REFUSED
    assert key_providers.asked == []

    enter(admin)
    work()
    assert key_of(admin).status == KeyStatus.VERIFIED


@pytest.mark.parametrize(
    ("status", "hours", "again"),
    [
        ("verified", 23, False),
        ("verified", 25, True),
        ("refused", 23, False),
        ("refused", 25, True),
        ("unverified", 0.5, False),
        ("unverified", 1, True),
        ("checking", 0.5, False),
        ("checking", 1, True),
    ],
)
def test_the_clock_has_keys_verified_every_day_and_sooner_what_could_not_be(
    key_providers, admin, status, hours, again
):
    row_id = enter(admin)
    work()
    with as_system(admin.organization_id) as db:
        db.execute(
            text("update app.organization_integrations set status = :status where id = :id"),
            {"status": status, "id": row_id},
        )
    age(admin, hours=hours)
    assert verify_due(admin.organization_id) == int(again)
    assert waiting(admin) == int(again)


def test_a_key_that_was_revoked_at_the_provider_is_noticed_within_a_day(
    quiet_database, key_providers, admin
):
    enter(admin)
    work()
    key_providers.keys["stripe"] = "revoked"
    age(admin, hours=25)
    for_each_organization(verify_due)
    work()
    assert key_of(admin).status == KeyStatus.REFUSED


def test_the_audit_log_tells_of_keys_and_not_of_every_look_at_them(key_providers, admin):
    row_id = enter(admin)
    work()
    verify_integration(admin.organization_id, row_id)
    remove(admin, row_id)
    with admin.transaction() as db:
        written = db.scalars(
            select(AuditLog).where(AuditLog.row_id == str(row_id)).order_by(AuditLog.at)
        ).all()
    assert [line.operation for line in written] == ["insert", "update", "delete"]
    assert written[0].actor_user_id == admin.user_id
    assert KEYS["stripe"] not in str([line.changes for line in written])


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SALES_REP, Role.VIEWER])
def test_whoever_is_no_admin_neither_sees_nor_enters_nor_removes_a_key(key_providers, admin, role):
    row_id, other = enter(admin), make.viewer(admin.organization_id, role)
    assert key_of(other) is None
    with pytest.raises(DBAPIError):
        enter(other, secret=OTHER)
    with pytest.raises(NotFound):
        remove(other, row_id)
    with other.transaction() as db, pytest.raises(NotFound):
        verify_soon(db, row_id)
    assert key_of(admin).last_four == KEYS["stripe"][-4:]


def test_whoever_looks_as_somebody_else_enters_nothing(key_providers, admin):
    looking = replace(
        make.viewer(admin.organization_id, Role.ADMIN),
        seen_by=make.viewer(admin.organization_id, Role.OWNER).user_id,
    )
    with pytest.raises(NotAllowed):
        enter(looking)


def test_the_self_check_has_a_line_for_each_key(key_providers, admin):
    assert lines(admin) == []
    enter(admin)
    assert [(line.state, line.screen) for line in lines(admin)] == [(State.AMBER, "integrations")]
    work()
    assert [(line.name, line.state, line.seen, line.fix) for line in lines(admin)] == [
        ("key Stripe", State.GREEN, f"accepted for {NAME}", ""),
    ]
    age(admin, days=4)
    assert [line.state for line in lines(admin)] == [State.AMBER]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda fake: fake.keys.update(stripe="revoked"), State.RED),
        (lambda fake: fake.will(*[BROKEN] * 9), State.AMBER),
        (lambda fake: fake.forbidden.add("/stripe/v1/charges"), State.AMBER),
    ],
)
def test_the_self_check_tells_broken_from_weak_and_how_to_mend_it(
    key_providers, admin, change, state
):
    row_id = enter(admin)
    change(key_providers)
    verify_integration(admin.organization_id, row_id)
    [line] = lines(admin)
    assert line.state == state
    assert line.seen
    assert "Verify now" in line.fix or "Enter a new key" in line.fix


def test_the_table_takes_no_other_word_for_how_a_key_stands(admin):
    with pytest.raises(DBAPIError), as_system(admin.organization_id) as db:
        db.execute(
            insert(OrganizationIntegration).values(
                organization_id=admin.organization_id, provider="stripe", status="fine"
            )
        )
