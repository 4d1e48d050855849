"""Declaring commands of ``python -m core``: a command's arguments are data beside its function.

A command imports what it needs inside its function, so that asking for help, or running another
command, does not load the whole product.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]
Run = Callable[[Namespace], Answer]


@dataclass(frozen=True)
class Argument:
    """One argument, with the options that argparse takes; ``choices`` may be a function that
    returns them.
    """

    flag: str
    options: dict[str, Any]

    def add_to(self, parser: ArgumentParser) -> None:
        options = dict(self.options)
        if callable(options.get("choices")):
            options["choices"] = options["choices"]()
        parser.add_argument(self.flag, **options)


@dataclass(frozen=True)
class Command:
    """One command: its purpose, its arguments, and its function, whose result is printed as one
    JSON object.
    """

    help: str
    arguments: Sequence[Argument]
    run: Run


COMMANDS: dict[str, Command] = {}


def argument(flag: str, **options: Any) -> Argument:
    """An argument, with the same parameters as ``ArgumentParser.add_argument``."""
    return Argument(flag, options)


ORGANIZATION = argument("--org", required=True, help="slug or id of the organisation")


def command(name: str, help: str, *arguments: Argument) -> Callable[[Run], Run]:
    """Make a command of the function below."""

    def add(run: Run) -> Run:
        COMMANDS[name] = Command(help, arguments, run)
        return run

    return add
