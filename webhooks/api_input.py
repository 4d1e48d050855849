"""Reading what programs send: JSON bodies, days, ids, lists; each mistake names its field."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from starlette.requests import Request

from core.platform.clock import Period
from core.platform.errors import InvalidInput, NotFound

ZERO_BYTE = "\0"


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises InvalidInput, also for half characters (``\\ud800``), which
    nothing can store.
    """
    try:
        made = json.loads(body or b"{}")
        json.dumps(made, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON.", field="body") from error
    if not isinstance(made, dict):
        raise InvalidInput("The body must be a JSON object.", field="body")
    return made


def text_of(body: dict[str, Any], field: str, *, required: bool = True) -> str:
    """A text of the body. Raises InvalidInput."""
    value = body.get(field)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or ZERO_BYTE in value or (required and not value.strip()):
        raise InvalidInput(f"{field} must be a text.", field=field)
    return value


def day_of(value: Any, field: str) -> date:
    """A day like 2026-11-02. Raises InvalidInput."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{field} must be a day like 2026-11-02.", field=field) from error


def period_of(
    start: Any, end: Any, timezone: str, *, names: tuple[str, str] = ("start", "end")
) -> Period:
    """The days from ``start`` up to, not including, ``end``. Raises InvalidInput."""
    first, last = day_of(start, names[0]), day_of(end, names[1])
    if last <= first:
        raise InvalidInput(f"{names[1]} must come after {names[0]}.", field=names[1])
    if not date(1971, 1, 1) <= first <= last <= date(9998, 1, 1):
        raise InvalidInput("The days lie outside of what can be counted.", field=names[0])
    return Period(first, last, timezone)


def optional_period(request: Request, timezone: str) -> Period | None:
    """``start`` and ``end`` when both are given, None when neither is. Raises InvalidInput."""
    start, end = request.query_params.get("start"), request.query_params.get("end")
    return period_of(start, end, timezone) if start or end else None


def path_id(request: Request) -> UUID:
    """The id in the path. Raises NotFound for one that cannot be any."""
    try:
        return UUID(request.path_params["id"])
    except ValueError as error:
        raise NotFound("There is nothing with this id.") from error


def words_of(request: Request, name: str, allowed: Collection[str]) -> list[str]:
    """Words of a list, separated by commas. Raises InvalidInput for one that is not on it."""
    words = [part.strip() for part in request.query_params.get(name, "").split(",") if part.strip()]
    if unknown := [word for word in words if word not in allowed]:
        raise InvalidInput(
            f"{name} cannot be “{unknown[0]}”; use {', '.join(allowed)}.", field=name
        )
    return words


def ids_of(text: str, field: str) -> tuple[UUID, ...]:
    """Ids separated by commas. Raises InvalidInput."""
    try:
        return tuple(UUID(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidInput(f"{field} takes ids, separated by commas.", field=field) from error
