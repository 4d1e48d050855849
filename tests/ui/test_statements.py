"""How many statements a screen sends to the database."""

import streamlit as st

from tests.statements import statements
from tests.ui.screens import holding, token_of

MOST = 20


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
