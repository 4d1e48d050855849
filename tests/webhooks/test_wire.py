"""The receiver on a real socket: requests that are not quite HTTP, or are too large, are
refused.
"""

import json
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from core.providers.payloads import signed
from tests import factories as make
from tests.flow import SECRET, sender
from tests.webhooks.deliveries import kept, payload
from tests.webhooks.receiver import receiver
from tests.webhooks.wire import head, line, statuses
from webhooks.app import app
from webhooks.body import MAX_BODY
from webhooks.request_limits import MAX_HEAD

SILENCE_S = 1
FORGED = "t=1793631845,v1=" + "0" * 64


@pytest.fixture(scope="module")
def address():
    with receiver() as url:
        parts = urlsplit(url)
        yield parts.hostname, parts.port


@pytest.fixture
def to():
    return sender(make.organization(), "stripe")


def said(connection):
    """Everything that the receiver sends until it closes the connection or waits for more."""
    pieces = []
    connection.settimeout(SILENCE_S)
    with suppress(ConnectionResetError, TimeoutError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def conversation(address, *pieces):
    with line(address) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):
            for piece in pieces:
                connection.sendall(piece)
        return said(connection)


def sent_before_it_hangs_up(connection, piece, most):
    """How many bytes the receiver reads before it closes the connection; ``most`` when it does
    not.
    """
    sent = 0
    with suppress(ConnectionResetError, BrokenPipeError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def genuine(to, number=1):
    body, headers = signed("stripe", payload(number), SECRET)
    return body, [f"{name}: {value}" for name, value in headers.items()]


def test_a_genuine_delivery_over_the_wire_is_kept(address, to):
    body, headers = genuine(to)

    assert statuses(
        conversation(
            address, head(to, *headers, f"Content-Length: {len(body)}", "Connection: close"), body
        )
    ) == [200]
    assert kept(to.organization_id) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: {size}", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: {size}"],
        ["Content-Length: {size}", "Content-Length: 0"],
        ["Content-Length: {size}, 0"],
        ["Content-Length: +{size}"],
        ["Content-Length : {size}"],
        ["Content-Length: 0x10"],
        ["Content-Length: -1"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding:\x0bchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: cow"],
        ["X: y\n Content-Length: 0", "Content-Length: {size}", "Bad Header: x"],
    ],
)
def test_a_request_of_two_readings_is_refused_and_what_follows_it_is_not_read(address, to, lines):
    body, headers = genuine(to)
    hidden = head(to, *headers, f"Content-Length: {len(body)}") + body
    framing = [line.format(size=len(hidden)) for line in lines]

    answer = conversation(
        address, head(to, f"Stripe-Signature: {FORGED}", *framing), b"0\r\n\r\n", hidden
    )

    assert 200 not in statuses(answer)
    assert kept(to.organization_id) == 0


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        ("POST {path} HTTP/1.1\r\nHost: receiver\r\n", b"X-Filler: " + b"x" * 8000 + b"\r\n"),
        ("POST {path} HTTP/1.1\r\nHost: receiver\r\nX-Filler: ", b"x" * 8000),
        ("GET /", b"x" * 8000),
        ("GET /healthz?", b"x" * 8000),
    ],
)
def test_a_head_without_end_is_cut_off(address, to, before, piece):
    with line(address) as connection:
        connection.sendall(before.format(path=to.path).encode())
        assert sent_before_it_hangs_up(connection, piece, 64 * MAX_HEAD) < 64 * MAX_HEAD


def test_the_head_of_an_ordinary_delivery_may_be_long_and_come_in_pieces(address, to):
    body, headers = genuine(to)
    filler = [f"X-Filler-{number}: {'x' * 1000}" for number in range(20)]
    whole = head(to, *filler, *headers, f"Content-Length: {len(body)}", "Connection: close") + body

    assert statuses(
        conversation(address, *(whole[at : at + 700] for at in range(0, len(whole), 700)))
    ) == [200]


def test_many_deliveries_on_one_line_are_each_read_by_themselves(address, to):
    with line(address) as connection:
        for number in range(30):
            body, headers = genuine(to, number)
            filler = f"X-Filler: {'x' * 8000}"
            connection.sendall(head(to, filler, *headers, f"Content-Length: {len(body)}") + body)
            answer = b""
            while not answer.endswith(b'{"status":"accepted"}'):
                answer += connection.recv(65536) or pytest.fail("it hung up")
    assert kept(to.organization_id) == 30


def test_a_chunked_body_is_capped_like_any_other(address, to):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    answer = conversation(
        address, head(to, "Transfer-Encoding: chunked"), *[chunk] * (MAX_BODY // 0x10000 + 1)
    )

    assert statuses(answer) == [413]
    assert kept(to.organization_id) == 0


def test_chunks_that_lie_about_their_size_keep_nothing(address, to):
    body, headers = genuine(to)
    for size in ("-1", "zz", "ffffffffffffffffff", f"{len(body) + 10:x}", "0x5"):
        answer = conversation(
            address,
            head(to, *headers, "Transfer-Encoding: chunked"),
            f"{size}\r\n".encode() + body + b"\r\n",
        )
        assert 200 not in statuses(answer)
    assert kept(to.organization_id) == 0


@pytest.mark.parametrize("order", [1, -1])
def test_a_second_signature_beside_a_false_one_makes_no_other_body_genuine(address, to, order):
    _, headers = genuine(to)
    both = [*headers, f"Stripe-Signature: {FORGED}"][::order]
    body = json.dumps(payload(99)).encode()

    answer = conversation(
        address, head(to, *both, f"Content-Length: {len(body)}", "Connection: close"), body
    )

    assert statuses(answer) == [401]
    assert kept(to.organization_id) == 0


@pytest.mark.parametrize("path", ["/webhooks/stripe/{id}", "/api/auth/login"])
def test_a_caller_who_hangs_up_halfway_is_no_defect(running, path, capsys):
    async def hanging_up():
        return {"type": "http.disconnect"}

    said = []

    async def noted(message):
        said.append(message)

    asked = {
        "type": "http",
        "method": "POST",
        "path": path.format(id=uuid4()),
        "headers": [],
        "query_string": b"",
        "client": None,
    }
    running(lambda: app(asked, hanging_up, noted))

    assert said[0]["status"] == 400
    assert "defect" not in capsys.readouterr().err
