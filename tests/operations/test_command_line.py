"""The command line that other programs call: one JSON object on standard output, reasons on
standard error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from core.bookings.models import Event
from core.deliveries.models import DeliveryStatus, WebhookDelivery
from core.platform.database import as_system
from core.tenancy.identity.passwords import hash_password
from core.tenancy.identity.second_factor import has_second_factor
from core.tenancy.organizations.models import Organization
from tests import factories as make
from tests.flow import sender, work
from tests.operations.conftest import run_cli
from tests.tenancy.factors import PASSWORD, with_app

ROOT = Path(__file__).parents[2]
HEAVY = {"alembic", "httpx", "pandas", "procrastinate", "pydantic", "sqlalchemy", "structlog"}


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has imported by its end."""
    program = (
        "import sys\nfrom core.__main__ import main\n"
        "try: main(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
        timeout=120,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("create-closer", "--help"), ("send-samples", "--help")]
)
def test_help_is_given_without_loading_the_product(arguments) -> None:
    loaded = loaded_by(*arguments)
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    ours = {name for name in loaded if name.startswith("core.")}
    assert {".".join(name.split(".")[:2]) for name in ours} == {
        "core.__main__",
        "core.operations",
        "core.platform",
    }


def test_a_command_loads_what_it_needs_and_no_other_command(database_url) -> None:
    org = make.organization()
    loaded = loaded_by("create-closer", "--org", str(org), "--name", "Ana")
    assert "core.bookings.roster" in loaded
    assert {name.partition(".")[0] for name in loaded} & {"alembic", "httpx"} == set()
    assert not any(name.startswith(("core.metrics", "core.providers")) for name in loaded)


def test_whoever_is_added_to_the_roster_by_command_has_the_bookings_that_name_them(cli) -> None:
    org = make.organization()
    with as_system(org) as db:
        make.event(db, org, closer_name="ana@example.com", setter_name="Sammy")
    cli("create-closer", "--org", str(org), "--name", "Ana", "--email", "ana@example.com")
    cli("create-setter", "--org", str(org), "--name", "Sam", "--alias", "sammy")
    with as_system(org) as db:
        found = db.execute(select(Event.closer_name, Event.setter_name)).one()
    assert tuple(found) == ("Ana", "Sam")


@pytest.fixture
def team() -> str:
    org = make.organization()
    with as_system(org) as db:
        return db.get_one(Organization, org).slug


def test_an_organisation_is_made_with_people_a_connection_and_a_key(cli) -> None:
    slug = f"cli-{uuid4().hex[:8]}"
    org = cli(
        "create-org",
        "--name",
        "Høj & Co",
        "--slug",
        slug,
        "--timezone",
        "Europe/Copenhagen",
        "--currency",
        "DKK",
    ).json
    closer = cli("create-closer", "--org", slug, "--name", "Ana", "--email", "ana@example.com").json
    setter = cli(
        "create-setter",
        "--org",
        org["id"],
        "--name",
        "Sam",
        "--email",
        "s@example.com",
        "--alias",
        "ig-sam",
    ).json
    user = cli(
        "create-user",
        "--org",
        slug,
        "--email",
        f"{slug}@example.com",
        "--password-stdin",
        "--role",
        "admin",
        stdin="a long enough sentence\n",
    ).json
    connection = cli(
        "create-connection",
        "--org",
        slug,
        "--provider",
        "stripe",
        "--name",
        "Main",
        "--secret-stdin",
        stdin="whsec_1234567890",
    ).json
    key = cli("create-api-key", "--org", slug, "--name", "Sheets", "--scopes", "read").json
    assert all(made["id"] for made in (org, closer, setter, user, connection, key))
    assert connection["url"].endswith(f"/webhooks/stripe/{connection['id']}")
    assert key["key"].startswith("so_live_")


@pytest.mark.parametrize(
    "arguments",
    [
        (
            "create-org",
            "--name",
            "X",
            "--slug",
            "Not A Slug",
            "--timezone",
            "UTC",
            "--currency",
            "USD",
        ),
        (
            "create-org",
            "--name",
            "X",
            "--slug",
            "x1",
            "--timezone",
            "Mars/Base",
            "--currency",
            "USD",
        ),
        ("create-org", "--name", "X", "--slug", "x1", "--timezone", "UTC", "--currency", "QQQ"),
        ("create-closer", "--org", "nobody-has-this-slug", "--name", "Ana"),
        ("create-api-key", "--org", "nobody-has-this-slug", "--name", "K", "--scopes", "read"),
        ("frobnicate",),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_a_sentence_without_output(cli, arguments) -> None:
    said = cli(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.strip()
    assert "Traceback" not in said.err


def test_a_password_never_comes_as_an_argument_and_must_not_be_easy(cli, team) -> None:
    asked = ("create-user", "--org", team, "--email", "p@example.com", "--role", "viewer")
    assert cli(*asked, "--password", "secret").code == 2
    assert cli(*asked, "--password-stdin", stdin="").code == 2
    easy = cli(*asked, "--password-stdin", stdin="password123")
    assert easy.code == 2
    assert "password123" not in easy.out + easy.err


def test_a_database_that_is_away_is_said_without_a_traceback() -> None:
    said = run_cli(
        "dead-letters",
        "--org",
        "x",
        DATABASE_URL="postgresql://nobody:secret-word@127.0.0.1:9/none",
    )
    assert said.code == 1
    assert said.out == ""
    assert "database" in said.err
    assert "Traceback" not in said.err
    assert "secret-word" not in said.err


def test_dead_letters_are_listed_and_replayed(cli) -> None:
    org = make.organization()
    kept = delivery(org)
    assert cli("dead-letters", "--org", str(org)).json["count"] == 0
    with as_system(org) as db:
        db.get_one(WebhookDelivery, (org, kept)).status = DeliveryStatus.DEAD
    listed = cli("dead-letters", "--org", str(org)).json
    assert [item["id"] for item in listed["items"]] == [str(kept)]
    assert cli("replay", "--org", str(org)).json["replayed"] == 1
    work()
    assert cli("dead-letters", "--org", str(org)).json["count"] == 0
    assert cli("replay", "--org", str(org), "--since", "2020-01-01").json["replayed"] == 1
    assert cli("replay", "--org", str(org), "--since", "yesterday").code == 2


def delivery(org: UUID) -> UUID:
    stripe = sender(org, "stripe")
    row = WebhookDelivery(
        organization_id=org,
        id=uuid4(),
        connection_id=stripe.connection_id,
        provider="stripe",
        delivery_key="evt_1",
        event_type="customer.created",
        body=b'{"id": "evt_1", "type": "customer.created"}',
        headers={},
    )
    with as_system(org) as db:
        db.add(row)
    return row.id


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "not an address"])
def test_samples_that_nobody_takes_are_said_in_a_sentence(cli, team, address) -> None:
    said = cli("send-samples", "--org", team, "--url", address)
    assert said.code == 1
    assert "No receiver answers" in said.err
    assert "Traceback" not in said.err


def test_a_lost_second_factor_is_taken_away_by_its_owners_address(cli) -> None:
    person = make.viewer(make.organization(), password_hash=hash_password(PASSWORD))
    with_app(person)
    assert cli("clear-second-factor", "--email", person.email.upper()).json["cleared"] is True
    assert not has_second_factor(person.user_id)
    again = cli("clear-second-factor", "--email", person.email)
    assert (again.code, again.out) == (2, "")
    assert person.email in again.err
