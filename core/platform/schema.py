"""What every table shares: naming, keys, and the declaration of who may see its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Column,
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
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.schema import SchemaItem

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
BY_PRODUCT = "by_product"  # written and looked up by the product alone, never by anybody outside
USER = "user"  # the id of a user, though its name does not end in ``user_id``
LABEL = "label"  # what people call it, where its name does not say it


class Words(TypeDecorator[StrEnum]):
    """Text that is one of an enumeration's words, or of ``members`` among them; the database checks
    it, and it is read as the enumeration's member.
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
        """What a statement puts in the place of a word stays as it is."""
        return self.by_word.get(value, value)


@event.listens_for(Column, "after_parent_attach")
def _check_words(column: Column[Any], table: SchemaItem) -> None:
    """A column of ``Words`` brings its check along, named like the column."""
    if isinstance(column.type, Words) and isinstance(table, Table):
        words = ", ".join(f"'{member}'" for member in column.type.members)
        table.append_constraint(CheckConstraint(f"{column.name} in ({words})", name=column.name))


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


class Base(DeclarativeBase):
    """Every table of the product, in the schema ``app``."""

    metadata = MetaData(schema="app", naming_convention=NAMES)
    type_annotation_map = {
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        Decimal: Numeric(18, 3),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid),
    }


class TenantRow:
    """A row of one organisation; its key starts with the organisation, so nothing can refer
    across.
    """

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("app.organizations.id"), primary_key=True
    )
    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, server_default=text("gen_random_uuid()")
    )


class Timestamps:
    """When the row was made and last changed; ``updated_at`` is kept by a trigger."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), info={UNRECORDED: True}
    )


def refers_to(column: str, table: str) -> ForeignKeyConstraint:
    """A reference to a row of the same organisation: foreign-key checks bypass policies, so the key
    carries the tenant.
    """
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"app.{table}.organization_id", f"app.{table}.id"],
        use_alter=False,
    )


@dataclass(frozen=True)
class OwnedBy:
    """The row names its people itself: ``closer_id`` refers to a row of a roster, whose user stands
    in ``closer_user_id``.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Follows:
    """The row's people are those of the row that ``column`` refers to. With ``kind``, the column of
    that name says what it refers to, by the ``subject`` that each table declares.
    """

    column: str
    kind: str | None = None


@dataclass(frozen=True)
class Shared:
    """The row's people are those of all rows that refer to it and declare to share it."""


@dataclass(frozen=True)
class Own:
    """The row is one user's alone."""

    column: str


Owners = OwnedBy | Follows | Shared | Own


@dataclass(frozen=True)
class ByLink:
    """What whoever has a link of one kind may do with a table's rows: an SQL condition each, None
    for nothing.
    """

    read: str | None = None
    add: str | None = None
    change: str | None = None


def owned_by(*names: str) -> OwnedBy:
    """The people of a row stand on it, as ``<name>_id``; ``<name>_user_id`` is filled from it."""
    return OwnedBy(names)


def follows(column: str, *, kind: str | None = None) -> Follows:
    """The people of a row are those of the row that ``column`` refers to."""
    return Follows(column, kind)


def shared() -> Shared:
    """The people of a row are those of the rows that refer to it, see ``secured(shares=…)``."""
    return Shared()


def own(column: str) -> Own:
    """The row belongs to the user in ``column`` and is nobody else's business."""
    return Own(column)


def opened_by(**kinds: ByLink) -> Mapping[str, ByLink]:
    """What each kind of link opens of the table: ``portal``, ``statement``, ``share`` (a dashboard)
    and ``share_money`` (a dashboard that shows money).
    """
    return kinds


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
) -> dict[str, Any]:
    """Who may do what with the table's rows, as ``core.platform.security`` makes it true.

    ``rls`` is the table's security class, ``audit`` whether its changes are audited, ``owners``
    whose its rows are, ``shares`` the columns that refer to rows which the same people see,
    ``subject`` how ``follows(…, kind=…)`` calls the table, ``links`` what links open of it,
    ``about`` the columns by which a row is about a person from outside: their address, or what
    refers to their contact or to another row about them, and ``label`` what people call the rows,
    where the table's name does not say it.
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
        }
    }


def run_script(connection: Connection, script: str) -> None:
    """Run SQL text of several statements, taken literally: no placeholders, so ``%`` stands for
    itself.
    """
    connection.connection.driver_connection.execute(script)  # type: ignore[union-attr]
