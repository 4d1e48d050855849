"""``python -m core sync``: one JSON object about what was read, and 1 when something failed."""

import pytest
from sqlalchemy import text

from core.operations.checks import State
from core.operations.organization_checks import examine_organization
from core.platform.database import as_system
from tests.operations.conftest import run_cli
from tests.providers.office import LONG_AGO, Office, meetings
from tests.providers.office import calendly as calendly


def asked(office, *more):
    return run_cli("sync", "--org", str(office.org), "--provider", "calendly", *more)


def test_what_was_read_is_told_and_a_repeat_changes_nothing(calendly):
    office = Office()
    calendly.learn(*meetings(4))
    said = asked(office, "--what", "events", "--since", f"{LONG_AGO:%Y-%m-%d}")
    done = {"what": "events", "status": "success", "seen": 4, "written": 4, "error": None}
    assert (said.code, said.json["runs"]) == (0, [done])
    again = asked(office, "--what", "events", "--since", f"{LONG_AGO:%Y-%m-%d}")
    assert (again.code, again.json["runs"]) == (0, [done | {"written": 0}])


def test_without_what_every_sync_runs_and_a_failed_one_is_told(calendly):
    office = Office()
    calendly.token = "another"
    said = asked(office)
    assert said.code == 1
    assert {run["status"] for run in said.json["runs"]} == {"failed"}
    assert all("does not accept the key" in run["error"] for run in said.json["runs"])


@pytest.mark.parametrize(
    "more", [("--what", "dreams"), ("--since", "yesterday")], ids=["what", "since"]
)
def test_what_is_asked_wrongly_is_refused_in_a_sentence(calendly, more):
    said = asked(Office(), *more)
    assert (said.code, said.out) == (2, "")
    assert said.err.strip()


def lines(office):
    found = examine_organization(office.org)
    return {each.name: each for each in found if each.name.startswith("sync ")}


def test_the_self_check_tells_of_a_sync_that_failed_or_went_silent(calendly):
    office = Office()
    name = "sync Calendly: Scheduled events"
    assert lines(office)[name].state == State.GREEN
    office.sync()
    assert (lines(office)[name].state, lines(office)[name].seen) == (
        State.GREEN,
        "0 read, 0 changed",
    )
    age(office, "12 hours")
    assert lines(office)[name].state == State.AMBER
    calendly.token = "another"
    office.sync()
    assert lines(office)[name].state == State.RED
    assert "does not accept the key" in lines(office)[name].seen


def age(office, by):
    with as_system(office.org) as db:
        for column in ("asked_at", "started_at", "ended_at"):
            db.execute(
                text(f"update app.sync_runs set {column} = {column} - cast(:by as interval)"),
                {"by": by},
            )
        db.execute(
            text("update app.organization_integrations set created_at = created_at - interval '9d'")
        )
