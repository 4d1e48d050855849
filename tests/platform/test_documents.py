"""Everything that the documents mention exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.__main__ import COMMANDS
from core.platform.settings import Settings
from core.providers.registry import base_urls, names

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_stands_in_the_readmes_table_and_nothing_else_does() -> None:
    rows = [line for line in DOCUMENTS[0].read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z<>_]+)`", row.split("|")[1])}
    assert named == {name.upper() for name in Settings.model_fields} | {"<PROVIDER>_BASE_URL"}


def test_the_addresses_of_providers_are_settings_of_the_name_that_the_readme_gives_them() -> None:
    [row] = [line for line in DOCUMENTS[0].read_text().splitlines() if "<PROVIDER>_BASE" in line]
    usual = {f"{name.upper()}_BASE_URL" for name in names()}
    assert usual <= set(base_urls())
    assert set(base_urls()) - usual <= set(re.findall(r"`([A-Z_]+)`", row))


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
