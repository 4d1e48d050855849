"""Screens name no provider: what is particular of one is declared by the provider."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from core.providers.registry import providers

ROOT = Path(__file__).parents[2]
SCREENS = sorted([*(ROOT / "pages").rglob("*.py"), *(ROOT / "core" / "ui").rglob("*.py")])
# Slack is how reports are posted, not one of several providers; to close is an everyday word.
WORDS = {"slack", "close"}
NAMES = providers().keys() - WORDS
LABELS = re.compile(
    r"\b("
    + "|".join(each.label for each in providers().values() if each.label.lower() not in WORDS)
    + r")\b"
)


def texts(tree: ast.Module) -> list[str]:
    """Every text of the module but docstrings, which stand alone as statements."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_screen_has_a_providers_name(path):
    found = texts(ast.parse(path.read_text()))
    assert [each for each in found if each in NAMES or LABELS.search(each)] == []
