import asyncio
from contextlib import asynccontextmanager

import pytest

from webhooks.pool import pool


@asynccontextmanager
async def opened():
    """The receiver's pool, as its lifespan opens and closes it."""
    await pool().open(wait=False)
    try:
        yield
    finally:
        await pool().close()
        pool.cache_clear()


@pytest.fixture
def running():
    """Runs a coroutine function with the receiver up."""

    def run(conversation):
        async def whole():
            async with opened():
                return await conversation()

        return asyncio.run(whole())

    return run
