"""No process starts with unsafe settings where strangers could reach it; on one's own machine
everything starts.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.migrations.upgrade import ensure_local_key
from core.operations.checks import State
from core.operations.startup_checks import check_start, is_own_machine, is_public, weaknesses
from core.platform.errors import Misconfigured
from core.platform.settings import settings
from tests.by_day import first
from tests.operations.doctor import lines
from tests.ports import answers, free_port, until

ROOT = Path(__file__).parents[2]
PUBLIC, OPEN = "https://sales.acme.com", "http://sales.acme.com"
PROCESSES = {
    "screens": ("streamlit", "run", "app.py", "--server.port", "0"),
    "receiver": ("webhooks",),
    "jobs": ("jobs", "clock"),
    "all of them": ("core.operations.supervisor",),
}


@pytest.fixture
def settings_are(monkeypatch):
    """Sets environment variables until the test ends; None takes one away."""

    def choose(**values: str | None) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value or "")
        settings.cache_clear()

    yield choose
    monkeypatch.undo()
    settings.cache_clear()


def test_the_addresses_follow_the_ports_unless_they_are_set_themselves(settings_are):
    settings_are(PUBLIC_URL=None, WEBHOOK_PUBLIC_URL=None, UI_PORT="8701", WEBHOOK_PORT="8700")
    assert settings().public_url == "http://localhost:8701"
    assert settings().webhook_public_url == "http://localhost:8700"

    settings_are(PUBLIC_URL=PUBLIC, WEBHOOK_PUBLIC_URL="https://hooks.acme.com/")
    assert (settings().public_url, settings().webhook_public_url) == (
        PUBLIC,
        "https://hooks.acme.com",
    )


def started(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"UI_PORT": str(free_port()), "WEBHOOK_PORT": str(free_port())} | environment
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("http://crm.example.org", False),
        ("http://10.0.0.7:9000", False),
        ("https://crm.example.org", True),
        ("http://localhost:90", True),
    ],
)
def test_keys_of_providers_do_not_travel_in_the_open(settings_are, address, fine):
    settings_are(HUBSPOT_BASE_URL=address)
    said = (
        f"HUBSPOT_BASE_URL is {address}, where keys would travel in the open: use an https://"
        " address."
    )
    assert weaknesses() == ([] if fine else [said])


@pytest.mark.parametrize(
    "command", first([*PROCESSES.values()], [PROCESSES["receiver"]]), ids=PROCESSES
)
def test_no_process_starts_where_passwords_would_travel_in_the_open(database_url, command):
    ended = started(*command, PUBLIC_URL=OPEN)

    said = ended.stdout + ended.stderr
    assert ended.returncode not in (0, None)
    assert f"PUBLIC_URL is {OPEN}" in said
    assert "set PUBLIC_URL to its https:// address." in said
    assert "Traceback" not in said


def test_the_screens_do_not_start_where_visitors_would_read_the_code_behind_an_error(database_url):
    ended = started(
        *PROCESSES["screens"], PUBLIC_URL=PUBLIC, STREAMLIT_CLIENT_SHOW_ERROR_DETAILS="full"
    )

    assert ended.returncode == 1
    assert 'set client.showErrorDetails to "none"' in ended.stderr


@pytest.mark.parametrize("key", ["", "short", "c2hvcnQ="])
def test_without_a_whole_master_key_nothing_starts_at_a_public_address(settings_are, key):
    settings_are(PUBLIC_URL=PUBLIC, ENCRYPTION_MASTER_KEY=key)
    with pytest.raises(Misconfigured, match=r"(?i)encryption"):
        check_start()


def test_at_a_public_address_with_tls_and_a_key_everything_starts(settings_are):
    settings_are(PUBLIC_URL=PUBLIC, WEBHOOK_PUBLIC_URL="https://hooks.acme.com")
    assert weaknesses() == []
    check_start()
    with pytest.raises(Misconfigured, match="something of Streamlit"):
        check_start(["something of Streamlit"])


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8501",
        "http://127.0.0.1:8501",
        "http://[::1]:8501",
        "http://app.localhost",
        "http://192.168.1.20:8501",
        "http://10.0.0.3",
        "http://screens:8501",
        "http://crm.lan",
        "http://sales.example.com",
    ],
)
def test_on_ones_own_machine_or_network_it_starts_without_tls_and_without_a_key(settings_are, url):
    settings_are(PUBLIC_URL=url, WEBHOOK_PUBLIC_URL=url, ENCRYPTION_MASTER_KEY=None)
    check_start(["something of Streamlit"])
    assert not is_public(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.acme.com",
        "http://acme.com:8501",
        "http://8.8.8.8",
        "http://[2001:4860:4860::8888]",
    ],
)
def test_other_addresses_are_public(settings_are, url):
    assert is_public(url)
    assert not is_own_machine(url)
    settings_are(WEBHOOK_PUBLIC_URL=url)
    with pytest.raises(Misconfigured, match="WEBHOOK_PUBLIC_URL"):
        check_start()


@pytest.mark.parametrize(
    "url",
    [
        "sales.acme.com",
        "sales.acme.com:8501",
        "//sales.acme.com",
        "ftp://sales.acme.com",
        "https://",
        "/",
    ],
)
def test_what_is_no_address_is_no_way_round_the_check(settings_are, url):
    settings_are(PUBLIC_URL=url)
    with pytest.raises(Misconfigured, match=r"PUBLIC_URL is .*, which is no address"):
        check_start()


def test_an_owner_without_a_password_is_refused_in_public_unless_the_roles_have_their_own(
    settings_are,
):
    settings_are(
        PUBLIC_URL=PUBLIC, WEBHOOK_PUBLIC_URL=PUBLIC, DATABASE_URL="postgresql://owner@db/sales"
    )
    with pytest.raises(Misconfigured, match="DATABASE_URL has no password"):
        check_start()
    settings_are(
        DATABASE_APP_URL="postgresql://so_app:secret@db/sales",
        DATABASE_WORKER_URL="postgresql://so_worker:secret@db/sales",
    )
    check_start()


def test_the_self_check_warns_of_an_address_in_ones_own_network(quiet_database, settings_are):
    assert lines("addresses") == [State.GREEN]
    settings_are(PUBLIC_URL="http://192.168.1.20:8501")
    assert lines("addresses") == [State.AMBER]


def test_a_warning_is_written_and_the_receiver_runs_all_the_same(database_url, tmp_path):
    port, said = free_port(), tmp_path / "said"
    env = os.environ | {"WEBHOOK_PORT": str(port), "PUBLIC_URL": "http://192.168.1.20:8501"}
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "webhooks"],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        finally:
            process.terminate()
            process.wait(30)
    assert "unsafe setting" in said.read_text()


def test_a_first_start_on_ones_own_machine_finds_its_key_made_and_nothing_unsafe(
    settings_are, tmp_path
):
    settings_are(DATABASE_URL=None, ENCRYPTION_MASTER_KEY=None, DATA_DIR=str(tmp_path / "fresh"))
    assert weaknesses()
    ensure_local_key()
    assert weaknesses() == []
    assert stat.S_IMODE((tmp_path / "fresh" / "master.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("made", "by"),
    [
        ("master.key", "from core.migrations.upgrade import ensure_local_key as make"),
        ("demo-sign-ins.json", "from core.operations.demo import sign_ins as make"),
    ],
)
def test_a_full_disk_at_a_first_start_leaves_no_half_of_a_file(tmp_path, made, by):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))"
    own = {"DATABASE_URL": "", "ENCRYPTION_MASTER_KEY": "", "DATA_DIR": str(tmp_path)}
    failed = subprocess.run(
        [sys.executable, "-B", "-c", f"{by}; {limited}; make()"],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        check=False,
    )
    assert failed.returncode != 0
    assert not (tmp_path / made).exists()


def test_an_installation_with_its_own_database_is_given_no_key(settings_are, tmp_path):
    settings_are(
        DATABASE_URL="postgresql://owner:secret@db.internal/app",
        ENCRYPTION_MASTER_KEY=None,
        DATA_DIR=str(tmp_path),
    )
    ensure_local_key()
    assert not (tmp_path / "master.key").exists()
    assert "ENCRYPTION_MASTER_KEY" in weaknesses()[0]
