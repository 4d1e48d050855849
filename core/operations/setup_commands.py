"""Commands that set up an installation: organisations, people, the roster, connections and keys."""

from __future__ import annotations

import sys
from argparse import Namespace
from uuid import UUID

from core.operations.commands import ORGANIZATION, Answer, argument, command
from core.platform.errors import InvalidInput, NotFound

REP = (
    ORGANIZATION,
    argument("--name", required=True),
    argument("--email"),
    argument(
        "--alias", action="append", default=[], help="another name by which bookings mention them"
    ),
)


def organization_named(slug_or_id: str) -> UUID:
    """The organisation given by ``--org``. Raises NotFound."""
    from core.platform.database import WORKER_ROLE, as_guest
    from core.tenancy.organizations.actions import find_organization

    with as_guest(WORKER_ROLE) as db:
        return find_organization(db, slug_or_id)


def _secret_from_stdin(what: str) -> str:
    """A secret from standard input: every user of the machine can read a program's arguments."""
    secret = sys.stdin.read().strip()
    if not secret:
        raise InvalidInput(f"Write the {what} to standard input.", field=what)
    return secret


def _roles() -> list[str]:
    from core.tenancy.access.models import MEMBER_ROLES, Role

    return [str(role) for role in (*MEMBER_ROLES, Role.SUPER_ADMIN)]


@command(
    "create-org",
    "make an organisation",
    argument("--name", required=True),
    argument("--slug", required=True),
    argument("--timezone", required=True),
    argument("--currency", required=True),
    argument(
        "--region", default="US", help="country whose phone numbers are read without a prefix"
    ),
    argument("--locale", help="by which numbers and dates are written; that of the region if none"),
)
def create_org(args: Namespace) -> Answer:
    from core.tenancy.organizations.actions import create_organization

    organization_id = create_organization(
        name=args.name,
        slug=args.slug,
        timezone=args.timezone,
        currency=args.currency,
        region=args.region,
        locale=args.locale,
    )
    return {"id": str(organization_id), "slug": args.slug}


@command(
    "create-user",
    "make a user; the password comes on standard input",
    ORGANIZATION,
    argument("--email", required=True),
    argument("--name"),
    argument("--password-stdin", action="store_true", required=True),
    argument("--role", required=True, choices=_roles),
)
def create_user_command(args: Namespace) -> Answer:
    from core.bookings.roster import link_user
    from core.platform.database import as_system
    from core.tenancy.access.members import create_user

    organization_id = organization_named(args.org)
    password = _secret_from_stdin("password")
    with as_system(organization_id) as db:
        user = create_user(db, email=args.email, password=password, role=args.role, name=args.name)
        link_user(db, user.id, args.email)
    return {"id": str(user.id), "organization_id": str(organization_id), "role": args.role}


@command("create-closer", "add a closer to the roster", *REP)
def create_closer_command(args: Namespace) -> Answer:
    from core.bookings.closer_reassignment import claim_hosted
    from core.bookings.roster import create_closer
    from core.platform.database import as_system

    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        closer = create_closer(db, args.name, args.email, aliases=args.alias)
        claim_hosted(db, closer)
    return {"id": str(closer.id), "organization_id": str(organization_id)}


@command("create-setter", "add a setter to the roster", *REP)
def create_setter_command(args: Namespace) -> Answer:
    from core.bookings.roster import create_setter, words_of
    from core.bookings.setter_reassignment import rematch_setters
    from core.platform.database import as_system

    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        setter = create_setter(db, args.name, args.email, aliases=args.alias)
        rematch_setters(db, words_of(setter))
    return {"id": str(setter.id), "organization_id": str(organization_id)}


@command(
    "create-connection",
    "open a webhook endpoint; its secret comes on standard input",
    ORGANIZATION,
    argument("--provider", required=True),
    argument("--name", required=True),
    argument("--secret-stdin", action="store_true", required=True),
    argument("--account", help="the provider's own account id"),
    argument("--rate-limit", type=int, metavar="PER_MINUTE"),
)
def create_connection_command(args: Namespace) -> Answer:
    from core.platform.database import as_system
    from core.providers.connections import connection_url, create_connection

    organization_id = organization_named(args.org)
    secret = _secret_from_stdin("secret")
    with as_system(organization_id) as db:
        connection = create_connection(
            db,
            args.provider,
            args.name,
            secret,
            account_id=args.account,
            rate_limit=args.rate_limit,
        )
        url = connection_url(db, connection)
    return {
        "id": str(connection.id),
        "organization_id": str(organization_id),
        "url": url,
    }


@command(
    "create-api-key",
    "make a key for a program; it is shown this once",
    ORGANIZATION,
    argument("--name", required=True),
    argument("--scopes", nargs="+", required=True, help="read, write, all, or names of resources"),
)
def create_api_key_command(args: Namespace) -> Answer:
    from core.platform.database import as_system
    from core.tenancy.access.api_keys import create_api_key

    organization_id = organization_named(args.org)
    scopes = [scope for given in args.scopes for scope in given.split(",")]
    with as_system(organization_id) as db:
        made = create_api_key(db, args.name, scopes)
    return {"id": str(made.id), "organization_id": str(organization_id), "key": made.key}


@command(
    "clear-second-factor",
    "let somebody sign in who has lost the telephone and the recovery codes",
    argument("--email", required=True),
)
def clear_second_factor_command(args: Namespace) -> Answer:
    """For somebody who has lost both their phone and the recovery codes. Make sure first that it is
    really them who asks.
    """
    from core.platform.database import WORKER_ROLE, as_guest
    from core.platform.normalization import normalize_email
    from core.tenancy.identity.second_factor import clear

    with as_guest(WORKER_ROLE) as db:
        if not clear(db, normalize_email(args.email) or ""):
            raise NotFound(f"Nobody with the address “{args.email}” has a second factor.")
    return {"email": args.email, "cleared": True}
