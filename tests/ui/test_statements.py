"""How many statements a screen sends to the database."""

import re

import streamlit as st

from core.platform.database import as_system
from tests import factories as make
from tests.statements import statements
from tests.ui.grids import grids
from tests.ui.screens import holding, token_of
from tests.ui.teams import team

MOST = 20
FACTS = re.compile(r"\b(from|join) app\.(events|payments|post_call_forms)\b", re.IGNORECASE)


def test_a_dashboard_is_drawn_again_without_reading_rows_until_one_changes(
    database_url,
):
    admin = team("Hazel").admin
    with holding(token_of(admin)) as opened:
        page = opened("dashboard")
        before = grids(page)
        with statements() as asked:
            page.run()
        assert asked
        assert [each for each in asked if FACTS.search(each)] == []
        assert grids(page) == before

        with as_system(admin.organization_id) as db:
            make.event(db, admin.organization_id, lead_name="Newest of all")
        page.run()
        assert "Newest of all" in str(grids(page))


def test_a_dashboard_that_nobody_looked_at_yet_is_drawn_with_few_statements(ours):
    with holding(token_of(ours.admin)) as opened:
        opened("dashboard", **ours.row("dashboard"))
        st.cache_data.clear()
        st.cache_resource.clear()
        with statements() as asked:
            page = opened("dashboard", **ours.row("dashboard"))

    assert not page.exception
    assert page.metric
    assert len(asked) < MOST, asked
