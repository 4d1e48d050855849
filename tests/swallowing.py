"""A way to the database on which, after a certain statement, nothing more is heard, without an
error: as behind a firewall that has forgotten the connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL


class Swallowing:
    """A proxy in front of a database. Once a connection has sent ``last``, it is answered for
    another ``answered_s``; then nothing is passed back on it.
    """

    def __init__(self, to: URL, last: bytes, answered_s: float) -> None:
        self._to, self.last, self._answered_s = to, last, answered_s
        self.port = 0
        self.deaf = 0  # connections that hear nothing more

    async def serve(self, ready: threading.Event, over: asyncio.Event) -> None:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()

    async def _pass(self, client, to_client) -> None:
        server, to_server = await asyncio.open_connection(self._to.host, self._to.port)
        dead = asyncio.Event()
        await asyncio.gather(
            self._forward(client, to_server, dead), self._back(server, to_client, dead)
        )

    async def _forward(self, client, to_server, dead) -> None:
        while data := await client.read(65536):
            is_last = self.last in data
            if is_last and not self._answered_s:
                dead.set()
            to_server.write(data)
            if is_last:
                await asyncio.sleep(self._answered_s)
                dead.set()
                self.deaf += 1
        to_server.close()

    async def _back(self, server, to_client, dead) -> None:
        while data := await server.read(65536):
            if not dead.is_set():
                to_client.write(data)
        to_client.close()


@contextmanager
def swallowing(to: URL, last: bytes = b"LISTEN", answered_s: float = 0.2) -> Iterator[Swallowing]:
    """The proxy runs for the length of the block."""
    proxy, ready, loop, over = (
        Swallowing(to, last, answered_s),
        threading.Event(),
        asyncio.new_event_loop(),
        asyncio.Event(),
    )
    thread = threading.Thread(target=lambda: loop.run_until_complete(proxy.serve(ready, over)))
    thread.start()
    ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
