"""Base classes and types of the API's models, and the sentences for wrong values.

A response's model writes instants in UTC and money with its currency's number of decimals. A
request's model says what may be sent; for a value that cannot be used the caller gets one sentence
that names the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails
from sqlalchemy import Row

from core.platform.clock import Period, iso
from core.platform.errors import InvalidInput
from core.platform.money import decimal_text
from core.platform.paging import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    check_limit,
    decode_cursor,
    encode_cursor,
)

T = TypeVar("T")
ZERO_BYTE = "\0"


@dataclass(frozen=True)
class Sentence:
    """What to answer when a field's value is wrong; ``{field}`` and ``{value}`` are filled in."""

    wrong: str
    missing: str | None = None


def _without_zero_byte(text: str) -> str:
    """Refuses zero characters, which the database cannot store. Raises ValueError."""
    if ZERO_BYTE in text:
        raise ValueError
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


TEXT = Sentence("{field} must be a text.", missing="{field} must be a text.")
DAY = Sentence("{field} must be a day like 2026-11-02.", "{field} must be a day like 2026-11-02.")


def _day(text: Any) -> date:
    """A date like 2026-11-02, without a time. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError
    return date.fromisoformat(text)


Day = Annotated[date, BeforeValidator(_day), DAY]
Instant = Annotated[
    datetime,
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "ISO 8601 in UTC"}),
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Count = Annotated[int, Field(ge=0)]
AmountText = Annotated[
    str, Field(pattern=r"^-?\d+(\.\d+)?$", description="With the currency's own decimals")
]


def _decimal_texts(sums: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: decimal_text(amount, currency) for currency, amount in sums.items()}


Sums = Annotated[
    dict[str, Decimal],
    PlainSerializer(_decimal_texts, return_type=dict[str, AmountText]),
    Field(description="An amount for each currency"),
]
Text = Annotated[str, AfterValidator(_without_zero_byte), TEXT]
FilledText = Annotated[str, AfterValidator(_without_zero_byte), AfterValidator(_filled), TEXT]


class Response(BaseModel):
    """What the API answers; made of a row or of values. Every field is always there."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Body(BaseModel):
    """The JSON body of a request. Types are strict: ``1`` does not count as ``true``."""

    model_config = ConfigDict(strict=True, frozen=True)

    @classmethod
    def read(cls, sent: bytes) -> Self:
        """The body as this model. Raises InvalidInput."""
        try:
            return cls.model_validate_json(sent or b"{}")
        except ValidationError as error:
            raise invalid_input(cls, error) from error


class Query(BaseModel):
    """The query parameters of a request; an unknown name is refused, since a misspelt filter would
    show everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="The address")

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """The parameters as this model. Raises InvalidInput."""
        try:
            return cls.model_validate(dict(sent))
        except ValidationError as error:
            raise invalid_input(cls, error) from error


def at_least_one(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuses a parameter without a value: an empty one would narrow to nothing in particular."""
    if not values:
        raise ValueError
    return values


def split_words(text: str) -> list[str]:
    """The words between the commas, trimmed, without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def ids_of(text: str, field: str) -> tuple[UUID, ...]:
    """Ids separated by commas. Raises InvalidInput."""
    try:
        return TypeAdapter(Ids).validate_python(text)
    except ValidationError as error:
        raise InvalidInput(IDS.wrong.format(field=field), field=field) from error


IDS = Sentence("{field} takes ids, separated by commas.")
Words = Annotated[tuple[str, ...], BeforeValidator(split_words), WithJsonSchema({"type": "string"})]
Ids = Annotated[
    tuple[UUID, ...],
    BeforeValidator(split_words),
    AfterValidator(at_least_one),
    WithJsonSchema({"type": "string"}),
    IDS,
]


def any_of(words: Iterable[str]) -> WithJsonSchema:
    """The JSON schema of a parameter that takes several of ``words``, separated by commas."""
    described = f"One or more of {', '.join(words)}, separated by commas."
    return WithJsonSchema({"type": "string", "description": described})


def _day_or_none(text: Any) -> date | None:
    """None for an empty parameter. Raises ValueError."""
    return _day(text) if text else None


QueryDay = Annotated[
    date | None,
    BeforeValidator(_day_or_none),
    WithJsonSchema({"type": "string", "format": "date"}),
    DAY,
]


class PageQuery(Query):
    """Which page of a list."""

    limit: Annotated[int, BeforeValidator(check_limit), Field(ge=1, le=LARGEST_LIMIT)] = (
        DEFAULT_LIMIT
    )
    cursor: Annotated[
        tuple[datetime, UUID] | None,
        BeforeValidator(decode_cursor),
        WithJsonSchema({"type": "string", "description": "next_cursor of the page before"}),
    ] = None


class PeriodQuery(Query):
    """The organisation's days from ``start`` up to, not including, ``end``."""

    start: QueryDay = None
    end: QueryDay = None

    def period(self, timezone: str) -> Period | None:
        """The period when both days are given, None when neither is. Raises InvalidInput."""
        if self.start is None and self.end is None:
            return None
        return period_of(self.start, self.end, timezone)


Item = TypeVar("Item", bound=Response)


class Page(Response, Generic[Item]):
    """One page of a list; ``next_cursor`` leads to the next one, null when there is none."""

    items: list[Item]
    next_cursor: str | None

    @classmethod
    def of(cls, rows: Sequence[Row[Any]], query: PageQuery, *, at: str) -> Self:
        """One page of a list. ``rows`` holds one row more than the page shows, if there is one: it
        proves that there is a next page. ``at`` names the column of the instant by which the list
        is sorted.
        """
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        cursor = encode_cursor(getattr(shown[-1], at), shown[-1].id) if more else None
        return cls.model_validate({"items": shown, "next_cursor": cursor})


class Problem(Response):
    """Why a request was refused."""

    code: str
    message: str
    field: str | SkipJsonSchema[None] = None


class Error(Response):
    """What every refusal looks like."""

    error: Problem


def period_of(
    start: date | None,
    end: date | None,
    timezone: str,
    *,
    names: tuple[str, str] = ("start", "end"),
) -> Period:
    """The days from ``start`` up to, not including, ``end``. Raises InvalidInput when either is
    missing.
    """
    if start is None or end is None:
        missing = names[0] if start is None else names[1]
        raise InvalidInput(DAY.wrong.format(field=missing), field=missing)
    if end <= start:
        raise InvalidInput(f"{names[1]} must come after {names[0]}.", field=names[1])
    if not date(1971, 1, 1) <= start <= end <= date(9998, 1, 1):
        raise InvalidInput("The days lie outside of what can be counted.", field=names[0])
    return Period(start, end, timezone)


# Keyed by the beginning of pydantic's error type; the first match counts.
SENTENCES = {
    "missing": "{field} is missing.",
    "bool": "{field} must be true or false.",
    "date": DAY.wrong,
    "uuid": "{field} must be an id.",
    "string": TEXT.wrong,
    "int": "{field} must be a whole number.",
    "list": "{field} must be a list.",
    "dict": "{field} must be an object.",
    "": "{field} cannot be read.",
}


def invalid_input(model: type[BaseModel], error: ValidationError) -> InvalidInput:
    """The first mistake as a sentence for a person, with the name of its field."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        text = "not valid JSON" if first["type"] == "json_invalid" else "not a JSON object"
        return InvalidInput(f"The body is {text}.", field="body")
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return InvalidInput(f"{model.model_config.get('title')} has no “{field}”.", field=field)
    return InvalidInput(_sentence(model, field, first), field=field)


def _sentence(model: type[BaseModel], field: str, mistake: ErrorDetails) -> str:
    own = next((each for each in _metadata(model, field) if isinstance(each, Sentence)), None)
    if own and own.missing and mistake["type"] == "missing":
        return own.missing.format(field=field)
    if own and mistake["type"] != "missing":
        return own.wrong.format(field=field)
    if mistake["type"] in ("enum", "literal_error"):
        allowed = mistake["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{field} cannot be “{mistake['input']}”; use {allowed}."
    begins = next(name for name in SENTENCES if mistake["type"].startswith(name))
    return SENTENCES[begins].format(field=field)


def _metadata(model: type[BaseModel], field: str) -> Sequence[Any]:
    known = {info.alias or name: info for name, info in model.model_fields.items()}
    return known[field].metadata if field in known else ()
