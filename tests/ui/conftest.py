import pytest
import streamlit as st

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
