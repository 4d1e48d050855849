"""Every kind of background work, by name. Arguments are ids; each run opens its own transactions as
the organisation's system.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from procrastinate import App, JobContext, RetryDecision, RetryStrategy
from procrastinate.jobs import Job

from core.messages.account_emails import send_password_changed, send_password_reset
from core.messages.reports import due_posts
from core.money.attribution import attribute_event, attribute_payment
from core.operations.privacy import forget_deliveries, forget_recordings
from core.operations.samples import send_test_delivery
from core.platform.clock import now
from core.platform.database import as_system
from core.platform.errors import RateLimited
from core.platform.settings import settings
from core.providers.integrations import verify_due, verify_integration
from jobs.deliveries import MAX_ATTEMPTS, process_delivery, sweep_deliveries
from jobs.outbox import send_outbox, sweep_outbox
from jobs.runs import recorded


class RetryWithBackoff(RetryStrategy):
    """Tries again after ever longer pauses, and not before the provider wants to be asked again."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        decision = super().get_retry_decision(exception=exception, job=job)
        if decision is None or decision.retry_at is None or not isinstance(exception, RateLimited):
            return decision
        asked_for = now() + timedelta(seconds=exception.retry_after_s + random.random())  # noqa: S311 - spreads, hides nothing
        return RetryDecision(retry_at=max(decision.retry_at, asked_for))


RETRY = RetryWithBackoff(max_attempts=MAX_ATTEMPTS, exponential_wait=2)


@dataclass(frozen=True)
class Run:
    """One run of one job: for whom, and the how-manieth it is, from 1."""

    organization_id: UUID
    attempt: int


def _process_delivery(run: Run, delivery_id: str) -> None:
    process_delivery(run.organization_id, UUID(delivery_id), attempt=run.attempt)


def _attribute_event(run: Run, event_id: str) -> None:
    with as_system(run.organization_id) as db:
        attribute_event(db, run.organization_id, UUID(event_id))


def _attribute_payment(run: Run, payment_id: str) -> None:
    with as_system(run.organization_id) as db:
        attribute_payment(db, run.organization_id, UUID(payment_id))


def _sweep(run: Run) -> None:
    sweep_deliveries(run.organization_id)
    sweep_outbox(run.organization_id)


def _send_outbox(run: Run, message_id: str) -> None:
    send_outbox(run.organization_id, UUID(message_id), attempt=run.attempt)


def _send_password_reset(run: Run, user_id: str | None) -> None:
    if (
        user_id is None
    ):  # somebody asked with an address that is no account's, which must make no difference to them
        return
    with as_system(run.organization_id) as db:
        send_password_reset(db, run.organization_id, UUID(user_id))


def _send_password_changed(run: Run, user_id: str) -> None:
    with as_system(run.organization_id) as db:
        send_password_changed(db, run.organization_id, UUID(user_id))


def _post_reports(run: Run) -> None:
    with as_system(run.organization_id) as db:
        due_posts(db, run.organization_id, now())


def _forget_deliveries(run: Run) -> None:
    forget_deliveries(run.organization_id)
    forget_recordings(run.organization_id)


def _send_test_delivery(run: Run, connection_id: str) -> None:
    send_test_delivery(run.organization_id, UUID(connection_id), settings().webhook_public_url)


def _verify_integration(run: Run, integration_id: str) -> None:
    verify_integration(run.organization_id, UUID(integration_id))


def _verify_integrations(run: Run) -> None:
    verify_due(run.organization_id)


TASKS: dict[str, Callable[..., None]] = {
    "process_delivery": _process_delivery,
    "attribute_event": _attribute_event,
    "attribute_payment": _attribute_payment,
    "sweep_deliveries": _sweep,
    "send_test_delivery": _send_test_delivery,
    "send_outbox": _send_outbox,
    "post_reports": _post_reports,
    "forget_deliveries": _forget_deliveries,
    "send_password_reset": _send_password_reset,
    "send_password_changed": _send_password_changed,
    "verify_integration": _verify_integration,
    "verify_integrations": _verify_integrations,
}
ONCE = {
    "send_test_delivery",
    "verify_integration",
}  # somebody waits for the answer and can press the button again
# Their result stands on the row that they are about; a second row for each would double the writes.
SPEAK_FOR_THEMSELVES = {
    "process_delivery",
    "attribute_event",
    "attribute_payment",
    "sweep_deliveries",
    "send_outbox",
    "post_reports",
    "send_password_reset",
    "send_password_changed",
    "verify_integration",
    "verify_integrations",
}


def register(app: App) -> None:
    """Register the tasks with the queue under the names that ``enqueue`` uses."""
    for name, work in TASKS.items():
        app.task(name=name, retry=name not in ONCE and RETRY, pass_context=True)(
            _runner(name, work)
        )


def _runner(name: str, work: Callable[..., None]) -> Callable[..., None]:
    def run(context: JobContext, organization_id: str, **ids: str) -> None:
        this = Run(UUID(organization_id), context.job.attempts + 1)
        with recorded(
            this.organization_id, name, this.attempt, also_success=name not in SPEAK_FOR_THEMSELVES
        ):
            work(this, **ids)

    return run
