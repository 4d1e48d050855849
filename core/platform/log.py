"""Structured logs: one JSON object a line, with ids and never personal data or secrets."""

from __future__ import annotations

import logging
import sys

import structlog

from core.platform.outage import is_outage


class WithoutOutages(logging.Filter):
    """Leaves out what packages write of each attempt to reach a database that is away: that it is
    away has a line of its own (``core.platform.outage``).
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and is_outage(record.exc_info[1]))


def configure(level: str = "INFO") -> None:
    """Send the process's log to standard error; call once at start."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s")
    for noisy in ("httpx", "httpcore", "apscheduler", "procrastinate", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A pool's warnings are of broken connections and failed attempts only.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(WithoutOutages())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry ``name``."""
    return structlog.get_logger(
        component=name
    )  # lazy: bind() would fix the configuration of this moment
