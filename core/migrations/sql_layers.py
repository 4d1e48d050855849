"""``python -m core.migrations.sql_layers``: checks that SQL respects the layers, as imports do.

A package's scripts and statements may name its own tables and functions of the database, and those
of the packages below it (``core.migrations.packages``). Where a package needs something of a higher
one, the dependency is inverted: the higher package puts a trigger on the lower one's table. The few
places where the lower package must name the higher one's are listed in ``MEANT``, with the reason.

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
ENTERING = "a transaction begins with its identity, which is found in tables of higher packages"
# Names of higher packages that a file must use, and why: path, name → reason.
MEANT = {
    ("core/platform/database.py", "app.enter"): ENTERING,
    ("core/platform/database.py", "app.enter_as"): ENTERING,
    ("core/platform/database.py", "app.enter_board"): ENTERING,
    ("core/platform/database.py", "app.enter_key"): ENTERING,
    ("core/platform/database.py", "app.enter_link"): ENTERING,
    ("core/platform/schema.py", "app.organizations"): "every tenant's row refers to its tenant",
    ("core/tenancy/access/password_resets.py", "app.ask_for_password_reset"): (
        "whoever asks has no identity with which a task could be enqueued"
    ),
}


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


def upward(root: Path) -> list[Breach]:
    """Every place below ``root`` that names a table or a function of a higher package."""
    owners = owners_of_tables() | owners_of_functions(root)
    found: list[Breach] = []
    for path in _files(root, ".sql"):
        found += _upward(path, [(1, (root / path).read_text())], owners)
    for path in _files(root, ".py"):
        found += _upward(path, list(_texts((root / path).read_text())), owners)
    return found


def breaches(root: Path) -> list[Breach]:
    """The places of ``upward`` that are not meant."""
    return [each for each in upward(root) if (each.path.as_posix(), each.name) not in MEANT]


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


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """The strings of a Python file and the functions that it calls as ``func.app.<name>``, each
    with its line; docstrings are prose.
    """
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) not in prose | parts and (sql := _text_of(node)) is not None:
            yield getattr(node, "lineno", 1), sql


def _text_of(node: ast.AST) -> str | None:
    """A string's text without what an f-string computes, or a called function's name."""
    if isinstance(node, ast.Attribute) and (name := ast.unparse(node)).startswith("func.app."):
        return name.removeprefix("func.")
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
