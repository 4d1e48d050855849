"""An identity ends with its transaction, however the transaction ends, although connections are
reused.
"""

import re
from contextlib import contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.platform.database import APP_ROLE, WORKER_ROLE, as_board, as_guest, as_system, engine
from tests import factories as make
from tests.ports import owner, until

SETTINGS = """
    select current_setting('app.organization_id', true), current_setting('app.user_id', true),
      current_setting('app.role', true)
"""


def same_connection_afterwards(role, used):
    """What a guest sees on the same server process that ``used`` ran on."""
    with as_guest(role) as db:
        assert db.scalar(text("select pg_backend_pid()")) == used
        return set(db.execute(text(SETTINGS)).one()), db.scalar(
            text("select count(*) from app.events")
        )


@pytest.fixture
def org():
    org = make.organization()
    with as_system(org) as db:
        make.event(db, org)
    engine(APP_ROLE).dispose()
    engine(WORKER_ROLE).dispose()
    return org


def member(org):
    return make.viewer(org, "admin").transaction()


def board(org):
    viewer = make.viewer(org, "admin")
    return as_board(viewer.user_id, org)


@pytest.mark.parametrize(
    ("role", "enter"), [(APP_ROLE, member), (APP_ROLE, board), (WORKER_ROLE, as_system)]
)
@pytest.mark.parametrize("ending", [None, "select 1/0"])
def test_the_next_user_of_a_connection_inherits_nothing(org, role, enter, ending):
    used = None
    with suppress(DBAPIError), enter(org) as db:
        used = db.scalar(text("select pg_backend_pid()"))
        assert db.scalar(text("select count(*) from app.events")) == 1
        if ending:
            db.execute(text(ending))
    settings, events = same_connection_afterwards(role, used)
    assert settings <= {None, ""}
    assert events == 0


def test_people_cannot_take_the_systems_identity(org):
    with pytest.raises(Exception, match="permission denied"), as_guest() as db:
        db.execute(text("select app.enter_system(:org)"), {"org": org})


def test_connections_that_died_while_nobody_used_them_are_replaced_unnoticed(org):
    with as_system(org) as first, as_system(org) as second:
        died = [db.scalar(text("select pg_backend_pid()")) for db in (first, second)]
    with owner() as db:
        db.execute(text("select pg_terminate_backend(pid) from unnest(:died) pid"), {"died": died})
    until(lambda: not_running(died))

    with as_system(org) as first, as_system(org) as second:
        alive = {db.scalar(text("select pg_backend_pid()")) for db in (first, second)}
        assert first.scalar(text("select count(*) from app.events")) == 1
    assert len(alive - {*died}) == 2


def not_running(processes):
    with owner() as db:
        found = text("select count(*) from pg_stat_activity where pid = any(:processes)")
        return db.scalar(found, {"processes": processes}) == 0


def test_a_transaction_begins_with_who_it_is_for_and_asks_nothing_before(org):
    viewer, asked = make.viewer(org, "admin"), []
    with viewer.transaction():
        pass
    with psycopg_calls(asked), viewer.transaction() as db:
        db.execute(text("select 1"))
    assert asked == ["select app.enter(%(user)s, %(org)s)", "select 1"]


@contextmanager
def psycopg_calls(asked):
    """Every statement that reaches the driver, also those that no event tells of."""
    execute = psycopg.Cursor.execute

    def noted(self, statement, *args, **named):
        asked.append(" ".join(re.sub(r"::\w+", "", str(statement)).split()))
        return execute(self, statement, *args, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", noted)
        yield
