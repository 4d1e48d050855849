"""Reading request bodies from strangers: no larger than the limit, and no deeper than the parser
can handle.
"""

from __future__ import annotations

import re

from starlette.requests import Request

MAX_BODY = 1024 * 1024
MAX_DEPTH = 64
INCOMPLETE = "The request ended before its end."
STRING = re.compile(rb'"[^"]*"')
ALL_BUT_SHAPE = bytes(set(range(256)) - set(b'[]{}"'))
TO_SQUARE = bytes.maketrans(b"{}", b"[]")


class BodyTooLarge(Exception):
    """More than one MiB was sent."""


async def read_body(request: Request) -> bytes:
    """The raw body. Stops reading as soon as it is too large. Raises BodyTooLarge, and
    ClientDisconnect when the sender hangs up.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BodyTooLarge
    return bytes(body)


def too_deep(body: bytes) -> bool:
    """Whether JSON is nested deeper than ``MAX_DEPTH``. Counts brackets, because parsing it is the
    danger, and in few passes over the whole, because a stranger chooses how many there are. What
    does not close all that it opens may be twice as deep.
    """
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    shape = _shape(body)
    if shape.count(b"[") - shape.count(b"]") > MAX_DEPTH:
        return True
    for _ in range(MAX_DEPTH):  # each pass takes away the innermost pairs
        shape, before = shape.replace(b"[]", b""), len(shape)
        if len(shape) == before:
            return False
    return b"[]" in shape


def _shape(body: bytes) -> bytes:
    """The brackets outside of strings, all written as square ones."""
    without_escapes = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    shape = without_escapes.translate(TO_SQUARE, ALL_BUT_SHAPE)
    # Most strings are empty by now. Two that have become neighbours become one.
    return STRING.sub(b"", shape.replace(b'""', b"")).replace(b'"', b"")
