"""Background tasks, declared beside the function that they run.

``@task()`` stands on a function that begins with ``db``, which receives a transaction with the
system's identity in the organisation, or with ``organization_id``, which opens its own. Its other
arguments are ids, or lists of them: they travel through the queue as JSON and are read back by
their annotations. A
keyword-only ``attempt`` receives the number of the attempt, from 1.

The function is still called directly like any other. ``later`` has a worker run it for the
organisation of the transaction and in that transaction, with which it is rolled back.

    @task(once=by("event_id"))
    def attribute_event(db: Session, event_id: UUID) -> None: ...

    attribute_event.later(db, event.id)

A lower layer that needs work done by a higher one declares the task with ``@declare``, and the
higher one fills it in with ``@implements``. The name in the queue is the function's own unless
``name`` says otherwise. It must never change: jobs that wait during an upgrade are found by it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, get_args, get_type_hints, overload
from uuid import UUID

from sqlalchemy.orm import Session

from core.platform.database import as_system, organization_id_of
from core.platform.queue import enqueue

MAX_ATTEMPTS = 8

All = ParamSpec("All")  # all arguments of the function
Ids = ParamSpec("Ids")  # those of them that travel through the queue
R = TypeVar("R")
Once = Callable[[str, Mapping[str, Any]], str]


def by(*names: str) -> Once:
    """Makes one waiting job enough for each combination of these arguments."""

    def key(task: str, ids: Mapping[str, Any]) -> str:
        return " ".join([task, *(str(ids[name]) for name in names)])

    return key


@dataclass(frozen=True)
class Schedule:
    """How often the clock enqueues a task: at an interval, or by a crontab line in UTC."""

    every: timedelta | None = None
    cron: str | None = None


@dataclass(frozen=True)
class Options:
    """How the queue treats a task; see ``task``."""

    name: str | None
    once: Once | None
    retry: bool
    log_success: bool
    priority: int
    schedule: Schedule | None


class Task(Generic[All, Ids, R]):
    """One kind of background work."""

    def __init__(self, declared: Callable[All, R], options: Options) -> None:
        update_wrapper(self, declared)
        self.name = options.name or declared.__name__
        self.options = options
        self.declared = declared
        self.function: Callable[All, R] | None = None

    def __call__(self, *args: All.args, **kwargs: All.kwargs) -> R:
        """Call the function here and now."""
        if self.function is None:
            raise RuntimeError(f"The module that implements {self.name} has not been imported.")
        return self.function(*args, **kwargs)

    def later(self, db: Session, *args: Ids.args, **kwargs: Ids.kwargs) -> bool:
        """Have a worker run it after this transaction commits. Returns False when the same work was
        waiting already.
        """
        return self._enqueue(db, None, *args, **kwargs)

    def later_at(self, db: Session, at: datetime, *args: Ids.args, **kwargs: Ids.kwargs) -> bool:
        """Have a worker run it at an instant. Returns False when it was waiting already."""
        return self._enqueue(db, at, *args, **kwargs)

    def _enqueue(
        self, db: Session, at: datetime | None, *args: Ids.args, **kwargs: Ids.kwargs
    ) -> bool:
        bound = self._ids.bind(*args, **kwargs)
        ids = {name: _written(value) for name, value in bound.arguments.items()}
        once = self.options.once and self.options.once(self.name, ids)
        return enqueue(db, self.name, ids, once=once, at=at, priority=self.options.priority)

    def tick(self, db: Session) -> bool:
        """Enqueue it because its time has come, unless the job of the last time still waits."""
        return enqueue(db, self.name, {}, once=f"{self.name} {organization_id_of(db)}")

    def run(self, organization_id: UUID, attempt: int, args: Mapping[str, Any]) -> None:
        """Run it as a worker does, with the arguments as the queue stores them."""
        work: Callable[..., Any] = self
        ids = {name: _read(self._annotations.get(name), value) for name, value in args.items()}
        if "attempt" in self._parameters:
            ids["attempt"] = attempt
        if "db" not in self._parameters:
            work(organization_id, **ids)
            return
        with as_system(organization_id) as db:
            work(db, **ids)

    @cached_property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.declared).parameters)

    @cached_property
    def _ids(self) -> inspect.Signature:
        """The function's arguments that travel through the queue."""
        supplied = {"db", "organization_id"}
        return inspect.Signature(
            [
                parameter
                for name, parameter in self._parameters.items()
                if name not in supplied and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
            ]
        )

    @cached_property
    def _annotations(self) -> dict[str, Any]:
        return get_type_hints(self.declared)


def _written(value: Any) -> Any:
    """An argument as it travels through the queue."""
    if isinstance(value, list):
        return [_written(each) for each in value]
    return str(value) if isinstance(value, UUID) else value


def _read(annotation: Any, value: Any) -> Any:
    if value is None or UUID not in (annotation, *get_args(annotation)):
        return value
    return [UUID(each) for each in value] if isinstance(value, list) else UUID(value)


AnyTask = Task[..., ..., Any]
TASKS: dict[str, AnyTask] = {}


@dataclass(frozen=True)
class _Declaration:
    options: Options
    is_implemented: bool

    @overload
    def __call__(
        self, function: Callable[Concatenate[Session, Ids], R]
    ) -> Task[Concatenate[Session, Ids], Ids, R]: ...

    @overload
    def __call__(
        self, function: Callable[Concatenate[UUID, Ids], R]
    ) -> Task[Concatenate[UUID, Ids], Ids, R]: ...

    def __call__(self, function: Callable[..., Any]) -> AnyTask:
        made: AnyTask = Task(function, self.options)
        if made.name in TASKS:
            raise ValueError(f"Two tasks are called {made.name}.")
        made.function = function if self.is_implemented else None
        TASKS[made.name] = made
        return made


def task(
    *,
    name: str | None = None,
    once: Once | None = None,
    retry: bool = True,
    log_success: bool = False,
    priority: int = 0,
    every: timedelta | None = None,
    cron: str | None = None,
) -> _Declaration:
    """Make a task of the function below.

    ``once`` names work of which one waiting job is enough, see ``by``. Without ``retry`` a failure
    is final, which suits work whose answer somebody waits for. A failed run always leaves a row in
    ``job_runs``; with ``log_success`` a successful one does too, which suits work whose result is
    recorded nowhere else. With ``every`` or ``cron`` the clock enqueues it for each organisation.
    """
    return _Declaration(
        Options(name, once, retry, log_success, priority, _schedule(every, cron)), True
    )


def declare(
    *,
    name: str | None = None,
    once: Once | None = None,
    retry: bool = True,
    log_success: bool = False,
    priority: int = 0,
) -> _Declaration:
    """Declare a task that a higher layer implements, with the options of ``task``. The function
    below states its arguments and has no body.
    """
    return _Declaration(Options(name, once, retry, log_success, priority, None), False)


def implements(declared: Task[All, Ids, R]) -> Callable[[Callable[All, R]], Task[All, Ids, R]]:
    """The function below is what ``declared`` runs."""

    def fill_in(function: Callable[All, R]) -> Task[All, Ids, R]:
        if declared.function is not None:
            raise ValueError(f"The task {declared.name} is implemented twice.")
        update_wrapper(declared, function)
        declared.function = declared.declared = function
        return declared

    return fill_in


@dataclass(frozen=True)
class Tick:
    """Work of the clock itself, done once for the whole installation."""

    run: Callable[[], None]
    schedule: Schedule


TICKS: list[Tick] = []


def tick(
    *, every: timedelta | None = None, cron: str | None = None
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Have the clock call the function below. It must belong to no organisation and be quick."""
    schedule = _schedule(every, cron)
    if schedule is None:
        raise ValueError("A tick needs every= or cron=.")

    def add(function: Callable[[], None]) -> Callable[[], None]:
        TICKS.append(Tick(function, schedule))
        return function

    return add


def _schedule(every: timedelta | None, cron: str | None) -> Schedule | None:
    return None if every is None and cron is None else Schedule(every, cron)
