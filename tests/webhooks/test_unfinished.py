"""Requests that are not whole are bounded in time and number, for whoever sends them: nobody can
take the receiver away from others by beginning requests and not finishing them.
"""

import json
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn

from core.providers.payloads import signed
from tests import factories as make
from tests.flow import SECRET, sender
from tests.ports import free_port, until
from tests.webhooks.deliveries import kept, payload
from tests.webhooks.wire import head, line, statuses
from webhooks import request_limits
from webhooks.request_limits import BoundedRequests

PATIENCE_S = 10


@pytest.fixture
def address(monkeypatch):
    """A receiver that is soon impatient, in a thread of this process."""
    monkeypatch.setattr(request_limits, "WHOLE_WITHIN_S", 1.0)
    monkeypatch.setattr(request_limits, "SWEEP_EVERY_S", 0.1)
    monkeypatch.setattr(request_limits, "MAX_UNFINISHED_PER_ADDRESS", 5)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            "webhooks.app:app", port=port, http=BoundedRequests, ws="none", log_level="warning"
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield "127.0.0.1", port
    server.should_exit = True
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert not request_limits.unfinished.since
    assert not request_limits.unfinished.of_network


@pytest.fixture
def to():
    return sender(make.organization(), "stripe")


def heard(connection):
    """Everything until the receiver closes the connection, and after how long that was."""
    started, pieces = time.monotonic(), []
    connection.settimeout(PATIENCE_S)
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces), time.monotonic() - started


def whole(to, number=1):
    body, headers = signed("stripe", payload(number), SECRET)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return head(to, *lines, f"Content-Length: {len(body)}", "Connection: close") + body


def accepted(address, to, number=1):
    with line(address) as connection:
        connection.sendall(whole(to, number))
        return statuses(heard(connection)[0]) == [200]


@contextmanager
def begun(address, pieces):
    """Connections on which each of these has been sent, in this order."""
    with ExitStack() as opened:
        connections = [opened.enter_context(line(address)) for _ in pieces]
        for connection, piece in zip(connections, pieces, strict=True):
            connection.sendall(piece)
            time.sleep(0.05)
        yield connections


def sent_slowly(connection, for_s):
    """For how long the receiver takes one byte after the other."""
    started = time.monotonic()
    with suppress(OSError):
        while time.monotonic() < started + for_s:
            connection.sendall(b"x")
            time.sleep(0.05)
    return time.monotonic() - started


@pytest.mark.parametrize("size", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_is_refused_in_time(address, to, size):
    with begun(address, [head(to, size) + b"2\r\n{}"]) as (connection,):
        answer, took_s = heard(connection)

    assert statuses(answer) == [408]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_slow"
    assert 0.5 < took_s < PATIENCE_S
    assert kept(to.organization_id) == 0


def test_neither_does_it_help_to_send_a_little_now_and_then(address, to):
    with begun(address, [head(to, "Content-Length: 1000")]) as (connection,):
        sent = sent_slowly(connection, PATIENCE_S)
    assert sent < PATIENCE_S


@pytest.mark.parametrize(
    ("piece", "answers"), [(b"", []), (b"\r\n", []), (b"POST /webhooks/", [408])]
)
def test_a_connection_on_which_no_request_begins_or_no_head_ends_is_closed(address, piece, answers):
    with begun(address, [piece]) as (connection,):
        answer, took_s = heard(connection)
    assert statuses(answer) == answers
    assert took_s < PATIENCE_S


def test_what_comes_after_an_answer_is_timed_too(address, to):
    start = whole(to).replace(b"Connection: close\r\n", b"")
    with begun(address, [start, start + b"POST /"]) as (idle, another):
        assert statuses(heard(another)[0]) in ([200, 408], [200])
        assert statuses(heard(idle)[0]) == [200]


def test_of_many_from_one_address_the_oldest_makes_way_and_a_genuine_one_is_taken(address, to):
    with begun(address, [head(to, "Content-Length: 100")] * 5) as connections:
        assert accepted(address, to)
        answer, _ = heard(connections[0])
        assert statuses(answer) == [429]
        assert b"retry-after: " in answer
        assert accepted(address, to, 2)
    assert kept(to.organization_id) == 2


def test_of_too_many_in_all_the_oldest_makes_way(address, to, monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_UNFINISHED", 3)
    with begun(address, [head(to, "Content-Length: 100")] * 3) as connections:
        assert accepted(address, to)
        answer, _ = heard(connections[0])
    assert statuses(answer) == [503]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "unavailable"


def test_a_delivery_that_takes_its_time_is_taken(address, to):
    message = whole(to)
    with line(address) as connection:
        for start in range(0, len(message), 100):
            connection.sendall(message[start : start + 100])
            time.sleep(0.02)
        assert statuses(heard(connection)[0]) == [200]
