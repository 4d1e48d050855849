"""Everything that the documents mention exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from core.__main__ import COMMANDS
from core.metrics.catalog import METRICS
from core.migrations.packages import PACKAGES
from core.platform.settings import Settings
from core.providers.registry import base_urls, names, provider, with_inbound
from webhooks.api import ENDPOINTS, OPEN

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM = [
    *ROOT.glob("*.py"),
    *(p for d in ("core", "jobs", "webhooks", "pages") for p in (ROOT / d).rglob("*.py")),
]
READ_BY_PACKAGES = {"FORWARDED_ALLOW_IPS", "HTTPS_PROXY"}  # by uvicorn and by httpx
# What is chosen by the reader stands in angle brackets, and matches anything that is there.
PATH = re.compile(r"(?<![\w/<.-])(?:core|jobs|webhooks|pages|tests|bench|docs|\.ci)/[\w./<>-]*")
LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]+))?\)")
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def source() -> str:
    return "\n".join(path.read_text() for path in PROGRAM)


def headings(document: Path) -> set[str]:
    """The headings of a document as a link to one writes them."""
    found = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def test_every_setting_stands_in_the_readmes_table_and_nothing_else_does() -> None:
    rows = [line for line in DOCUMENTS[0].read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z<>_]+)`", row.split("|")[1])}
    read_directly = re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", source())
    declared = {name.upper() for name in Settings.model_fields} | {"<PROVIDER>_BASE_URL"}
    assert named == declared | set(read_directly) | READ_BY_PACKAGES


def test_the_addresses_of_providers_are_settings_of_the_name_that_the_readme_gives_them() -> None:
    [row] = [line for line in DOCUMENTS[0].read_text().splitlines() if "<PROVIDER>_BASE" in line]
    usual = {f"{name.upper()}_BASE_URL" for name in names()}
    assert usual <= set(base_urls())
    assert set(base_urls()) - usual <= set(re.findall(r"`([A-Z_]+)`", row))


def test_each_provider_that_sends_deliveries_has_a_line_on_how_to_connect_it() -> None:
    _, _, section = (ROOT / "docs/operations.md").read_text().partition("\n## Connections\n")
    table = section.partition("| provider |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert sorted(named) == sorted(provider(name).label for name in with_inbound())


def test_the_packages_stand_in_the_order_of_their_layers_where_one_reads_what_there_is() -> None:
    inside = [package.split(".")[1] for package in PACKAGES if package.startswith("core.")]
    packages = list(dict.fromkeys(inside))
    readme = DOCUMENTS[0].read_text().partition("\ncore/\n")[2].partition("\ntests/")[0]
    layout = re.findall(r"^  (\w+)/ ", readme, re.MULTILINE)
    layers = re.findall(r"^core/(\w+)", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    assert layout == [*packages, "migrations"]
    assert [name for name in reversed(layers) if name != "migrations"] == packages


@documents
def test_pictures_pages_and_headings_that_are_linked_are_there(document) -> None:
    missing = []
    for link, heading in LINK.findall(document.read_text()):
        target = document.parent / link
        if link.startswith("http"):
            continue
        if not target.exists() or (heading and heading not in headings(target)):
            missing.append(f"{link}#{heading}")
    assert missing == []


@documents
def test_files_and_folders_that_are_named_exist(document) -> None:
    named = {path.rstrip("./") for path in PATH.findall(document.read_text())}
    assert [
        path for path in sorted(named) if not any(ROOT.glob(re.sub(r"<[^>]*>", "*", path)))
    ] == []


@documents
def test_commands_that_are_named_exist(document) -> None:
    words = document.read_text()
    assert set(re.findall(r"python -m core ([a-z][a-z-]+)", words)) <= set(COMMANDS)
    modules = set(re.findall(r"python -m ([a-z][\w.]+)", words))
    assert [name for name in sorted(modules - {"pytest", "streamlit"}) if not runs(name)] == []


def runs(module: str) -> bool:
    path = ROOT / module.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@documents
def test_targets_of_make_that_are_named_exist(document) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make (\w+)", document.read_text(), re.MULTILINE)) <= targets


@documents
def test_what_is_called_by_name_stands_in_the_program(document) -> None:
    named = set(re.findall(r"`@?(?:\w+\.)*(\w+)\([^`]*\)`", document.read_text()))
    assert [name for name in sorted(named) if f"{name}(" not in source()] == []


def test_the_metrics_that_a_monitor_reads_are_those_in_the_operations_page() -> None:
    written = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"`(salesops_\w+)", written)) == set(
        re.findall(r"\"(salesops_\w+)\"", (ROOT / "webhooks/monitoring.py").read_text())
    )


@documents
def test_requests_that_are_named_are_answered(document) -> None:
    answered = {f"{each.method} {each.path}" for each in (*OPEN, *ENDPOINTS)}
    named = re.findall(r"`((?:GET|POST|PATCH) /[\w/{}.-]+)", document.read_text())
    assert [each for each in named if each not in answered and "/healthz" not in each] == []


def lists_of_figures(path: Path) -> set[str]:
    """The names of a module's constants that choose several figures by their keys."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            words = {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
            found |= {node.targets[0].id} if len(words & set(METRICS)) > 1 else set()
    return found


def test_each_list_that_chooses_figures_is_named_where_one_reads_how_to_add_a_figure() -> None:
    text = (ROOT / "docs/contributing.md").read_text()
    _, _, section = text.partition("\n## To add a metric\n")
    named = set(re.findall(r"`([A-Z]+)`", section.partition("\n## ")[0]))
    using = [path for path in PROGRAM if "from core.metrics.catalog import" in path.read_text()]
    assert named == set().union(*map(lists_of_figures, using))
