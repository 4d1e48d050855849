"""What the documents say exists, exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.__main__ import COMMANDS
from core.platform.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_stands_in_the_readmes_table_and_nothing_else_does() -> None:
    rows = [line for line in DOCUMENTS[0].read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row.split("|")[1])}
    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_pictures_and_pages_that_are_linked_are_there(document) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text())
    missing = [
        link
        for link in links
        if not link.startswith("http") and not (document.parent / link).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_named_exist(document) -> None:
    named = set(re.findall(r"python -m core ([a-z][a-z-]+)", document.read_text()))
    assert named <= set(COMMANDS)
