"""What the command line does: each command is a function that returns what is printed as one JSON
object.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.bookings.roster import create_closer, create_setter, link_user
from core.deliveries.actions import connection_url, create_connection
from core.platform.database import WORKER_ROLE, as_guest, as_system
from core.platform.errors import InvalidInput, NotFound
from core.platform.normalization import normalize_email
from core.tenancy.access.api_keys import create_api_key
from core.tenancy.access.members import create_user
from core.tenancy.identity.second_factor import clear as clear_second_factor
from core.tenancy.organizations.actions import create_organization, find_organization

Answer = dict[str, Any]


def organization_named(slug_or_id: str) -> UUID:
    """The organisation of ``--org``. Raises NotFound."""
    with as_guest(WORKER_ROLE) as db:
        return find_organization(db, slug_or_id)


def _secret_from_stdin(what: str) -> str:
    """Secrets come on standard input: arguments are seen by every user of the machine."""
    secret = sys.stdin.read().strip()
    if not secret:
        raise InvalidInput(f"Write the {what} to standard input.", field=what)
    return secret


def create_org(args: Namespace) -> Answer:
    organization_id = create_organization(
        name=args.name,
        slug=args.slug,
        timezone=args.timezone,
        currency=args.currency,
        region=args.region,
    )
    return {"id": str(organization_id), "slug": args.slug}


def create_user_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    password = _secret_from_stdin("password")
    with as_system(organization_id) as db:
        user = create_user(db, email=args.email, password=password, role=args.role, name=args.name)
        link_user(db, user.id, args.email)
    return {"id": str(user.id), "organization_id": str(organization_id), "role": args.role}


def create_closer_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        closer = create_closer(db, organization_id, args.name, args.email, aliases=args.alias)
    return {"id": str(closer.id), "organization_id": str(organization_id)}


def create_setter_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        setter = create_setter(db, organization_id, args.name, args.email, aliases=args.alias)
    return {"id": str(setter.id), "organization_id": str(organization_id)}


def create_connection_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    secret = _secret_from_stdin("secret")
    with as_system(organization_id) as db:
        connection = create_connection(
            db,
            organization_id,
            args.provider,
            args.name,
            secret,
            account_id=args.account,
            rate_limit=args.rate_limit,
        )
    return {
        "id": str(connection.id),
        "organization_id": str(organization_id),
        "url": connection_url(connection),
    }


def create_api_key_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    scopes = [scope for given in args.scopes for scope in given.split(",")]
    with as_system(organization_id) as db:
        made = create_api_key(db, args.name, scopes)
    return {"id": str(made.id), "organization_id": str(organization_id), "key": made.key}


def clear_second_factor_command(args: Namespace) -> Answer:
    """For somebody who has lost the telephone and the recovery codes; make sure first that it is
    them who asks.
    """
    with as_guest(WORKER_ROLE) as db:
        if not clear_second_factor(db, normalize_email(args.email) or ""):
            raise NotFound(f"Nobody with the address “{args.email}” has a second factor.")
    return {"email": args.email, "cleared": True}


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {
    "create-org": create_org,
    "create-user": create_user_command,
    "create-closer": create_closer_command,
    "create-setter": create_setter_command,
    "create-connection": create_connection_command,
    "create-api-key": create_api_key_command,
    "clear-second-factor": clear_second_factor_command,
}
