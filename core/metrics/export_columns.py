"""One table as it leaves: its columns, what they are called, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.platform.labels import capitalized
from core.platform.personal import personal_of
from core.platform.schema import LABEL, Base, is_amount, words_of
from core.platform.security.policies import readable
from core.tenancy.access.models import Role

# Screens show present names too. The lines of a payout stay as they were approved.
PRESENT_NAMES = {
    ("events", "closer_name"): ("closers", "closer_id"),
    ("events", "setter_name"): ("setters", "setter_id"),
}

# How people call columns whose name does not say it; the name itself is what programs ask for.
HEADINGS = {
    "at": "Changed",
    "booking_platform": "Booked through",
    "booked_at": "Booked",
    "cancel_reason": "Reason for cancelling",
    "canceled_at": "Cancelled",
    "canceled_late": "Cancelled late",
    "cash_collected": "Cash collected",
    "closer_name": "Closer",
    "current_setter_name": "Present setter",
    "ends_at": "Meeting ends",
    "event_outcome": "Outcome",
    "event_id": "Booking ID",
    "counts": "Counts in figures",
    "customer_name": "Customer",
    "customer_email": "Customer's e-mail",
    "deleted_at": "Deleted",
    "held_back": "Held back",
    "lead_email": "Lead's e-mail",
    "lead_name": "Lead",
    "lead_phone": "Lead's phone",
    "membership_key": "Membership",
    "net_revenue": "Net revenue",
    "no_show_party": "Who did not show up",
    "original_setter_name": "First setter",
    "package_name": "Package",
    "pcf_submitted": "Form filed",
    "phone_e164": "Phone with country code",
    "refund_amount": "Refunded",
    "rescheduled_to_id": "Moved to booking ID",
    "row_id": "Row ID",
    "scheduled_at": "Meeting begins",
    "setter_name": "Setter",
    "snapshot_id": "Payout ID",
    "source_name": "Source",
    "superseded_by_id": "Counted in payment ID",
    "table_name": "Table",
    "actor_user_id": "Who (user ID)",
    "actor_role": "Role",
}
ACRONYMS = {"id": "ID", "uuid": "ID", "uri": "address", "utm": "UTM", "email": "e-mail"}
WHO = ("closer", "setter", "lead", "customer")
IDS, DATES, AMOUNTS, PEOPLE, FACTS = "IDs", "Dates", "Amounts", "People", "Details"
OWN = "Your own fields"
GROUPS = (FACTS, PEOPLE, DATES, AMOUNTS, OWN, IDS)


@dataclass(frozen=True)
class OwnColumn:
    """A field that the organisation has defined itself, as people call it; ``value`` is the SQL of
    it in a row of ``source``.
    """

    heading: str
    value: str
    source: str
    is_text: bool = False
    is_number: bool = False
    is_money: bool = False
    is_truth: bool = False
    is_hidden: bool = False


@dataclass(frozen=True)
class ExportTable:
    """One table as it leaves: its columns in their order, and the date it is cut by, as people call
    it and as SQL; what the columns hold stands with their declaration.

    Organisations without the ``module`` export no such table; None is for every organisation.
    ``amounts`` are what a row amounts to in the figures, in its currency, by name the SQL.
    ``holds`` says what one row is. Of the columns, people read ``first`` before the others.
    ``own`` are the organisation's own fields.
    """

    table: Table
    columns: Sequence[str]
    date: str | None
    instant: str | None
    module: str | None
    amounts: Mapping[str, str] = field(default_factory=dict)
    holds: str = ""
    first: Sequence[str] = ()
    own: Mapping[str, OwnColumn] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What can be chosen: the columns, then the amounts, then the organisation's own."""
        return [*self.columns, *self.amounts, *self.own]

    @property
    def names_for_people(self) -> list[str]:
        """The same with the names of what rows refer to, in the order in which people read: what
        they know a row by, then group by group, the ids last.
        """
        others = [name for name in (*self.names, *self.references) if name not in self.first]
        return [*self.first, *sorted(others, key=lambda name: GROUPS.index(self.group(name)))]

    @property
    def references(self) -> dict[str, tuple[str, Table]]:
        """The names of list entries that a row refers to by id alone, such as its source: by what
        each is called here, the column with the id, and the table that knows the name.
        """
        referred = {
            key.column_keys[-1]: key.referred_table
            for key in self.table.foreign_key_constraints
            if key.column_keys[-1] in self.columns and "name" in key.referred_table.columns
        }
        named = {
            f"{column.removesuffix('_id')}_name": (column, table)
            for column, table in referred.items()
            if table.info["rls"] == "config"
        }
        return {name: each for name, each in named.items() if name not in self.columns}

    @property
    def file_name(self) -> str:
        """How a file for people is called, without its ending."""
        return self.label.lower().replace(" ", "-")

    @property
    def order(self) -> str | None:
        """By what people have the rows in order, where they have no date."""
        return "name" if self.instant is None and "name" in self.table.columns else None

    def words(self, name: str) -> Mapping[str, str] | None:
        """What people read for each stored word of the column; None if it holds no such words."""
        if name in self.amounts or name in self.references or name in self.own:
            return None
        if name == "table_name":
            tables = Base.metadata.sorted_tables
            return {each.name: each.info["label"] or capitalized(each.name) for each in tables}
        return words_of(self.column(name))

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def label(self) -> str:
        """How people call the table."""
        label: str | None = self.table.info["label"]
        return label or capitalized(self.name)

    @property
    def admins_only(self) -> bool:
        """Whether those below an admin may read none of its rows."""
        return not self.is_read_by(Role.MANAGER)

    @property
    def keeps_deleted(self) -> bool:
        """Whether rows that were deleted stay in it, marked as such."""
        return "deleted_at" in self.table.columns

    def is_read_by(self, role: str) -> bool:
        """Whether its security class gives the role any of its rows."""
        return readable(self.table.info["rls"], role) != "none"

    def column(self, name: str) -> Column[object]:
        if name in self.references:
            return self.references[name][1].columns["name"]
        return self.table.columns[name]

    def is_hidden(self, name: str) -> bool:
        """Whether the column says of a person what not everybody may see."""
        if name in self.own:
            return self.own[name].is_hidden
        fact = personal_of(self.column(name))
        return fact is not None and fact.hidden

    def named_by(self, name: str) -> tuple[str, str] | None:
        """For a column with the name that somebody had when the row was made: the list in which
        they bear their present one, and the column with their id there.
        """
        return PRESENT_NAMES.get((self.name, name))

    def is_text(self, name: str) -> bool:
        """Whether a spreadsheet could take the column's values for formulas."""
        return self.own[name].is_text if name in self.own else self._is_of(name, str)

    def is_money(self, name: str) -> bool:
        """Whether the column is an amount in the currency that stands beside it."""
        if name in self.own:
            return False
        return is_amount(self.column(name).type) and "currency" in self.table.columns

    def is_list(self, name: str) -> bool:
        """Whether the column holds several texts, which leave as one."""
        return name not in self.own and isinstance(self.column(name).type, ARRAY)

    def is_truth(self, name: str) -> bool:
        """Whether the column says yes or no."""
        if name in self.own:
            return self.own[name].is_truth
        return name not in self.amounts and self._is_of(name, bool)

    def is_number(self, name: str) -> bool:
        """Whether the column has decimals."""
        if name in self.own:
            return self.own[name].is_number
        return name in self.amounts or self._is_of(name, Decimal)

    def is_instant(self, name: str) -> bool:
        """Whether the column holds points in time."""
        computed = (*self.amounts, *self.own)
        return name not in computed and self._is_of(name, datetime)

    def _is_of(self, name: str, kind: type) -> bool:
        return self.column(name).type.python_type is kind

    def heading(self, name: str) -> str:
        """How people call the column."""
        if name in self.own:
            return self.own[name].heading
        if name in HEADINGS:
            return HEADINGS[name]
        if name in self.references:
            return capitalized(name.removesuffix("_name"))
        if name in self.columns and (label := self.column(name).info.get(LABEL)):
            return str(label)
        words = [ACRONYMS.get(word, word) for word in name.removesuffix("_at").split("_")]
        text = " ".join(words)
        return text[:1].upper() + text[1:]

    def group(self, name: str) -> str:
        """With which others people choose the column: one of ``GROUPS``."""
        if name in self.own:
            return OWN
        if name in self.amounts or self.is_money(name) or name == "currency":
            return AMOUNTS
        kind = self.column(name).type.python_type
        if kind is UUID or name.endswith(("_id", "_uuid", "_uri", "_key")):
            return IDS
        if issubclass(kind, date):
            return DATES
        of_people = ("email", "phone", "phone_e164", *(f"{who}_name" for who in WHO))
        return PEOPLE if name == "name" or name.endswith(of_people) else FACTS

    def is_document(self, name: str) -> bool:
        """Whether the column holds JSON, which leaves as text."""
        return name not in self.own and isinstance(self.column(name).type, JSONB)
