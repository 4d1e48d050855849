from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.engine import make_url

from core.bookings.form_answers import FormAnswers
from core.bookings.models import Event
from core.deliveries.outbox import post
from core.money.form_filing import file_form
from core.money.payouts import approve, create_snapshot
from core.operations.keys import reseal_secrets
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.settings import settings
from core.providers.connections import create_connection
from core.tenancy.access.models import Role
from tests import factories as make
from tests import payloads as samples
from tests.conftest import MASTER_KEY
from tests.operations import commands
from tests.operations.petronella import EMAIL, NAME, PHONE, Case, booking

ROOT = Path(__file__).parents[2]
NEW_KEY = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="


@dataclass(frozen=True)
class Said:
    """The output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.out, self.err
        return json.loads(self.out)


Cli = Callable[..., Said]


def run_cli(*arguments: str, stdin: str = "", **environment: str) -> Said:
    """``python -m core …`` as its users call it, against this process's database."""
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
def cli(database_url, tmp_path_factory) -> Cli:
    """The same without loading the product for each command."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> Said:
        folder = tmp_path_factory.mktemp("command")
        return Said(*commands.run(arguments, os.environ | environment, stdin, folder))

    return run


@pytest.fixture
def plain_owner(server) -> Iterator[str]:
    """The address of an empty database whose owner is not a superuser, as on managed servers.

    Roles belong to the whole server and other tests use them too. This owner is therefore made a
    member of them, and has the superuser's password, from which theirs are derived.
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


@pytest.fixture
def keys(monkeypatch):
    """Sets the current key and the old ones, until the test ends."""

    def choose(current: str, *old: str) -> None:
        monkeypatch.setenv("ENCRYPTION_MASTER_KEY", current)
        monkeypatch.setenv("ENCRYPTION_OLD_KEYS", ",".join(old))
        settings.cache_clear()

    yield choose
    choose(MASTER_KEY, NEW_KEY)
    reseal_secrets()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def case():
    org = make.organization(setter_question="Who invited you?", setter_utm_field="utm_content")
    admin = make.viewer(org, Role.ADMIN)
    start = now() - timedelta(days=3)
    call = samples.SampleBooking(EMAIL.upper(), start, name=NAME)
    with as_system(org) as db:
        make.closer(db, org, "Ana", email="closer.one@example.com", user_id=admin.user_id)
        make.setter(db, org, "Sam", aliases=["setter-one"])
        made = Case(
            admin,
            *(
                create_connection(db, name, name, "whsec_secret").id
                for name in ("calendly", "stripe", "whop")
            ),
            call,
        )
    created = booking(call)
    later = replace(
        call, start=start + timedelta(days=8), event_uuid=str(uuid4()), invitee_uuid=str(uuid4())
    )
    made.deliver("calendly", created)
    made.deliver("calendly", samples.calendly_canceled(booking(later), at=now()))
    other = replace(
        call,
        email="other@example.com",
        name="Other",
        invitee_uuid=str(uuid4()),
        event_uuid=str(uuid4()),
    )
    made.deliver("calendly", samples.calendly_created(other))
    paid_at = start + timedelta(hours=2)
    charge = samples.stripe_charge("P", 499700, EMAIL, paid_at)
    charge["billing_details"] |= {"name": NAME, "phone": PHONE}
    made.deliver(
        "stripe",
        samples.stripe_event(
            "payment_intent.succeeded", samples.stripe_intent("P", 499700, paid_at), paid_at
        ),
    )
    made.deliver("stripe", samples.stripe_event("charge.succeeded", charge, paid_at))
    whop = samples.whop_payment("W", "100.00", EMAIL, paid_at)
    whop["data"]["user"]["name"] = NAME
    made.deliver("whop", whop)
    with admin.transaction() as db:
        event = db.scalars(
            select(Event).where(Event.lead_name == NAME).order_by(Event.scheduled_at)
        ).first()
        answers = FormAnswers(
            True,
            True,
            True,
            True,
            cash_collected=Decimal("250"),
            currency="USD",
            notes="A word about her",
            recording_url="https://calls.example.com/petronella",
        )
        file_form(db, event.id, answers, admin)
        post(
            db,
            "slack",
            "overdue_reminder",
            None,
            {"text": f"Form of {NAME} is overdue"},
            "reminder",
        )
        post(db, "email", "hello", EMAIL, {"to": EMAIL}, "hello")
        kept = create_snapshot(db, "Month", made.period, admin)
        approve(db, kept.id, admin)
    return made
