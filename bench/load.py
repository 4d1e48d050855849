"""Sends signed deliveries to a receiver from a process of its own: how many per second it stores,
and the 99th percentile of the time it takes.

``python -m bench.load PORT PATH SECONDS CONNECTIONS [PER_SECOND]`` prints one JSON object. With a
rate, deliveries are sent at their instants whether earlier ones are answered or not, and the time
is counted from the instant.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator

from core.platform.clock import now
from core.providers.payloads import example, payload, signed

PREPARED = 10_000


def _requests(path: str, secret: str) -> list[bytes]:
    made, values = [], example(at=now())
    for _ in range(PREPARED):
        values |= {"id": secrets.token_hex(8), "key": secrets.token_hex(6)}
        event = payload("stripe", "payment_intent.succeeded", values)
        body, headers = signed("stripe", event, secret)
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: bench",
            f"Content-Length: {len(body)}",
            *map(": ".join, headers.items()),
        ]
        made.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return made


async def _answered(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"A delivery was answered: {head.decode()}")


async def _send(port: int, requests: list[bytes], until: float, took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests and time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(requests.pop())
        await _answered(reader)
        took_s.append(time.perf_counter() - started)
    writer.close()


async def _send_at(
    port: int, requests: list[bytes], instants: Iterator[float], took_s: list[float]
) -> None:
    """Take the next instant, wait for it, send, and count from the instant."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for instant in instants:
        await asyncio.sleep(max(0.0, instant - time.perf_counter()))
        writer.write(requests.pop())
        await _answered(reader)
        took_s.append(time.perf_counter() - instant)
    writer.close()


async def measure(
    port: int, path: str, seconds: float, connections: int, per_second: float | None
) -> dict[str, float]:
    """Deliveries per second and the 99th percentile in milliseconds, over ``connections`` that stay
    open.
    """
    requests, took_s = _requests(path, os.environ["BENCH_SECRET"]), list[float]()
    started = time.perf_counter()
    if per_second is None:
        senders = [_send(port, requests, started + seconds, took_s) for _ in range(connections)]
    else:
        number = int(seconds * per_second)
        instants = iter([started + turn / per_second for turn in range(number)])
        senders = [_send_at(port, requests, instants, took_s) for _ in range(connections)]
    await asyncio.gather(*senders)
    elapsed = time.perf_counter() - started
    return {
        "per_second": len(took_s) / elapsed,
        "p99_ms": sorted(took_s)[int(len(took_s) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    port, path, seconds, connections, *rate = sys.argv[1:]
    measured = measure(
        int(port), path, float(seconds), int(connections), float(rate[0]) if rate else None
    )
    print(json.dumps(asyncio.run(measured)))
