"""What all tables have in common: naming, keys, and the declaration of who may see their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Connection,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from core.platform.labels import LabelledEnum, capitalized

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# What a column's ``info`` may say of it, beside what it says of a person (``personal``).
CONFIDENTIAL = "confidential"  # proves or opens something: no value stands in the audit log
UNRECORDED = "unrecorded"  # follows from something else, or only tells that something was used
AT_ONCE = "at_once"  # of a reference: checked once for each statement
BY_PRODUCT = "by_product"  # written and looked up by the product alone, never by anybody outside
USER = "user"  # the id of a user, though its name does not end in ``user_id``
LABEL = "label"  # what people call it, where its name does not say it
IN_WORDS = "in_words"  # of a text that is a word of the code: what people read for each


class Words(TypeDecorator[StrEnum]):
    """A text column that holds a value of an enumeration, or only of ``members`` of it. The
    database checks it, and reading gives the enumeration's member.
    """

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum], *members: StrEnum) -> None:
        super().__init__()
        self.words = words
        self.members = members or tuple(words)
        self.by_word: dict[str, StrEnum] = {str(member): member for member in words}

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Values that are not of the enumeration, such as what an expression computes, stay as they
        are.
        """
        return self.by_word.get(value, value)


def words_of(column: Column[Any]) -> Mapping[str, str] | None:
    """What people read for each stored word of a column; None for a column of anything else. A
    word that is not among them is read capitalised.
    """
    if not isinstance(column.type, Words):
        in_words: Mapping[str, str] | None = column.info.get(IN_WORDS)
        return in_words
    return {
        str(word): word.label if isinstance(word, LabelledEnum) else capitalized(word)
        for word in column.type.words
    }


@event.listens_for(Column, "after_parent_attach")
def _check_words(column: Column[Any], table: SchemaItem) -> None:
    """Adds the check constraint of a column of ``Words``, named like the column."""
    if isinstance(column.type, Words) and isinstance(table, Table):
        words = ", ".join(f"'{member}'" for member in column.type.members)
        table.append_constraint(CheckConstraint(f"{column.name} in ({words})", name=column.name))


def unless(column: str, words: Iterable[StrEnum]) -> MappedColumn[bool]:
    """A generated column: whether ``column`` holds none of these words."""
    listed = ", ".join(f"'{word}'::text" for word in words)
    holds_none = Computed(f"{column} <> all (array[{listed}])", persisted=True)
    return mapped_column(holds_none, info={UNRECORDED: True})


Secret = Annotated[bytes, mapped_column(LargeBinary, info={CONFIDENTIAL: True})]
SecretText = Annotated[str, mapped_column(info={CONFIDENTIAL: True, BY_PRODUCT: True})]
ProductText = Annotated[str, mapped_column(info={BY_PRODUCT: True})]
UserId = Annotated[UUID, mapped_column(info={USER: True})]
LastUse = Annotated[datetime, mapped_column(info={UNRECORDED: True})]
RepUsers = Annotated[
    list[UUID], mapped_column(server_default=text("'{}'"), info={UNRECORDED: True})
]


def declared(table: Table, fact: str) -> list[str]:
    """The names of the table's columns that declare the fact."""
    return [column.name for column in table.columns if column.info.get(fact)]


AMOUNT = Numeric(18, 3)  # three decimals are as many as any currency has


def is_amount(kind: TypeEngine[Any]) -> bool:
    """Whether a column of this type holds an amount of money."""
    same = (AMOUNT.precision, AMOUNT.scale)
    return isinstance(kind, Numeric) and (kind.precision, kind.scale) == same


class Base(DeclarativeBase):
    """Every table of the product, in the schema ``app``."""

    metadata = MetaData(schema="app", naming_convention=NAMES)
    type_annotation_map = {
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        Decimal: AMOUNT,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid),
    }


class TenantRow:
    """A row of one organisation. Its primary key starts with the organisation, so that no foreign
    key can point into another one.
    """

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
    # As the sentinel it lets the ORM insert many rows by one statement.
    id: Mapped[UUID] = mapped_column(
        primary_key=True,
        default=uuid4,
        server_default=text("gen_random_uuid()"),
        insert_sentinel=True,
    )


class Timestamps:
    """When the row was created and last changed; a trigger maintains ``updated_at``."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), info={UNRECORDED: True}
    )


def refers_to(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key to a row of the same organisation. Postgres checks foreign keys without
    row-level security, so the key includes the organisation.
    """
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"app.{table}.organization_id", f"app.{table}.id"],
        use_alter=False,
    )


def refers_at_once_to(column: str, table: str) -> ForeignKeyConstraint:
    """The same for a table whose rows are written by the hundred thousand: Postgres would look at
    each row by itself, which takes longer than writing it. Triggers look once for each statement
    (``core.platform.security.references``); there is no such constraint in the database.
    """
    reference = refers_to(column, table)
    reference.info[AT_ONCE] = True
    return reference


@dataclass(frozen=True)
class OwnedBy:
    """The row itself names the people it belongs to: ``closer_id`` refers to a row of a roster, and
    ``closer_user_id`` holds that row's user.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Follows:
    """The row belongs to the people of the row that ``column`` refers to. With ``kind``, the column
    of that name says which table it refers to, by the ``subject`` that each table declares.
    """

    column: str
    kind: str | None = None


@dataclass(frozen=True)
class Shared:
    """The row belongs to the people of all the rows that refer to it and declare that they share
    it, and to the user in the column ``own`` where the table has one.
    """

    own: str | None = None


@dataclass(frozen=True)
class Own:
    """The row belongs to one user."""

    column: str


Owners = OwnedBy | Follows | Shared | Own


@dataclass(frozen=True)
class ByLink:
    """What the holder of one kind of access link may do with a table's rows: one SQL condition for
    each verb, None for not at all.
    """

    read: str | None = None
    add: str | None = None
    change: str | None = None


def owned_by(*names: str) -> OwnedBy:
    """The row names its people in ``<name>_id``; ``<name>_user_id`` is filled from it."""
    return OwnedBy(names)


def follows(column: str, *, kind: str | None = None) -> Follows:
    """The row belongs to the people of the row that ``column`` refers to."""
    return Follows(column, kind)


def shared(own: str | None = None) -> Shared:
    """The row belongs to the people of the rows that refer to it, see ``secured(shares=…)``, and to
    the user in its column ``own``. A table that shares its people itself shares only that one: the
    others have theirs from where it has them from.
    """
    return Shared(own)


def own(column: str) -> Own:
    """The row belongs to the user in ``column`` and to nobody else."""
    return Own(column)


def opened_by(**roles: ByLink) -> Mapping[str, ByLink]:
    """What a link opens of the table, by its role, see ``core.platform.link_roles``."""
    return roles


def secured(
    rls: str,
    *,
    audit: bool = False,
    owners: Owners | None = None,
    shares: tuple[str, ...] = (),
    subject: str | None = None,
    links: Mapping[str, ByLink] | None = None,
    about: tuple[str, ...] = (),
    label: str | None = None,
    columns: tuple[str, ...] = (),
    fixed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Declares who may do what with the table's rows; ``core.platform.security`` enforces it.

    ``rls`` is the table's security class. ``audit`` says whether its changes are audited.
    ``owners`` says to whom its rows belong, and ``shares`` lists the columns that refer to rows
    which the same people may see. ``subject`` is the table's name in the column that ``follows(…,
    kind=…)`` reads. ``links`` says what access links open of it. ``about`` lists the columns that
    make a row one about a person outside the organisation: the person's address, or a reference to
    their contact or to another row about them. ``label`` is what people call the rows, where the
    table's name does not say it. With ``columns`` people may select only these columns; those in
    ``fixed`` they may not change, whatever the row.
    """
    return {
        "info": {
            "rls": rls,
            "audit": audit,
            "owners": owners,
            "shares": shares,
            "subject": subject,
            "links": links or {},
            "about": about,
            "label": label,
            "columns": columns,
            "fixed": fixed,
        }
    }


def run_script(connection: Connection, script: str) -> None:
    """Run SQL text with several statements as it is, without placeholders, so that ``%`` needs no
    escaping.
    """
    connection.connection.driver_connection.execute(script)  # type: ignore[union-attr]
