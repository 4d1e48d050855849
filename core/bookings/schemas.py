"""Request and response models of events and post-call forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, create_model

from core.bookings.design import CUSTOM
from core.bookings.form_answers import QUESTIONS, FormAnswers
from core.bookings.listed import LISTED_COLUMNS
from core.bookings.models import CallStatus, EventOutcome
from core.bookings.queries import EventFilter
from core.bookings.questions import Kind, Question
from core.platform.money import check_currency, parse_amount
from core.platform.schemas import (
    DAY,
    TEXT,
    Body,
    Day,
    Ids,
    Instant,
    Page,
    PageQuery,
    PeriodQuery,
    Response,
    Sentence,
    Text,
    any_of,
    at_least_one,
    split_words,
)


class EventItem(Response):
    """A booked sales meeting as lists show it; a title is the field's heading on screens."""

    id: UUID
    lead_name: str | None = Field(title="Lead")
    lead_email: str | None = Field(title="E-mail")
    scheduled_at: Instant = Field(title="Time")
    booked_at: Instant = Field(title="Booked")
    call_status: CallStatus = Field(title="Status")
    event_outcome: EventOutcome | None = Field(title="Outcome")
    closer: str | None = Field(title="Closer")
    setter: str | None = Field(title="Setter")
    source: str | None = Field(title="Source")
    traffic_type: str | None = Field(title="Traffic type")
    call_type: str | None = Field(title="Type")
    pcf_submitted: bool = Field(title="Form")


class EventPage(Page[EventItem]):
    """Events, latest first."""


class ListedQuery(PageQuery, PeriodQuery):
    """A page of a list that people, sources, kinds, and what came of the booking narrow."""

    package_id: Ids = ()
    event_outcome: Annotated[
        tuple[EventOutcome, ...],
        BeforeValidator(split_words),
        AfterValidator(at_least_one),
        any_of(EventOutcome),
    ] = ()

    def ids(self) -> dict[str, Sequence[UUID]]:
        """The chosen ids by column."""
        return {name: getattr(self, name) for name in LISTED_COLUMNS}

    def results(self) -> dict[str, Sequence[UUID | str]]:
        """The chosen results of a booking by the name under which figures are narrowed to them."""
        return {"package": self.package_id, "outcome": [str(each) for each in self.event_outcome]}


LISTED_FIELDS: dict[str, Any] = dict.fromkeys(LISTED_COLUMNS, (Ids, ()))


class EventsFilter(ListedQuery):
    """The parameters of the list of events; an event has to match all that are given."""

    call_status: Annotated[
        tuple[CallStatus, ...],
        BeforeValidator(split_words),
        AfterValidator(at_least_one),
        any_of(CallStatus),
    ] = ()
    search: str = ""

    def filter(self, timezone: str) -> EventFilter:
        """The filter of the list."""
        return EventFilter(
            period=self.period(timezone),
            ids=self.ids(),
            statuses=self.call_status,
            search=self.search,
        )


EventsQuery = create_model("EventsQuery", __base__=EventsFilter, **LISTED_FIELDS)


class FormFiled(Response):
    """The filed form; ``version`` counts how often it was filed."""

    id: UUID
    event_id: UUID
    version: Annotated[int, Field(ge=1)]


class FormBody(Body):
    """Answers as JSON; null is the same as no answer."""

    model_config = ConfigDict(extra="forbid", title="A post-call form")
    amounts: ClassVar = [each.key for each in QUESTIONS if each.kind == Kind.AMOUNT]

    def answers(self, currency: str) -> FormAnswers:
        """The answers; ``currency`` is the one of amounts that name none. Raises InvalidInput."""
        standard = {each.key for each in QUESTIONS}
        given = {name: each for name, each in self if name in standard and each is not None}
        amounts = [name for name in self.amounts if name in given]
        if amounts or "currency" in given:
            given["currency"] = check_currency(given.get("currency", currency))
        for name in amounts:
            given[name] = parse_amount(str(given[name]), given["currency"], field=name)
        return FormAnswers(**given)

    def own_answers(self) -> dict[str, Any] | None:
        """The answers to the organisation's own questions by key; None where none are sent."""
        sent: dict[str, Any] | None = getattr(self, "custom", None)
        return None if sent is None else {f"{CUSTOM}{key}": each for key, each in sent.items()}


# What an answer of each kind is in JSON, and the sentence for one that is not.
JSON_TYPES: dict[Kind, tuple[Any, Sentence]] = {
    Kind.YES_NO: (bool, Sentence("{field} must be true or false.")),
    Kind.ENTRY: (UUID, Sentence("{field} must be an id.")),
    Kind.NAMES: (list[Text], Sentence("{field} must be a list of texts.")),
    Kind.AMOUNT: (str | int | float, Sentence("{field} must be an amount like 4997.00.")),
    Kind.DAY: (Day, DAY),
    **dict.fromkeys((Kind.CHOICE, Kind.CURRENCY, Kind.TEXT, Kind.LINES), (Text, TEXT)),
}


def _json_field(each: Question) -> Any:
    kind, sentence = JSON_TYPES[each.kind]
    if each.choices:
        kind = Literal[tuple(map(str, each.choices))]
    if each.wrong:
        sentence = Sentence(each.wrong, each.missing)
    if each.required:
        return Annotated[kind, Field(title=each.label), sentence]
    return Annotated[kind | None, Field(title=each.label), sentence], None


_fields: dict[str, Any] = {each.key: _json_field(each) for each in QUESTIONS}
_fields["custom"] = (
    Annotated[
        dict[str, Any] | None,
        Field(
            title="Answers to the organisation's own questions",
            description="By the key of the question; an option by its name or id. Without it they"
            " stay as they are.",
        ),
        Sentence("{field} must be an object of answers by key."),
    ],
    None,
)
PostCallFormBody = create_model("PostCallFormBody", __base__=FormBody, **_fields)
