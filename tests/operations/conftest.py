from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.out, self.err
        return json.loads(self.out)


Cli = Callable[..., Said]


def run_cli(*arguments: str, stdin: str = "", **environment: str) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(database_url) -> Cli:
    """``python -m core …`` as its users call it, against this process's database."""
    return run_cli


@pytest.fixture
def plain_owner(server) -> Iterator[str]:
    """The address of an empty database whose owner is no superuser, as managed servers give them.

    Roles belong to the whole server, and the other tests use them too: this owner is made a member
    of them, and has the superuser's password, which theirs are derived from.
    """
    name, password = f"plain_{os.getpid()}", make_url(server).password
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )
        admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("create role {} login createrole password {}").format(
                sql.Identifier(name), password
            )
        )
        admin.execute(sql.SQL("create database {} owner {}").format(*[sql.Identifier(name)] * 2))
        for role in ("so_owner", "so_definer", "so_backup", "so_app", "so_worker"):
            admin.execute(
                sql.SQL("grant {} to {} with admin option").format(
                    sql.Identifier(role), sql.Identifier(name)
                )
            )
        yield (
            make_url(server)
            .set(database=name, username=name, password=password)
            .render_as_string(hide_password=False)
        )
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
