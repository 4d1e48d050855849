"""Figures and exports as programs ask for them and read them, made from the product's own lists."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, WithJsonSchema, create_model, model_validator
from pydantic.config import JsonDict

from core.metrics.catalog import METRICS
from core.metrics.dimensions import DIMENSIONS, FILTERS, Dimension
from core.metrics.export_tables import EXPORTS
from core.metrics.exports import FORMATS
from core.people.models import FieldSubject
from core.platform.clock import Period
from core.platform.schemas import (
    Currency,
    Day,
    Query,
    QueryDay,
    Response,
    Words,
    any_of,
    period_of,
)

KINDS: dict[str, Any] = {"date": date, "uuid": UUID, "text": str, "int": int}


class FiguresQuery(Query):
    """Which figures of which days, grouped and narrowed how."""

    start: Day
    end: Day
    by: Annotated[Words, any_of(DIMENSIONS)] = ()
    metrics: Annotated[Words, any_of(METRICS)] = ()

    @model_validator(mode="before")
    @classmethod
    def without_own(cls, sent: Any) -> Any:
        """Filters by an organisation's own fields are in no schema: who narrows by them says which
        there are.
        """
        own = tuple(f"filter.{subject}_" for subject in FieldSubject)
        return {name: value for name, value in sent.items() if not name.startswith(own)}

    def period(self, timezone: str) -> Period:
        """The period. Raises InvalidInput."""
        return period_of(self.start, self.end, timezone)


def filter_of(each: Dimension) -> tuple[Any, Any]:
    """The parameter that narrows figures to values of a dimension."""
    words: JsonDict = {"enum": [str(word) for word in each.words]} if each.words else {}
    return str, Field("", alias=f"filter.{each.key}", json_schema_extra=words)


_filters: dict[str, Any] = {f"filter_{key}": filter_of(each) for key, each in FILTERS.items()}
MetricsQuery = create_model("MetricsQuery", __base__=FiguresQuery, **_filters)


class ExportQuery(Query):
    """Which table of which days, and how it is written."""

    table: Annotated[str, WithJsonSchema({"type": "string", "enum": list(EXPORTS)})]
    start_date: QueryDay = None
    end_date: QueryDay = None
    format: Annotated[str, WithJsonSchema({"type": "string", "enum": list(FORMATS)})] = "csv"
    columns: Words = ()

    def period(self, timezone: str) -> Period | None:
        """The period when both days are given, None when neither is. Raises InvalidInput."""
        if self.start_date is None and self.end_date is None:
            return None
        names = ("start_date", "end_date")
        return period_of(self.start_date, self.end_date, timezone, names=names)


def keys_of(each: Dimension) -> dict[str, Any]:
    """The fields of a row that carry the dimension: its name, and its id where there is one."""
    if each.names:
        return {each.key: str | None, f"{each.key}_id": KINDS[each.kind] | None}
    return {each.key: KINDS[each.kind] | None}


def _any_may_be_missing(schema: dict[str, Any]) -> None:
    schema.pop("required")


class _Asked(Response):
    """Of all fields those that were asked for."""

    model_config = ConfigDict(json_schema_extra=_any_may_be_missing)


_figures: dict[str, Any] = {
    metric.key: (metric.unit.json, Field(title=metric.name, description=metric.formula))
    for metric in METRICS.values()
}
_names: dict[str, Any] = {
    name: kind for each in DIMENSIONS.values() for name, kind in keys_of(each).items()
}
Figures = create_model("Figures", __base__=_Asked, **_figures)


def _with_own(schema: JsonDict) -> None:
    """Also has the organisation's own fields by which it is grouped, which no schema can name."""
    _any_may_be_missing(schema)
    own = f"^({'|'.join(FieldSubject)})_[a-z0-9_]+$"
    schema["patternProperties"] = {own: {"type": ["string", "null"]}}


class _Grouped(Figures):  # type: ignore[misc,valid-type]
    model_config = ConfigDict(json_schema_extra=_with_own)


MetricsRow = create_model("MetricsRow", __base__=_Grouped, **_names)


class Days(Response):
    """Days of the organisation; the end is exclusive."""

    start: date
    end: date


class MetricsAnswer(Response):
    """Figures by dimension, and of the whole period."""

    period: Days
    timezone: str
    currency: Currency
    rows: list[MetricsRow]  # type: ignore[valid-type]
    totals: Figures  # type: ignore[valid-type]
