"""Viewers of a screen, from a process of its own: each has a window open and comes back to it again
and again, as a click would make it.

``python -m bench.viewers PORT PAGE[?QUERY] VIEWERS SECONDS EVERY_S [TOKEN]`` prints as JSON
how many times the page was drawn, and the 95th percentile of the time from click to drawn. Each
viewer clicks ``EVERY_S`` seconds after the last click, or with 0 as soon as the page is drawn.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

Took = list[float]


async def _draw(window: ClientConnection, click: bytes) -> float:
    """Seconds from a click to the page's last element."""
    started = time.perf_counter()
    await window.send(click)
    while True:
        received = ForwardMsg()
        received.ParseFromString(bytes(await window.recv(decode=False)))
        if received.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


async def _view(port: int, page: str, token: str, every_s: float, until: float, took: Took) -> None:
    click = BackMsg()
    click.rerun_script.page_name, _, click.rerun_script.query_string = page.partition("?")
    async with connect(
        f"ws://localhost:{port}/_stcore/stream",
        additional_headers={"Cookie": f"sid={token}"},
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        open_timeout=60,
        ping_interval=None,
    ) as window:
        await _draw(window, click.SerializeToString())
        await asyncio.sleep(every_s * random.random())  # noqa: S311 - spreads the clicks
        while (now := time.perf_counter()) < until:
            took.append(await _draw(window, click.SerializeToString()))
            await asyncio.sleep(max(0.0, now + every_s - time.perf_counter()))


async def measure(
    port: int, page: str, viewers: int, seconds: float, every_s: float, token: str
) -> dict[str, float]:
    """See the module."""
    took: Took = []
    until = time.perf_counter() + seconds + every_s
    async with asyncio.TaskGroup() as group:
        for _ in range(viewers):
            group.create_task(_view(port, page, token, every_s, until, took))
            await asyncio.sleep(every_s / viewers)
    return {"drawn": len(took), "p95_ms": sorted(took)[int(len(took) * 0.95)] * 1000}


if __name__ == "__main__":
    port, page, viewers, seconds, every_s, *token = sys.argv[1:]
    looked = measure(
        int(port), page, int(viewers), float(seconds), float(every_s), token[0] if token else ""
    )
    print(json.dumps(asyncio.run(looked)))
