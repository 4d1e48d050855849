"""Figures for Prometheus: how much work waits, for how long, what fails, and how the database
responds.

The figures are those of the installation; they contain no organisation's data.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout
from sqlalchemy.pool import QueuePool

from core.platform.database import ENGINES
from webhooks.pool import pool, pooled_connection

deliveries_total = Counter(
    "salesops_deliveries_total", "Webhook deliveries by how they were answered", ["answer"]
)

FIGURES = """
    select 'jobs' as figure, j.status::text as label, count(*)::double precision as value
      from jobs.procrastinate_jobs j group by j.status
    union all
    select 'oldest_job', '',
           coalesce(extract(epoch from clock_timestamp() - min(j.scheduled_at)), 0)
      from jobs.procrastinate_jobs j where j.status = 'todo' and j.scheduled_at <= now()
    union all
    select figure, label, value from app.work_figures()
"""
FIGURES_S = 30  # on a large installation they are counted for longer than a delivery is stored
# The name of the figure in the database, the name of the metric, its label, and what it means.
GAUGES = (
    ("jobs", "salesops_jobs", "state", "Background jobs on the queue by state"),
    (
        "oldest_job",
        "salesops_oldest_waiting_job_age_seconds",
        None,
        "How long the background job that is due and has waited longest has waited",
    ),
    (
        "job_failures",
        "salesops_job_failures_last_hour",
        "task",
        "Failed runs of background jobs in the last hour by task",
    ),
    (
        "pending_deliveries",
        "salesops_pending_deliveries",
        None,
        "Accepted webhook deliveries that are not processed yet",
    ),
    (
        "oldest_pending_delivery",
        "salesops_oldest_pending_delivery_age_seconds",
        None,
        "How long the oldest delivery that is not processed yet has waited",
    ),
)
ALWAYS_SHOWN = {("jobs", state): 0.0 for state in ("todo", "doing", "failed")}


@dataclass(frozen=True, eq=False)  # the registry compares its collectors by identity
class Reading(Collector):
    """What one query of the database returned; without figures when it could not be reached."""

    round_trip_s: float | None = None
    figures: dict[tuple[str, str], float] = field(default_factory=dict)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "salesops_database_up",
            "Whether the database answered this request",
            value=float(self.round_trip_s is not None),
        )
        yield from _pools()
        if self.round_trip_s is None:
            return
        yield GaugeMetricFamily(
            "salesops_database_round_trip_seconds",
            "How long the database took to answer an empty statement",
            value=self.round_trip_s,
        )
        yield from self._gauges()

    def _gauges(self) -> Iterator[GaugeMetricFamily]:
        values: dict[str, dict[str, float]] = defaultdict(dict)
        for (figure, label), value in self.figures.items():
            values[figure][label] = value
        for figure, name, label_name, meaning in GAUGES:
            family = GaugeMetricFamily(name, meaning, labels=[label_name] if label_name else [])
            for label, value in sorted(values[figure].items()):
                family.add_metric([label] if label_name else [], value)
            yield family


def _pools() -> Iterator[GaugeMetricFamily]:
    connections = GaugeMetricFamily(
        "salesops_database_connections",
        "Connections to the database that this process holds, by pool and state",
        labels=["pool", "state"],
    )
    own = pool().get_stats()
    idle = own.get("pool_available", 0)
    counts = {"receiver": (own.get("pool_size", 0) - idle, idle)}
    for role, engine in ENGINES.items():
        if isinstance(engine.pool, QueuePool):  # a new one after every dispose()
            counts[role] = (engine.pool.checkedout(), engine.pool.checkedin())
    for name, (in_use, free) in counts.items():
        connections.add_metric([name, "in_use"], in_use)
        connections.add_metric([name, "idle"], free)
    yield connections
    yield GaugeMetricFamily(
        "salesops_database_waiting_requests",
        "Requests of the receiver that wait for a connection",
        value=own.get("requests_waiting", 0),
    )


async def prometheus_text() -> bytes:
    """Everything in Prometheus' text format. When the database is away, the counters of this
    process are still there.
    """
    now = CollectorRegistry()
    now.register(await _look())
    return generate_latest() + generate_latest(now)


async def _look() -> Reading:
    try:
        async with pooled_connection(FIGURES_S) as db:
            started = time.perf_counter()
            await db.execute("select 1")
            round_trip_s = time.perf_counter() - started
            rows = await (await db.execute(FIGURES)).fetchall()
    except (psycopg.Error, PoolTimeout):
        return Reading()
    return Reading(round_trip_s, ALWAYS_SHOWN | {(row[0], row[1]): row[2] for row in rows})
