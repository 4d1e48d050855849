"""HTTP written by hand, for requests that no client would send."""

import socket
from contextlib import contextmanager

PATIENCE_S = 30


@contextmanager
def line(address):
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        yield connection


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def head(to, *lines):
    return "\r\n".join([f"POST {to.path} HTTP/1.1", "Host: receiver", *lines, "", ""]).encode()
