"""SQL keeps to the layers: a package names its own tables and those below it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from core.migrations.packages import PACKAGES
from core.migrations.sql_layers import MEANT, breaches, package_of, upward
from core.migrations.tables import ROOT
from core.platform.sql_reader import rights_for

FUNCTION = "create or replace function app.{}() returns void language sql as $f$ {} $f$;"


def planted(root: Path, file: str, text: str) -> list[str]:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return [str(breach) for breach in breaches(root)]


def test_the_product_names_nothing_of_a_higher_package_unless_it_is_meant() -> None:
    assert breaches(ROOT) == []
    assert {(each.path.as_posix(), each.name) for each in upward(ROOT)} == set(MEANT)


def test_a_script_that_names_a_higher_packages_table_is_found(tmp_path) -> None:
    script = FUNCTION.format("f", "\nselect 1 from app.contacts c\n  join app.payments p on true")
    assert planted(tmp_path, "core/people/functions/f.sql", script) == [
        "core/people/functions/f.sql:3 names app.payments of core.money"
    ]


def test_a_script_that_calls_a_higher_packages_function_is_found(tmp_path) -> None:
    higher = FUNCTION.format("higher", "select 1")
    assert planted(tmp_path, "core/money/functions/higher.sql", higher) == []
    lower = FUNCTION.format("lower", "select app.higher()")
    assert planted(tmp_path, "core/people/functions/lower.sql", lower) == [
        "core/people/functions/lower.sql:1 names app.higher of core.money"
    ]


@pytest.mark.parametrize(
    "statement",
    [
        'text("select 1 from app.payments")',
        'text(f"select {column} from app.payments")',
        '"update app.payments set amount = 0"',
        'tables["app.payments"]',
        'f"app.payments {alias}"',
    ],
)
def test_a_statement_in_python_that_names_a_higher_packages_table_is_found(
    tmp_path, statement
) -> None:
    assert planted(tmp_path, "core/bookings/queries.py", f"\nrows = {statement}\n") == [
        "core/bookings/queries.py:2 names app.payments of core.money"
    ]


@pytest.mark.parametrize(
    "call", ['text("select app.higher(:id)")', 'call("app.higher")', "select(func.app.higher(id))"]
)
def test_a_call_in_python_of_a_higher_packages_function_is_found(tmp_path, call) -> None:
    higher = FUNCTION.format("higher", "select 1")
    assert planted(tmp_path, "core/money/functions/higher.sql", higher) == []
    assert planted(tmp_path, "core/bookings/queries.py", f"\nrows = {call}\n") == [
        "core/bookings/queries.py:2 names app.higher of core.money"
    ]


@pytest.mark.parametrize(
    "source",
    [
        '"""Rows come from app.payments."""',
        '# select from app.payments\nx = "select 1 from app.events"',
        'x = "app.events"',
    ],
)
def test_prose_and_lower_tables_are_no_breach(tmp_path, source) -> None:
    assert planted(tmp_path, "core/bookings/queries.py", source) == []


def layers_contracts() -> list[dict[str, Any]]:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return [contract for contract in linter["contracts"] if contract["type"] == "layers"]


def unplaced(root: Path) -> set[str]:
    """The Python packages of core that belong to none of the packages in layers."""
    files = (path.relative_to(root) for path in root.glob("core/**/__init__.py"))
    return {path.parent.as_posix() for path in files if package_of(path) is None}


def test_the_packages_stand_in_the_order_of_the_import_contracts() -> None:
    for contract in layers_contracts():
        layers = [
            f"{container}{name.strip()}"
            for container in [f"{each}." for each in contract.get("containers", [])] or [""]
            for layer in reversed(contract["layers"])
            for name in layer.split("|")
        ]
        ours = [PACKAGES.index(name) for name in layers if name in PACKAGES]
        assert ours == sorted(ours), contract["name"]


def test_every_package_of_core_is_in_a_layer(tmp_path) -> None:
    assert unplaced(ROOT) == {"core", "core/migrations", "core/tenancy"}
    (tmp_path / "core/phone").mkdir(parents=True)
    (tmp_path / "core/phone/__init__.py").touch()
    assert unplaced(tmp_path) == {"core/phone"}


def test_the_import_contracts_refuse_a_package_that_is_in_no_layer() -> None:
    exhaustive = [contract for contract in layers_contracts() if contract.get("exhaustive")]
    assert {name for contract in exhaustive for name in contract["containers"]} == {
        "core",
        "core.tenancy",
    }


def test_lines_of_sql_are_no_wider_than_those_of_python() -> None:
    width = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in ROOT.glob("core/**/*.sql")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > width
    ]
    assert wide == []


@pytest.mark.parametrize(
    ("sql", "verbs"),
    [
        ("select 1 from app.events", {"select"}),
        ("select 1 from app.events for update skip locked", {"select", "update"}),
        ("update app.events set id = id", {"select", "update"}),
        ("delete from app.events", {"select", "delete"}),
        ("insert into app.events values (1)", {"insert"}),
        ("insert into app.events values (1) returning id", {"select", "insert"}),
        (
            "insert into app.events values (1) on conflict (id) do update set id = 1",
            {"select", "insert", "update"},
        ),
        ("-- delete from app.events\nselect 1 from app.events", {"select"}),
    ],
)
def test_the_rights_that_a_statement_needs(sql, verbs) -> None:
    assert rights_for(sql) == {("app.events", verb) for verb in verbs}
