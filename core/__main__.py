"""``python -m core``: operations. Each command prints one JSON object; what a person should know
goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import OperationalError

from core.migrations.upgrade import ensure_embedded_ready
from core.operations import maintenance_commands, setup_commands
from core.platform import log
from core.platform.errors import InvalidInput, NotFound, SalesOpsError
from core.platform.settings import settings
from core.tenancy.access.models import MEMBER_ROLES, Role

USAGE_ERROR, FAILED = 2, 1


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    top = argparse.ArgumentParser(
        prog="python -m core", description="Operations of the sales-operations product."
    )
    add = top.add_subparsers(dest="command", required=True, metavar="command").add_parser
    add("migrate", help="bring the database to this version")
    add("seed-demo", help="make the demo's organisations and sign-ins where they are missing")
    add("doctor", help="check the installation; each line says how to mend what is wrong")
    add("backup", help="write the whole database to a new file").add_argument("file", type=Path)
    add("restore", help="fill an empty database from a backup").add_argument("file", type=Path)
    add("rotate-keys", help="seal every stored secret again under the current master key")
    org = add("create-org", help="make an organisation")
    for name in ("--name", "--slug", "--timezone", "--currency"):
        org.add_argument(name, required=True)
    org.add_argument(
        "--region", default="US", help="country whose phone numbers are read without a prefix"
    )
    user = _in_org(add("create-user", help="make a user; the password comes on standard input"))
    user.add_argument("--email", required=True)
    user.add_argument("--name")
    user.add_argument("--password-stdin", action="store_true", required=True)
    user.add_argument(
        "--role", required=True, choices=[str(role) for role in (*MEMBER_ROLES, Role.SUPER_ADMIN)]
    )
    for kind in ("closer", "setter"):
        rep = _in_org(add(f"create-{kind}", help=f"add a {kind} to the roster"))
        rep.add_argument("--name", required=True)
        rep.add_argument("--email")
        rep.add_argument(
            "--alias",
            action="append",
            default=[],
            help="another name by which bookings mention them",
        )
    connection = _in_org(
        add("create-connection", help="open a webhook endpoint; its secret comes on standard input")
    )
    for name in ("--provider", "--name"):
        connection.add_argument(name, required=True)
    connection.add_argument("--secret-stdin", action="store_true", required=True)
    connection.add_argument("--account", help="the provider's own account id")
    connection.add_argument("--rate-limit", type=int, metavar="PER_MINUTE")
    key = _in_org(add("create-api-key", help="make a key for a program; it is shown this once"))
    key.add_argument("--name", required=True)
    key.add_argument(
        "--scopes", nargs="+", required=True, help="read, write, all, or names of resources"
    )
    lost = add(
        "clear-second-factor",
        help="let somebody sign in who has lost the telephone and the recovery codes",
    )
    lost.add_argument("--email", required=True)
    again = _in_org(
        add("replay", help="process kept deliveries again: the dead ones, or all since an instant")
    )
    again.add_argument("--connection")
    again.add_argument("--since")
    _in_org(add("dead-letters", help="deliveries that could not be processed"))
    samples = _in_org(
        add("send-samples", help="post genuine signed sample deliveries to a running receiver")
    )
    samples.add_argument("--url", default=settings().webhook_public_url)
    return top


def _in_org(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--org", required=True, help="slug or id of the organisation")
    return command


COMMANDS = setup_commands.COMMANDS | maintenance_commands.COMMANDS


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 2 something was asked wrongly, 1 it could not be done (or the doctor
    found something broken).
    """
    args = parser().parse_args(arguments)
    log.configure(settings().log_level)
    try:
        ensure_embedded_ready()
        answer = COMMANDS[args.command](args)
    except (InvalidInput, NotFound) as error:
        print(error.message, file=sys.stderr)
        return USAGE_ERROR
    except SalesOpsError as error:
        print(error.message, file=sys.stderr)
        return FAILED
    except OperationalError:
        print(
            "The database cannot be reached. Is it running, and is DATABASE_URL right?",
            file=sys.stderr,
        )
        return FAILED
    print(json.dumps(answer, ensure_ascii=False))
    return FAILED if answer.get("ok") is False else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
