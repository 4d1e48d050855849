"""Commands that look after an installation: migrate, demo, doctor, deliveries, samples."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import select

from core.deliveries.actions import replay
from core.deliveries.models import DeliveryStatus, WebhookConnection, WebhookDelivery
from core.deliveries.queries import dead_letters
from core.migrations.upgrade import migrate
from core.operations.backup import backup, restore
from core.operations.demo import seed_demo, sign_ins
from core.operations.doctor import summary
from core.operations.keys import reseal_secrets
from core.operations.samples import send_samples
from core.operations.setup_commands import organization_named
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import InvalidInput, ProviderUnavailable

Answer = dict[str, Any]


def migrate_command(_: Namespace) -> Answer:
    migrate()
    return {"migrated": True}


def replay_command(args: Namespace) -> Answer:
    """Process deliveries again: the dead ones, or every one since an instant."""
    organization_id = organization_named(args.org)
    wanted = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.body != b"")
        .order_by(WebhookDelivery.received_at)
    )
    if args.connection:
        wanted = wanted.where(WebhookDelivery.connection_id == args.connection)
    wanted = wanted.where(
        WebhookDelivery.received_at >= _instant(args.since)
        if args.since
        else WebhookDelivery.status == DeliveryStatus.DEAD
    )
    with as_system(organization_id) as db:
        found = list(db.scalars(wanted))
        for delivery_id in found:
            replay(db, delivery_id)
    return {"organization_id": str(organization_id), "replayed": len(found)}


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"“{text}” is not an instant; write it like 2026-11-02T15:00:00+00:00.", field="since"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=now().tzinfo)


def dead_letters_command(args: Namespace) -> Answer:
    """The deliveries that every retry failed on, oldest first."""
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


def send_samples_command(args: Namespace) -> Answer:
    organization_id = organization_named(args.org)
    try:
        return send_samples(organization_id, args.url)
    except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
        raise ProviderUnavailable(
            f"No receiver answers at {args.url}. Is it running? Give its address with --url."
        ) from error


def seed_demo_command(_: Namespace) -> Answer:
    """Make the demo's organisations that are not there yet; sign-ins by role."""
    made = seed_demo()
    people = {
        role: {"email": email, "password": password}
        for role, (email, password) in sign_ins().items()
    }
    return {"organizations": made, "sign_ins": people}


def doctor_command(_: Namespace) -> Answer:
    return summary()


def backup_command(args: Namespace) -> Answer:
    rows = backup(args.file)
    print(
        "Keep ENCRYPTION_MASTER_KEY apart from this file: stored secrets open only with it.",
        file=sys.stderr,
    )
    return {"file": str(args.file), "bytes": args.file.stat().st_size, "rows": rows}


def restore_command(args: Namespace) -> Answer:
    return {"file": str(args.file), "rows": restore(args.file)}


def rotate_keys_command(_: Namespace) -> Answer:
    resealed, current = reseal_secrets()
    return {"resealed": resealed, "already_current": current}


COMMANDS: dict[str, Callable[[Namespace], Answer]] = {
    "migrate": migrate_command,
    "seed-demo": seed_demo_command,
    "doctor": doctor_command,
    "backup": backup_command,
    "restore": restore_command,
    "rotate-keys": rotate_keys_command,
    "replay": replay_command,
    "dead-letters": dead_letters_command,
    "send-samples": send_samples_command,
}
