"""``python -m core.migrations.sql_layers``: checks that SQL respects the layers, as imports do.

A package's scripts and statements may name its own tables and those of the packages below it
(``core.migrations.packages``). A script must not call a function of a package above either. Where
it needs one, the dependency is inverted: the higher package puts a trigger on the lower one's
table.

Imports of models are not checked here; the import contract does that.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.migrations.packages import PACKAGES
from core.migrations.tables import ROOT
from core.platform.schema import Base
from core.platform.sql_reader import names_in

FUNCTION = re.compile(r"create or replace function (app\.\w+)")
STATEMENT = re.compile(
    r"\b(select|insert|update|delete|from|join|table|function|trigger|policy|grant|copy)\b", re.I
)


@dataclass(frozen=True)
class Breach:
    """A place that names something of a higher package."""

    path: Path
    line: int
    name: str
    owner: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} names {self.name} of {self.owner}"


def package_of(path: Path) -> str | None:
    """The package that a file belongs to; None for files above all packages."""
    module = ".".join(path.with_suffix("").parts)
    mine = [package for package in PACKAGES if module.startswith(f"{package}.")]
    return max(mine, key=len, default=None)


def owners_of_tables() -> dict[str, str]:
    """The package of each table: the one whose models define it."""
    models = [mapper.class_ for mapper in Base.registry.mappers]
    return {
        f"{Base.metadata.schema}.{model.__tablename__}": model.__module__.rpartition(".")[0]
        for model in models
    }


def owners_of_functions(root: Path) -> dict[str, str]:
    """The package of each database function: the one whose script makes it."""
    return {
        name: package
        for path in _files(root, ".sql")
        if (package := package_of(path)) is not None
        for name in FUNCTION.findall((root / path).read_text())
    }


def breaches(root: Path) -> list[Breach]:
    """Every place below ``root`` that names a table, or in a script a function, of a higher
    package.
    """
    tables = owners_of_tables()
    anything = tables | owners_of_functions(root)
    found: list[Breach] = []
    for path in _files(root, ".sql"):
        found += _upward(path, [(1, (root / path).read_text())], anything)
    for path in _files(root, ".py"):
        found += _upward(path, list(_statements((root / path).read_text())), tables)
    return found


def _files(root: Path, suffix: str) -> list[Path]:
    folders = sorted({package.partition(".")[0] for package in PACKAGES})
    return [
        path.relative_to(root)
        for folder in folders
        for path in sorted((root / folder).rglob(f"*{suffix}"))
    ]


def _upward(
    path: Path, texts: list[tuple[int, str]], owners: Mapping[str, str]
) -> Iterator[Breach]:
    package = package_of(path)
    if package is None:
        return
    below = set(PACKAGES[: PACKAGES.index(package) + 1])
    for start, sql in texts:
        for at, name in names_in(sql):
            if owners.get(name, package) not in below:
                yield Breach(path, start + at, name, owners[name])


def _statements(source: str) -> Iterator[tuple[int, str]]:
    """The strings of a Python file that look like SQL, each with its line; docstrings are prose."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in prose | parts:
            continue
        sql = _text_of(node)
        if sql is not None and STATEMENT.search(sql):
            yield getattr(node, "lineno", 1), sql


def _text_of(node: ast.AST) -> str | None:
    """A string's text; what an f-string computes is left out."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) or "{}" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def main() -> int:
    """Print every breach; 1 when there is one."""
    found = breaches(ROOT)
    for breach in found:
        print(breach)
    if not found:
        print(f"SQL keeps to the layers: {len(owners_of_tables())} tables.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
