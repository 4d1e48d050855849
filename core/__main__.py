"""``python -m core``: operations. Each command prints one JSON object; what a person should know
goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from core.operations import (  # noqa: F401 - declare commands
    maintenance_commands,
    setup_commands,
    sync_commands,
)
from core.operations.commands import COMMANDS, Answer
from core.platform.errors import InvalidInput, NotFound, SalesOpsError

USAGE_ERROR, FAILED = 2, 1


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Every command, and the arguments of those that are mentioned."""
    top = argparse.ArgumentParser(
        prog="python -m core", description="Operations of the sales-operations product."
    )
    add = top.add_subparsers(dest="command", required=True, metavar="command").add_parser
    for name, command in COMMANDS.items():
        made = add(name, help=command.help)
        for argument in command.arguments if name in arguments else ():
            argument.add_to(made)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 2 something was asked wrongly, 1 it could not be done (or the doctor
    found something broken).
    """
    args = parser(arguments).parse_args(arguments)
    try:
        answer = _run(args)
    except (InvalidInput, NotFound) as error:
        print(error.message, file=sys.stderr)
        return USAGE_ERROR
    except SalesOpsError as error:
        print(error.message, file=sys.stderr)
        return FAILED
    print(json.dumps(answer, ensure_ascii=False))
    return FAILED if answer.get("ok") is False else 0


def _run(args: argparse.Namespace) -> Answer:
    """Prepare the process and run the command. Raises SalesOpsError."""
    from sqlalchemy.exc import OperationalError

    from core.platform import log
    from core.platform.settings import settings

    log.configure(settings().log_level)
    try:
        if settings().database_url is None:
            from core.migrations.upgrade import ensure_embedded_ready

            ensure_embedded_ready()
        return COMMANDS[args.command].run(args)
    except OperationalError as error:
        raise SalesOpsError(
            "The database cannot be reached. Is it running, and is DATABASE_URL right?"
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
