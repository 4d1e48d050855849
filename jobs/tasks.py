"""Every kind of background work, by name. Arguments are ids; each run opens its own transactions as the organisation's system."""
from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from procrastinate import App, RetryStrategy

from core.money.attribution import attribute_event, attribute_payment
from core.platform.database import as_system
from jobs.deliveries import MAX_ATTEMPTS, process_delivery, sweep_deliveries
from jobs.runs import recorded

RETRY = RetryStrategy(max_attempts=MAX_ATTEMPTS, exponential_wait=2)


def register(app: App) -> None:
    """Make the tasks known to the queue under the names that ``core.platform.queue.enqueue`` uses."""
    for name, work in TASKS.items():
        app.task(name=name, retry=RETRY)(work)


def _process_delivery(organization_id: str, delivery_id: str) -> None:
    process_delivery(UUID(organization_id), UUID(delivery_id))


def _attribute_event(organization_id: str, event_id: str) -> None:
    with recorded(UUID(organization_id), "attribute_event"), as_system(UUID(organization_id)) as db:
        attribute_event(db, UUID(organization_id), UUID(event_id))


def _attribute_payment(organization_id: str, payment_id: str) -> None:
    with recorded(UUID(organization_id), "attribute_payment"), as_system(UUID(organization_id)) as db:
        attribute_payment(db, UUID(organization_id), UUID(payment_id))


def _sweep(organization_id: str) -> None:
    with recorded(UUID(organization_id), "sweep_deliveries"):
        sweep_deliveries(UUID(organization_id))


TASKS: dict[str, Callable[..., None]] = {
    "process_delivery": _process_delivery,
    "attribute_event": _attribute_event,
    "attribute_payment": _attribute_payment,
    "sweep_deliveries": _sweep,
}
