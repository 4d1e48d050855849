"""The self-check: what works, what is weak and what is broken, each with how to fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.operations import installation_checks
from core.operations.checks import Check, State
from core.operations.organization_checks import examine_organization
from core.platform.errors import Misconfigured
from core.tenancy.organizations.queries import all_organization_ids


def examine() -> list[Check]:
    """Every check of the installation, then of each organisation. It reads only."""
    found = [
        *_guarded("master key", installation_checks.master_key),
        *_guarded("addresses", installation_checks.addresses),
        *_guarded("database", installation_checks.database),
    ]
    if any(check.state == State.RED for check in found):
        return found
    found += (
        _guarded("e-mail", installation_checks.email)
        + _guarded("roles", installation_checks.roles)
        + _guarded("jobs", installation_checks.jobs)
        + _guarded("clock", installation_checks.clock)
    )
    for organization_id in all_organization_ids():
        found += examine_organization(organization_id)
    return found


def summary() -> dict[str, Any]:
    """The self-check as one object: the lines, and ``ok``, which is false when a line is red."""
    lines = examine()
    return {
        "ok": all(line.state != State.RED for line in lines),
        "checks": [asdict(line) for line in lines],
    }


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """The lines of one check. If the check itself fails, one red line with the reason instead of a
    traceback.
    """
    try:
        return list(look())
    except Misconfigured as error:
        return [Check(name, State.RED, error.message)]
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return [
            Check(
                name,
                State.RED,
                reason,
                "Check that the server runs and that DATABASE_URL is right.",
            )
        ]
