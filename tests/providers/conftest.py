import pytest

from core.platform.settings import settings
from tests.fakes.providers import FakeProviders
from tests.webhooks.conftest import running as running  # the receiver, up


@pytest.fixture
def key_providers(monkeypatch):
    """A fake of every provider whose keys are verified; the product's settings lead there."""
    with FakeProviders().running() as fake:
        for name, address in fake.addresses.items():
            monkeypatch.setenv(name, address)
        settings.cache_clear()
        yield fake
    monkeypatch.undo()
    settings.cache_clear()
