"""What figures can be grouped by, as SQL for events (``e``) and for payments (``p``)."""

from __future__ import annotations

from dataclasses import dataclass

from core.platform.errors import InvalidInput


@dataclass(frozen=True)
class Dimension:
    """``event`` and ``payment`` are the key's SQL; ``names`` is the table that turns an id into a
    name.
    """

    key: str
    event: str
    payment: str
    names: str | None = None
    event_join: str = ""
    payment_join: str = ""


def _time(key: str) -> Dimension:
    """Cut in the organisation's zone, so that a day is its day, also where clocks change."""
    cut = f"date_trunc('{key}', {{}} at time zone :timezone)::date"
    return Dimension(key, cut.format("e.scheduled_at"), cut.format("p.payment_date"))


def _listed(key: str, names: str) -> Dimension:
    return Dimension(key, f"e.{key}_id", f"p.{key}_id", names)


_ALL = (
    _time("day"),
    _time("week"),
    _time("month"),
    _listed("closer", "closers"),
    _listed("setter", "setters"),
    _listed("source", "sources"),
    _listed("traffic_type", "traffic_types"),
    _listed("call_type", "call_types"),
    Dimension(
        "outcome",
        "e.event_outcome",
        "pe.event_outcome",
        payment_join=(
            "left join app.events pe on pe.organization_id = p.organization_id and pe.id ="
            " p.event_id"
        ),
    ),
    Dimension(
        "package",
        "f.package_id",
        "p.package_id",
        "packages",
        event_join=(
            "left join app.post_call_forms f on f.organization_id = e.organization_id and"
            " f.event_id = e.id"
        ),
    ),
)
DIMENSIONS: dict[str, Dimension] = {dimension.key: dimension for dimension in _ALL}


def dimension(key: str) -> Dimension:
    """Raises InvalidInput for one that does not exist."""
    if key not in DIMENSIONS:
        raise InvalidInput(f"“{key}” is not a dimension; use {', '.join(DIMENSIONS)}.", field="by")
    return DIMENSIONS[key]
