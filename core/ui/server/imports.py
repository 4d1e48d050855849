"""What the pages import, imported before the first visitor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import plotly.graph_objects as go
import plotly.io
from plotly.tools import return_figure_from_figure_or_data

from core.ui.navigation import PAGES


def import_pages() -> None:
    """Import all that pages import at their beginning; the pages themselves are scripts, which only
    a visit runs. Plotly imports its own parts when the first chart is drawn.
    """
    for module in sorted(set(_imported())):
        import_module(module)
    plotly.io.to_json(return_figure_from_figure_or_data(go.Figure(go.Bar()), validate_figure=False))


def _imported() -> Iterator[str]:
    for page in PAGES.rglob("*.py"):
        yield from _imports_of(page)


def _imports_of(page: Path) -> Iterator[str]:
    for statement in ast.parse(page.read_text()).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
