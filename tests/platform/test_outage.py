"""A lost database is one line in the log of a process, however often and by whatever it is
noticed.
"""

import io
import logging
import sys

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from core.platform import database
from core.platform.database import as_guest
from core.platform.log import WithoutOutages
from core.platform.outage import Outage, is_outage
from tests.ports import free_port, owner

AWAY = psycopg.OperationalError("connection refused\n\tIs the server running?")


def outage(**options):
    lines = []
    return Outage(lambda event, **facts: lines.append((event, facts)), **options), lines


def test_a_short_outage_is_one_line_with_its_duration_once_it_is_over():
    away, lines = outage()
    for _ in range(1000):
        away.noticed(AWAY)
    assert lines == []
    away.over()
    away.over()
    [(event, facts)] = lines
    assert event == "the database was away"
    assert 0 <= facts["seconds"] < 5


def test_one_that_lasts_has_one_line_more_with_the_reason():
    away, lines = outage(lasting_s=0)
    for _ in range(1000):
        away.noticed(AWAY)
    away.over()
    assert [event for event, _ in lines] == [
        "the database is away; trying again",
        "the database was away",
    ]
    assert lines[0][1] == {"why": "connection refused Is the server running?"}


def nowhere():
    psycopg.connect(f"postgresql://127.0.0.1:{free_port()}/none", connect_timeout=2)


def through_the_engine():
    engine = create_engine(f"postgresql+psycopg://127.0.0.1:{free_port()}/none")
    with engine.connect():
        raise AssertionError


def as_the_queue_says_it():
    try:
        nowhere()
    except psycopg.Error as error:
        raise ConnectorException from error


def ended_by_an_admin():
    with as_guest() as db:
        pid = db.scalar(text("select pg_backend_pid()"))
        with owner() as other:
            other.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
        db.execute(text("select 1"))


@pytest.mark.parametrize(
    "lose", [nowhere, through_the_engine, as_the_queue_says_it, ended_by_an_admin]
)
def test_a_lost_connection_is_known_in_whatever_it_is_wrapped(lose):
    with pytest.raises((psycopg.Error, DBAPIError, ConnectorException)) as caught:
        lose()
    assert is_outage(caught.value)


def fail(statement):
    with as_guest() as db:
        db.execute(text(statement))
        db.execute(text("select pg_sleep(1)"))


@pytest.mark.parametrize(
    "statement", ["select 1 / 0", "select nothing", "set local statement_timeout = 1"]
)
def test_a_statement_that_fails_is_no_outage(statement):
    with pytest.raises(DBAPIError) as caught:
        fail(statement)
    assert not is_outage(caught.value)


def test_the_engine_notices_and_the_next_transaction_finds_it_over(monkeypatch):
    own, lines = outage()
    monkeypatch.setattr(database, "outage", own)
    with pytest.raises(DBAPIError):
        ended_by_an_admin()
    with as_guest() as db:
        db.execute(text("select 1"))
    assert [event for event, _ in lines] == ["the database was away"]


def test_what_packages_write_of_each_attempt_is_left_out():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(WithoutOutages())
    log = logging.Logger("procrastinate.worker")
    log.addHandler(handler)
    for error in (AWAY, ValueError("something else")):
        try:
            raise error
        except Exception:
            log.error("a side task failed", exc_info=sys.exc_info())
    assert "something else" in written.getvalue()
    assert "connection refused" not in written.getvalue()
