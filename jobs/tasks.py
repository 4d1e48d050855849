"""Registers the tasks that core's packages declare with the queue's engine."""

from __future__ import annotations

import pkgutil
import random
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from uuid import UUID

from procrastinate import App, JobContext, RetryDecision, RetryStrategy
from procrastinate.jobs import Job

from core.platform.clock import now
from core.platform.errors import RateLimited
from core.platform.tasks import MAX_ATTEMPTS, TASKS, AnyTask
from jobs.runs import recorded

WITHOUT_TASKS = {"core.__main__", "core.migrations", "core.ui"}


class RetryWithBackoff(RetryStrategy):
    """Retries after longer and longer pauses, and not before the provider allows it."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        decision = super().get_retry_decision(exception=exception, job=job)
        if decision is None or decision.retry_at is None or not isinstance(exception, RateLimited):
            return decision
        # Spreads the retries of many jobs over a second.
        asked_for = now() + timedelta(seconds=exception.retry_after_s + random.random())  # noqa: S311
        return RetryDecision(retry_at=max(decision.retry_at, asked_for))


RETRY = RetryWithBackoff(max_attempts=MAX_ATTEMPTS, exponential_wait=2)


def import_declarations(package: str = "core") -> None:
    """Import every module of ``core`` that may declare a task, a tick or a channel."""
    for found in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if found.name in WITHOUT_TASKS:
            continue
        import_module(found.name)
        if found.ispkg:
            import_declarations(found.name)


def register(app: App) -> None:
    """Register every declared task with the queue under its name."""
    for task in TASKS.values():
        retry = task.options.retry and RETRY
        app.task(name=task.name, retry=retry, pass_context=True)(_runner(task))


def _runner(task: AnyTask) -> Callable[..., None]:
    def run(context: JobContext, organization_id: str, **args: str | int | None) -> None:
        organization, attempt = UUID(organization_id), context.job.attempts + 1
        with recorded(organization, task.name, attempt, also_success=task.options.log_success):
            task.run(organization, attempt, args)

    return run


import_declarations()
