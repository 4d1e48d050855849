"""What figures are counted from: tables whose rows happen at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.bookings.listed import LISTED
from core.metrics.dimensions import Dimension
from core.metrics.filters import Filters
from core.people.models import RECEIVED
from core.tenancy.organizations.modules import BOOKINGS


@dataclass(frozen=True)
class By:
    """How a fact has a dimension: the SQL of the key, and the join that it needs, if any."""

    key: str
    join: str = ""


@dataclass(frozen=True)
class Rows:
    """The screen that lists a fact's rows, and how a link to it reads. ``?figure=`` narrows it to
    the rows that a figure counts.
    """

    screen: str
    label: str


@dataclass(frozen=True)
class Fact:
    """A table of which figures are made; in all its SQL the rows bear the table's own name.

    Attributes:
        key: its own name; several facts may be counted from one table.
        condition: what holds of every row that may count at all.
        instant: when a row happened, which decides whether it lies in a period.
        by: its dimensions by key. A fact that lacks a dimension has no value of it: grouped by it,
            all its rows stand under "none", and narrowed by it, none of them is left.
        subjects: by subject of the organisation's own fields the SQL of the id of the row that has
            them.
        currency: the column with the currency of its money.
        parameters: the SQL of one value each, of the organisation that looks, which conditions name
            with a colon before it, such as a setting.
        module: the part of the product that its rows belong to; None is in every organisation.
    """

    key: str
    table: str
    condition: str
    instant: str
    by: Mapping[str, By]
    rows: Rows
    subjects: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    module: str | None = None

    def key_of(self, dimension: Dimension) -> str:
        """The SQL by which rows are grouped, of a dimension that is no part of the calendar."""
        by = self.how(dimension)
        return by.key if by else f"null::{dimension.kind}"

    def how(self, dimension: Dimension) -> By | None:
        """How it has a dimension; None where it has no value of it."""
        own = dimension.field
        if own is None:
            return self.by.get(dimension.key)
        subject = self.subjects.get(own.subject)
        if subject is None:
            return None
        value = "answer.option_ids" if own.is_several else "answer.option_ids[1]"
        said = "case when answer.flag then 'yes' when not answer.flag then 'no' end"
        return By(
            f"""(select {value if own.has_options else said} from app.custom_field_values answer
              where answer.organization_id = {self.table}.organization_id
                and answer.subject_id = {subject}
                and answer.definition_id = '{own.definition_id}')"""
        )

    def joins_for(self, dimensions: Sequence[Dimension]) -> str:
        """The joins that the keys of ``dimensions`` need."""
        found = (self.how(each) for each in dimensions)
        return " ".join(by.join for by in found if by)

    def narrowed(self, filters: Filters) -> str:
        """The condition that ``filters`` leave, with their ``values`` as parameters; each with a
        leading ``and``.
        """
        return "".join(
            f" and {self._one_of(filters.dimension(key), values)}"
            for key, values in filters.chosen.items()
        )

    def _one_of(self, dimension: Dimension, values: Sequence[UUID | str | None]) -> str:
        """A key that needs a join is looked for row by row, so that lists, which join other tables,
        are narrowed by the same condition.
        """
        by = self.how(dimension)
        if by is None:
            return "true" if None in values else "false"
        is_several = dimension.field is not None and dimension.field.is_several
        among = f"&& cast(:{dimension.key}_values as uuid[])"
        named = f"{by.key} {among if is_several else f'= any(:{dimension.key}_values)'}"
        condition = f"({named} or {by.key} is null)" if None in values else named
        if not by.join:
            return condition
        return f"exists (select 1 from (select) alone {by.join} where {condition})"


def _own_columns(table: str, *keys: str) -> dict[str, By]:
    return {key: By(f"{table}.{key}_id") for key in keys}


# How many hours a post-call form may wait.
GRACE = """coalesce((select pcf_grace_hours from app.booking_settings
    where organization_id = app.cur_org()), 0)"""

_FORM = """left join app.post_call_forms form on form.organization_id = events.organization_id
    and form.event_id = events.id"""
# What a processor has sold counts before what the form says, as it does for the payment itself.
_SOLD = """left join lateral (select paid.package_id from app.payments paid
    where paid.organization_id = events.organization_id and paid.event_id = events.id
      and paid.counts and paid.package_id is not null
    order by paid.payment_date, paid.id limit 1) sold on true"""

EVENTS = Fact(
    key="events",
    table="events",
    condition="events.deleted_at is null",
    instant="events.scheduled_at",
    by={
        **_own_columns("events", *LISTED),
        "outcome": By("events.event_outcome"),
        "package": By("coalesce(sold.package_id, form.package_id)", f"{_FORM} {_SOLD}"),
    },
    rows=Rows("events", "See the bookings"),
    subjects={"form": "events.id"},
    parameters={"grace": GRACE},
    module=BOOKINGS,
)

PAYMENTS = Fact(
    key="payments",
    table="payments",
    condition="payments.counts",
    instant="payments.payment_date",
    by={
        **_own_columns("payments", *LISTED, "package"),
        "outcome": By(
            "paid_event.event_outcome",
            "left join app.events paid_event on paid_event.organization_id ="
            " payments.organization_id and paid_event.id = payments.event_id",
        ),
    },
    rows=Rows("payments", "See the payments"),
    subjects={"form": "payments.event_id"},
    currency="payments.currency",
    module=BOOKINGS,
)

# A lead is its newest booking's closer's and setter's; one that booked nothing is nobody's.
_BOOKINGS = """app.events booked where booked.organization_id = leads.organization_id
    and booked.lead_id = leads.id and booked.deleted_at is null
    and booked.call_status <> 'rescheduled'"""
_NEWEST = "order by booked.scheduled_at desc, booked.id desc limit 1"
HAS_BOOKED = f"exists (select 1 from {_BOOKINGS})"

LEADS = Fact(
    key="leads",
    table="leads",
    condition="leads.spam_since is null",
    instant=RECEIVED,
    by={
        **_own_columns("leads", "source", "traffic_type"),
        "closer": By(f"(select booked.closer_id from {_BOOKINGS} {_NEWEST})"),
        "setter": By(f"(select booked.setter_id from {_BOOKINGS} {_NEWEST})"),
    },
    rows=Rows("leads", "See the leads"),
)


def parameters_of(facts: Iterable[Fact]) -> dict[str, str]:
    """The parameters of all the facts together. Raises ValueError where two mean different things
    by one name.
    """
    found: dict[str, str] = {}
    for name, sql in (each for fact in facts for each in fact.parameters.items()):
        if found.setdefault(name, sql) != sql:
            raise ValueError(f"Two facts mean different things by the parameter “{name}”.")
    return found
