"""Planted secrets appear nowhere in clear: in no log, answer, page, export, audit line, job or
dump.
"""

import base64
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.links.access_links import issue_link
from core.links.kinds import LinkPurpose
from core.messages.actions import set_slack_webhook
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import FORMATS, export
from core.platform.clock import now
from core.platform.database import as_guest, as_system
from core.platform.postgres_programs import find_bin
from core.platform.settings import settings
from core.providers.connections import create_connection
from core.providers.integrations import enter_key, integrations
from core.providers.payloads import signed
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.identity.passwords import hash_password
from core.ui.navigation import SCREENS
from tests import factories as make
from tests.conftest import MASTER_KEY, another_database
from tests.fakes.providers import FakeProviders
from tests.flow import work
from tests.payloads import SampleBooking, calendly_created
from tests.ports import answers, free_port, get, owner, post, until
from tests.ui.screens import browser_of, opened, sent, token_of, words

ROOT = Path(__file__).parents[2]
SIGNING = "whsec_canary_4b1d0f6c2a9e8d73"
REPLACED = "whsec_canary_replaced_7c20aa"
SLACK = "https://hooks.slack.com/services/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"
PASSWORD = "canary-amber-harbor-5519"
VERIFIED = "rk_live_canary_6e1d20bb4f97"
REFUSED = "canary9c41f7d2e0refused"
TYPED = "api_canary.3fa9c1d7e5b2typed"


@dataclass(frozen=True)
class Planted:
    """An organisation with one of every secret, by kind of secret."""

    admin: object
    connection: UUID
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def quiet_database(new_database, database_url):
    """A database in which no other test's jobs wait for the worker."""
    with another_database(new_database) as url:
        yield url


@pytest.fixture(scope="module")
def provider():
    """Providers that accept one of the keys, and quote every key that they are given."""
    with pytest.MonkeyPatch.context() as patch, FakeProviders(repeats_keys=True).running() as fake:
        fake.keys["stripe"] = VERIFIED
        fake.pages["/stripe/v1/account"] = {"email": f"account of {VERIFIED}"}
        for name, address in fake.addresses.items():
            patch.setenv(name, address)
        settings.cache_clear()
        yield fake
    settings.cache_clear()


@pytest.fixture(scope="module")
def planted(quiet_database, provider):
    org = make.organization()
    admin = make.viewer(org, "owner", password_hash=hash_password(PASSWORD))
    with as_system(org) as db:
        closer = make.closer(db, org)
        make.event(db, org, closer, at=now())
        connection = create_connection(db, "calendly", "Calendar", SIGNING).id
        set_slack_webhook(db, SLACK)
        key = create_api_key(db, "Program", ["read"]).key
    with admin.transaction() as db:
        enter_key(db, "stripe", VERIFIED, {})
        enter_key(db, "billy", REFUSED, {})
        link = urlsplit(
            issue_link(db, admin, LinkPurpose.PORTAL, "Phone", closer_id=closer.id).address
        ).query.partition("=")[2]
    secrets = {
        "signing secret": SIGNING,
        "Slack address": SLACK,
        "password": PASSWORD,
        "API key": key,
        "link": link,
        "master key": MASTER_KEY,
        "session": token_of(admin),
        "verified key": VERIFIED,
        "refused key": REFUSED,
    }
    return Planted(admin, connection, secrets)


def singing(secrets, *places):
    """The secrets that appear in any of the texts, as they are or in another encoding."""
    found = set()
    for name, secret in secrets.items():
        raw = secret.encode()
        spelled = {secret, raw.hex(), base64.b64encode(raw).decode(), quote(secret, safe="")}
        if any(each in place for place in places for each in spelled):
            found.add(name)
    return found


@contextmanager
def logged(file, *command, **env):
    """Runs ``python -m …`` with all of its output in ``file``."""
    with open(file, "w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | env, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture(scope="module")
def conversation(planted, tmp_path_factory):
    """Everything that both servers answered and all processes logged, while each secret was used,
    rightly and wrongly.
    """
    files = [tmp_path_factory.mktemp("logs") / name for name in ("receiver", "screens", "worker")]
    ports = [str(free_port()), str(free_port())]
    receiver, screens = (f"http://localhost:{port}" for port in ports)
    loud = {
        "LOG_LEVEL": "DEBUG",
        "WEBHOOK_PORT": ports[0],
        "UI_PORT": ports[1],
        "PUBLIC_URL": screens,
    }
    with (
        logged(files[0], "webhooks", **loud),
        logged(files[1], "streamlit", "run", "app.py", "--server.port", ports[1], **loud),
    ):
        until(lambda: answers(f"{receiver}/readyz") and answers(f"{screens}/healthz"))
        answered = [*asked_of_receiver(receiver, planted), *asked_of_screens(screens, planted)]
    with logged(files[2], "jobs", "worker", **loud):
        until(lambda: not keys_in(planted, "checking"))
    return SimpleNamespace(answers=answered, logs=[file.read_text() for file in files])


def keys_in(planted, *statuses):
    with planted.admin.transaction() as db:
        return [row for row in integrations(db) if row.status in statuses]


def asked_of_receiver(at, planted):
    path, secrets = f"{at}/webhooks/calendly/{planted.connection}", planted.secrets
    body, headers = signed(
        "calendly", calendly_created(SampleBooking("lead.one@example.com", now())), SIGNING
    )
    key = {"Authorization": f"Bearer {secrets['API key']}"}
    for sent_body, sent_headers in (
        (body, headers),
        (body, headers),
        (body, {}),
        (SIGNING.encode(), headers),
        (b"{", headers),
    ):
        yield post(path, content=sent_body, headers=sent_headers)
    for email in (planted.admin.email, "nobody@example.com", PASSWORD):
        yield post(
            f"{at}/api/auth/login",
            json={"email": email, "password": PASSWORD if email != PASSWORD else "wrong"},
        )
    yield get(f"{at}/api/events", headers=key)
    yield get(f"{at}/api/export", headers=key, params={"table": "users"})
    yield post(f"{at}/api/payout-snapshots", headers=key, json={"name": 1})
    yield get(f"{at}/api/events", params={"key": secrets["API key"], "cursor": "x"})
    for name in ("link", "session"):
        yield get(f"{at}/api/events", headers={"Authorization": f"Bearer {secrets[name]}"})
    yield post(f"{at}/webhooks/leads/unknown", json={})


def asked_of_screens(at, planted):
    cookies, link = {"sid": planted.secrets["session"]}, planted.secrets["link"]
    for path in (
        f"/portal?token={link}",
        f"/statement?token={link}",
        f"/auth/ticket?t={link}",
        "/exports/nothing",
        "/exports/events",
        "/exports/audit_logs?format=json",
        f"/media/{link}",
        "/_stcore/metrics",
        "/nothing/here",
    ):
        yield get(f"{at}{path}", cookies=cookies)
        yield get(f"{at}{path}")
    yield post(
        f"{at}/auth/organization",
        data={"organization": link},
        cookies=cookies,
        headers={"origin": at},
    )


def test_the_secrets_were_really_used(conversation):
    codes = [answer.status_code for answer in conversation.answers]
    assert codes[:5] == [200, 200, 401, 401, 401]
    assert {200, 401, 403, 404, 422} <= set(codes)


def test_the_keys_were_really_asked_about_and_what_was_repeated_of_them_is_left_out(
    planted, conversation
):
    [stripe], [billy] = keys_in(planted, "verified"), keys_in(planted, "refused")
    assert stripe.account_name == "account of …"
    assert "Unknown key" in billy.last_error
    assert "key verified" in conversation.logs[2]


def test_no_answer_repeats_a_secret(planted, conversation):
    said = [answer.text + str(answer.headers) for answer in conversation.answers]
    assert singing(planted.secrets, *said) == set()


def test_no_log_holds_a_secret(planted, conversation):
    assert singing(planted.secrets, *conversation.logs) == set()


@pytest.fixture
def log_text() -> Iterator[StringIO]:
    """What any logger writes, also one that passes nothing on to the root."""
    known = logging.root.manager.loggerDict.values()
    own = [each for each in known if isinstance(each, logging.Logger) and not each.propagate]
    handler = logging.StreamHandler(StringIO())
    for logger in (logging.root, *own):
        logger.addHandler(handler)
    yield handler.stream
    for logger in (logging.root, *own):
        logger.removeHandler(handler)


@pytest.mark.parametrize("screen", [screen.key for screen in SCREENS])
def test_no_page_shows_a_secret_or_writes_it_down(planted, screen, capfd, log_text):
    for query in ({}, {"id": str(planted.connection)}, {"token": planted.secrets["link"]}):
        page = opened(screen, planted.admin, **query)
        assert (
            singing(
                planted.secrets, sent(page), *words(page), *capfd.readouterr(), log_text.getvalue()
            )
            == set()
        )


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("table", EXPORTS)
def test_no_export_holds_a_secret(planted, table, fmt):
    content = b"".join(export(planted.admin.transaction, table, fmt)).decode("latin-1")
    assert singing(planted.secrets, content) == set()


def test_what_is_typed_into_a_form_stands_in_no_page_and_no_audit_line(planted):
    with browser_of(planted.admin):
        page = opened("connections", planted.admin)
        next(field for field in page.text_input if field.label == "Name").set_value("Second")
        next(field for field in page.text_input if field.label == "Signing secret").set_value(
            REPLACED
        )
        next(button for button in page.button if button.label == "Create").click().run()
        reports = opened("reports", planted.admin)
        next(field for field in reports.text_input if field.label == "Incoming webhook").set_value(
            SLACK
        )
        reports.button[0].click().run()
        keys = opened("integrations", planted.admin)
        keys.text_input(key="close key 0").set_value(TYPED)
        keys.button(key="close save").click().run()
        wrong = opened("home", None)
        wrong.text_input[0].set_value(planted.admin.email)
        wrong.text_input[1].set_value(PASSWORD)
    typed = planted.secrets | {"typed secret": REPLACED, "typed key": TYPED}

    with as_system(planted.admin.organization_id) as db:
        kept = db.execute(
            text("select count(*) from app.vault_secrets where organization_id = app.cur_org()")
        ).scalar()
    assert kept == 6
    assert (
        singing(
            typed, *(sent(each) + kept_of(each) for each in (page, reports, keys)), *audit_lines()
        )
        == set()
    )


def kept_of(page):
    """Everything that the server stores of a page after its run."""
    return repr(page.session_state._state._state)


def audit_lines():
    with owner() as db:
        lines = db.execute(text("select l::text from app.audit_logs l")).scalars().all()
    assert lines
    return lines


def test_no_audit_line_and_no_queued_work_holds_a_secret(planted):
    work()
    with owner() as db:
        jobs = db.execute(text("select j::text from jobs.procrastinate_jobs j")).scalars().all()
    assert singing(planted.secrets, *audit_lines(), *jobs) == set()


def test_a_dump_holds_no_secret_in_clear(planted, quiet_database):
    command = [find_bin() / "pg_dump", "--format=plain", quiet_database]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(planted.admin.organization_id) in dump
    assert singing(planted.secrets, dump) == set()


@pytest.mark.parametrize(
    "enter", [as_guest, lambda: as_system(make.organization())], ids=["guest", "system"]
)
def test_a_statement_that_fails_does_not_say_what_it_was_given(enter):
    with pytest.raises(DBAPIError) as failed, enter() as db:
        db.execute(text("select 1 / 0 where :secret <> ''"), {"secret": PASSWORD})
    assert singing({"secret": PASSWORD}, str(failed.value), repr(failed.value)) == set()


def test_a_canary_that_sings_is_heard():
    secrets = {"a": SIGNING, "b": SLACK}
    assert singing(secrets, f"x{SIGNING}y") == {"a"}
    assert singing(secrets, SIGNING.encode().hex(), quote(SLACK, safe="")) == {"a", "b"}
    assert singing(secrets, "nothing") == set()
