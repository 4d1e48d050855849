"""A backup contains everything, and restores it into an empty database as it was."""

from __future__ import annotations

import psycopg
import pytest

from core.platform.database import as_system
from tests import factories as make
from tests.conftest import another_database
from tests.flow import SECRET, sender

ROWS = """select (select count(*) from app.events), (select count(*) from app.payments),
                 (select count(*) from app.audit_logs), (select count(*)
                   from jobs.procrastinate_jobs)"""


def rows(url: str) -> tuple[int, ...]:
    with psycopg.connect(url) as db:
        db.execute("set role so_backup")
        return db.execute(ROWS).fetchone()


@pytest.fixture(scope="module")
def filled(new_database, database_url) -> str:
    """A database with one organisation's event, payment and sealed secret."""
    with another_database(new_database) as url:
        org = make.organization()
        sender(org, "whop")
        with as_system(org) as db:
            make.event(db, org)
            make.payment(db, org)
    return url


@pytest.fixture
def empty_database(new_database) -> str:
    return new_database()


def test_everything_comes_back(cli, tmp_path, filled, empty_database) -> None:
    file = tmp_path / "all.backup"
    saved = cli("backup", str(file), DATABASE_URL=filled)
    assert saved.code == 0, saved.err
    assert file.stat().st_mode & 0o077 == 0
    brought = cli("restore", str(file), DATABASE_URL=empty_database)
    assert brought.code == 0, brought.err
    assert brought.json["rows"] == saved.json["rows"]
    assert rows(empty_database) == rows(filled)
    doctor = cli("doctor", DATABASE_URL=empty_database)
    assert doctor.json["ok"], doctor.err


def test_what_was_signed_in_when_it_was_saved_is_signed_out(
    cli, tmp_path, filled, empty_database
) -> None:
    with psycopg.connect(filled) as db:
        made = (
            "insert into app.users (name, email, email_normalized) values ('A', 'a@x.yz', 'a@x.yz')"
            " returning id"
        )
        [who] = db.execute(made).fetchone()
        later = "now() + interval '1 day'"
        db.execute(
            "insert into app.sign_in_sessions (token_hash, user_id, expires_at) values ('session',"
            f" %s, {later})",
            [who],
        )
        db.execute(
            "insert into app.sign_in_tickets (ticket_hash, user_id, expires_at) values ('ticket',"
            f" %s, {later})",
            [who],
        )
        db.execute(
            "insert into app.password_resets (token_hash, user_id, expires_at) values ('link', %s,"
            f" {later})",
            [who],
        )
    file = tmp_path / "all.backup"
    cli("backup", str(file), DATABASE_URL=filled)
    cli("restore", str(file), DATABASE_URL=empty_database)
    with psycopg.connect(empty_database) as db:
        assert db.execute("select user_id from app.resolve_session('session', 60)").fetchall() == []
        assert db.execute("select app.open_session('ticket', 'new', 1, '', '')").fetchone() == (
            None,
        )
        assert db.execute("select app.find_password_reset('link')").fetchone() == (None,)
        assert db.execute("select count(*) from app.sign_in_sessions").fetchone() == (1,)


def test_an_owner_that_is_no_superuser_can_restore_and_save_as_much(
    cli, tmp_path, filled, plain_owner
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert cli("backup", str(first), DATABASE_URL=filled).code == 0
    brought = cli("restore", str(first), DATABASE_URL=plain_owner)
    assert brought.code == 0, brought.err
    saved = cli("backup", str(second), DATABASE_URL=plain_owner)
    assert saved.code == 0, saved.err
    assert saved.json["rows"] == brought.json["rows"]
    assert rows(plain_owner) == rows(filled)


def test_nothing_is_overwritten(cli, tmp_path, filled) -> None:
    file = tmp_path / "kept"
    file.write_text("something else")
    assert cli("backup", str(file), DATABASE_URL=filled).code == 1
    assert file.read_text() == "something else"
    file.unlink()
    assert cli("backup", str(file), DATABASE_URL=filled).code == 0
    refused = cli("restore", str(file), DATABASE_URL=filled)
    assert refused.code == 1
    assert "holds organisations already" in refused.err


def test_a_file_that_is_no_backup_is_refused_before_anything_is_touched(
    cli, tmp_path, empty_database
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear database")
    assert cli("restore", str(file), DATABASE_URL=empty_database).code == 2
    assert cli("restore", str(tmp_path / "missing"), DATABASE_URL=empty_database).code == 2
    doctor = cli("doctor", DATABASE_URL=empty_database)
    assert doctor.json["ok"], doctor.err


def test_without_its_key_a_restored_secret_is_missed_not_guessed(
    cli, tmp_path, filled, empty_database
) -> None:
    file = tmp_path / "all.backup"
    cli("backup", str(file), DATABASE_URL=filled)
    assert SECRET.encode() not in file.read_bytes()
    cli("restore", str(file), DATABASE_URL=empty_database)
    other_key = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
    seen = cli("doctor", DATABASE_URL=empty_database, ENCRYPTION_MASTER_KEY=other_key)
    assert seen.code == 1
    assert any(line["name"] == "secrets" and line["state"] == "red" for line in seen.json["checks"])
