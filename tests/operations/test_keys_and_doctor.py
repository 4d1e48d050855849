"""The master key is rotated without entering any secret again, and the self-check reports what is
wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core.deliveries.actions import SIGNING
from core.deliveries.models import OutboxMessage
from core.deliveries.secrets import read_secret
from core.messages.email_outbox import open_email, post_email
from core.messages.email_templates import Email
from core.messages.sealing import opened
from core.messages.sms_outbox import post_text
from core.operations.checks import State
from core.operations.doctor import examine
from core.operations.keys import reseal_secrets
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.conftest import MASTER_KEY, another_database
from tests.flow import SECRET, sender
from tests.operations.conftest import NEW_KEY
from tests.operations.doctor import lines
from tests.ports import owner, until


@pytest.fixture(scope="module", autouse=True)
def quiet_database(new_database, database_url) -> Iterator[None]:
    """These tests look at every organisation; only their own are in this database."""
    with another_database(new_database):
        yield


def secret_of(connection) -> str:
    with as_system(connection.organization_id) as db:
        return read_secret(db, connection.connection_id, SIGNING)


def test_what_an_organisation_keeps_in_its_grace_outlives_a_rotation_of_the_key(keys) -> None:
    connection = sender(make.organization(), "stripe")
    with owner() as db:
        db.execute(
            text(
                "update app.organizations set deleted_at = now(), purge_after = now() + interval"
                " '30 days' where id = :id"
            ),
            {"id": connection.organization_id},
        )
    keys(NEW_KEY, MASTER_KEY)
    reseal_secrets()
    keys(NEW_KEY)
    assert secret_of(connection) == SECRET


def test_an_email_and_a_text_that_wait_outlive_a_rotation_of_the_key(keys) -> None:
    org, email = make.organization(), Email("Hello", "Hello", "<p>Hello</p>")
    with as_system(org) as db:
        post_email(db, "invitation", "somebody@example.com", email, "a")
        post_text(db, "reminder", "+4520123456", "Hello", "b")
    keys(NEW_KEY, MASTER_KEY)
    reseal_secrets()
    keys(NEW_KEY)
    with as_system(org) as db:
        mail, phone = db.scalars(select(OutboxMessage).order_by(OutboxMessage.channel))
        assert (open_email(mail), opened(phone)) == (email, "Hello")
        assert mail.body["subject"] == "Hello"


def test_after_a_rotation_the_old_key_is_not_needed_any_more(keys) -> None:
    connection = sender(make.organization(), "stripe")
    keys(NEW_KEY, MASTER_KEY)
    assert secret_of(connection) == SECRET
    resealed, _ = reseal_secrets()
    assert resealed > 0
    assert reseal_secrets()[0] == 0
    keys(NEW_KEY)
    assert secret_of(connection) == SECRET
    keys(MASTER_KEY)
    with pytest.raises(Misconfigured):
        secret_of(connection)


def test_the_self_check_says_how_email_leaves(monkeypatch) -> None:
    def line():
        settings.cache_clear()
        [found] = [check for check in examine() if check.name == "e-mail"]
        return found.state, found.seen

    assert line()[0] == State.AMBER
    monkeypatch.setenv("RESEND_API_KEY", "re_of_nobody")
    assert line() == (State.GREEN, "through Resend, from Sales Operations <no-reply@localhost>")
    monkeypatch.undo()
    settings.cache_clear()


def test_a_rotation_without_the_old_key_changes_nothing(keys) -> None:
    connection = sender(make.organization(), "stripe")
    keys(NEW_KEY)
    with pytest.raises(Misconfigured):
        reseal_secrets()
    keys(MASTER_KEY)
    assert secret_of(connection) == SECRET


def test_a_rotation_under_load_fails_no_read(keys) -> None:
    """Both keys are configured while secrets are sealed again, as the documentation demands."""
    connections = [sender(make.organization(), "stripe") for _ in range(8)]
    read: list[str] = []
    rotated = threading.Event()

    def receive() -> None:
        while not rotated.is_set():
            read.extend(secret_of(connection) for connection in connections)

    keys(NEW_KEY, MASTER_KEY)
    with ThreadPoolExecutor(4) as receivers:
        busy = [receivers.submit(receive) for _ in range(4)]
        until(lambda: len(read) > len(connections))
        assert reseal_secrets()[0] >= len(connections)
        seen = len(read)
        until(lambda: len(read) > seen + len(connections))
        rotated.set()
        for reader in busy:
            reader.result()
    assert set(read) == {SECRET}


def test_a_table_that_lost_its_protection_is_red() -> None:
    assert lines("row-level security") == [State.GREEN]
    with owner() as db:
        db.exec_driver_sql("alter table app.payments no force row level security")
    try:
        assert lines("row-level security") == [State.RED]
    finally:
        with owner() as db:
            db.exec_driver_sql("alter table app.payments force row level security")


def test_what_an_organisation_should_mend_is_named() -> None:
    org = make.organization(slack_report_enabled=True)
    with as_system(org) as db:
        make.payment(db, org)
        slug = db.get_one(Organization, org).slug
    assert lines("payments", slug) == [State.AMBER]
    assert lines("slack", slug) == [State.RED]
    assert lines("webhooks", slug) == [State.AMBER]


def test_a_time_zone_that_the_database_does_not_know_is_a_red_line() -> None:
    fine, lost = make.organization(), make.organization()
    with as_system(lost) as db:
        home = db.get_one(Organization, lost)
        home.timezone = "localtime"
        slug = home.slug
    assert lines("time zone", slug) == [State.RED]
    with as_system(fine) as db:
        slug = db.get_one(Organization, fine).slug
    assert lines("time zone", slug) == [State.GREEN]
    with as_system(lost) as db:
        db.get_one(Organization, lost).timezone = "UTC"


def test_a_form_is_overdue_when_the_organisations_hours_of_grace_are_over() -> None:
    org = make.organization(pcf_grace_hours=24)
    with as_system(org) as db:
        slug = db.get_one(Organization, org).slug
        make.event(db, org, make.closer(db, org), at=now() - timedelta(hours=23))
    assert lines("forms", slug) == [State.GREEN]
    with as_system(org) as db:
        make.event(db, org, at=now() - timedelta(hours=25), email="two@example.com")
    assert lines("forms", slug) == [State.AMBER]


def test_a_database_that_is_away_is_a_red_line(cli) -> None:
    said = cli("doctor", DATABASE_URL="postgresql://nobody:secret-word@127.0.0.1:9/none")
    assert said.code == 1
    assert {line["name"] for line in said.json["checks"] if line["state"] == "red"} == {"database"}
    assert "secret-word" not in said.out + said.err
