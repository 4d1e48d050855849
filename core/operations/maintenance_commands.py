"""Commands that maintain an installation: migrate, demo, doctor, backup, keys, deliveries,
samples.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from core.operations.commands import ORGANIZATION, Answer, argument, command
from core.operations.setup_commands import organization_named
from core.platform.errors import InvalidInput, ProviderUnavailable

FILE = argument("file", type=Path)


@command("migrate", "bring the database to this version")
def migrate_command(_: Namespace) -> Answer:
    from core.migrations.upgrade import migrate

    migrate()
    return {"migrated": True}


@command("seed-demo", "make the demo's organisations and sign-ins where they are missing")
def seed_demo_command(_: Namespace) -> Answer:
    """Create the demo's organisations that do not exist yet. Returns the sign-ins by role."""
    from core.operations.demo import seed_demo, sign_ins

    made = seed_demo()
    people = {
        role: {"email": email, "password": password}
        for role, (email, password) in sign_ins().items()
    }
    return {"organizations": made, "sign_ins": people}


@command("doctor", "check the installation; each line says how to mend what is wrong")
def doctor_command(_: Namespace) -> Answer:
    from core.operations.doctor import summary

    return summary()


@command("backup", "write the whole database to a new file", FILE)
def backup_command(args: Namespace) -> Answer:
    from core.operations.backup import backup

    rows = backup(args.file)
    print(
        "Keep ENCRYPTION_MASTER_KEY apart from this file: stored secrets open only with it.",
        file=sys.stderr,
    )
    return {"file": str(args.file), "bytes": args.file.stat().st_size, "rows": rows}


@command("restore", "fill an empty database from a backup", FILE)
def restore_command(args: Namespace) -> Answer:
    from core.operations.backup import restore

    return {"file": str(args.file), "rows": restore(args.file)}


@command("rotate-keys", "seal every stored secret again under the current master key")
def rotate_keys_command(_: Namespace) -> Answer:
    from core.operations.keys import reseal_secrets

    resealed, current = reseal_secrets()
    return {"resealed": resealed, "already_current": current}


@command(
    "replay",
    "process deliveries again: the dead ones, or all since an instant",
    ORGANIZATION,
    argument("--connection"),
    argument("--since"),
)
def replay_command(args: Namespace) -> Answer:
    """Process deliveries again: the failed ones, or all since an instant."""
    from core.deliveries.actions import replay_deliveries
    from core.deliveries.models import DeliveryStatus
    from core.platform.database import as_system

    organization_id = organization_named(args.org)
    since = _instant(args.since) if args.since else None
    states = None if since else [DeliveryStatus.DEAD]
    with as_system(organization_id) as db:
        replayed = replay_deliveries(db, args.connection, since=since, states=states)
    return {"organization_id": str(organization_id), "replayed": replayed}


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"“{text}” is not an instant; write it like 2026-11-02T15:00:00+00:00.", field="since"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@command("dead-letters", "deliveries that could not be processed", ORGANIZATION)
def dead_letters_command(args: Namespace) -> Answer:
    """The deliveries that every retry failed on, oldest first."""
    from sqlalchemy import select

    from core.deliveries.models import WebhookConnection
    from core.deliveries.queries import dead_letters
    from core.platform.database import as_system

    organization_id = organization_named(args.org)
    with as_system(organization_id) as db:
        names = dict(db.execute(select(WebhookConnection.id, WebhookConnection.name)).all())
        dead = dead_letters(db)
    items = [
        {
            "id": str(letter.id),
            "provider": letter.provider,
            "connection": names[letter.connection_id],
            "event_type": letter.event_type,
            "received_at": letter.received_at.isoformat(),
            "attempts": letter.attempts,
            "reason": letter.last_error,
        }
        for letter in dead
    ]
    return {"organization_id": str(organization_id), "count": len(items), "items": items}


@command(
    "send-samples",
    "post genuine signed sample deliveries to a running receiver",
    ORGANIZATION,
    argument("--url", help="the receiver's address, by default WEBHOOK_PUBLIC_URL"),
)
def send_samples_command(args: Namespace) -> Answer:
    import httpx

    from core.operations.samples import send_samples
    from core.platform.settings import settings

    organization_id = organization_named(args.org)
    url = args.url or settings().webhook_public_url
    try:
        return send_samples(organization_id, url)
    except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
        raise ProviderUnavailable(
            f"No receiver answers at {url}. Is it running? Give its address with --url."
        ) from error
