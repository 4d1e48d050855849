import asyncio
import os
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.engine import make_url

from core.platform.settings import settings
from tests.ports import free_port
from webhooks.pool import pool


@asynccontextmanager
async def opened():
    """The receiver's pool, opened and closed as the application's lifespan does."""
    await pool().open(wait=False)
    try:
        yield
    finally:
        await pool().close()
        pool.cache_clear()


@pytest.fixture
def running():
    """Runs a coroutine function while the receiver is up."""

    def run(conversation):
        async def whole():
            async with opened():
                return await conversation()

        return asyncio.run(whole())

    return run


@pytest.fixture
def database_away(monkeypatch):
    """The settings point at a port where no database listens."""
    away = make_url(os.environ["DATABASE_URL"]).set(host="127.0.0.1", port=free_port())
    monkeypatch.setenv("DATABASE_URL", away.render_as_string(hide_password=False))
    settings.cache_clear()
    pool.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    pool.cache_clear()
