"""Reading request bodies from strangers: no larger than the limit, and no deeper than the parser
can handle.
"""

from __future__ import annotations

import itertools
import re

from starlette.requests import Request

MAX_BODY = 1024 * 1024
MAX_DEPTH = 64
INCOMPLETE = "The request ended before its end."
STRING = re.compile(rb'"[^"]*"')
ALL_BUT_SHAPE = bytes(set(range(256)) - set(b'[]{}"'))


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
    danger.
    """
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    without_escapes = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    shape = STRING.sub(b"", without_escapes.translate(None, ALL_BUT_SHAPE))
    depths = itertools.accumulate(1 if bracket in b"[{" else -1 for bracket in shape)
    return max(depths, default=0) > MAX_DEPTH
