"""What tests share is in a conftest.py or in a module of helpers, not in another test's module."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported(module: Path) -> set[str]:
    return {
        node.module
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    }


def test_no_module_takes_anything_from_a_test_module() -> None:
    taken = {
        f"{module.relative_to(TESTS)}: {name}"
        for module in TESTS.rglob("*.py")
        for name in imported(module)
        if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")
    }

    assert taken == set()
