"""What is imported before the first visitor."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import sys
from core.ui.server.imports import import_pages
import_pages()
before = set(sys.modules)
import ast
from core.ui.navigation import PAGES
from importlib import import_module
for page in PAGES.rglob("*.py"):
    for line in ast.walk(ast.parse(page.read_text())):
        if isinstance(line, ast.ImportFrom) and line.module:
            import_module(line.module)
import plotly.graph_objects as go
go.Figure(go.Bar(x=[1], y=[2])).to_json()
print(sorted(each for each in set(sys.modules) - before if each.startswith(("core.", "plotly."))))
"""


def test_a_page_imports_nothing_more() -> None:
    """A visit to any page finds all modules of ours, and of charts, imported."""
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout[:500]
