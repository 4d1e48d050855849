import pytest
import streamlit as st

from core.platform.settings import settings
from tests.ui.teams import Team, team


@pytest.fixture(scope="session")
def ours(database_url) -> Team:
    return team("Alder")


@pytest.fixture(scope="session")
def theirs(database_url) -> Team:
    """Another organisation in the same database."""
    return team("Birch")


@pytest.fixture(autouse=True)
def _nothing_cached():
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def reached_at(monkeypatch):
    """A function that sets the product's public address."""

    def tell(address):
        monkeypatch.setenv("PUBLIC_URL", address)
        settings.cache_clear()

    yield tell
    monkeypatch.undo()
    settings.cache_clear()
