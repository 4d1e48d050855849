"""What every table shares: naming, keys, and the declaration of who may see its rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Numeric,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


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
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


def refers_to(column: str, table: str) -> ForeignKeyConstraint:
    """A reference to a row of the same organisation: foreign-key checks bypass policies, so the key
    carries the tenant.
    """
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"app.{table}.organization_id", f"app.{table}.id"],
        use_alter=False,
    )


def secured(rls: str, *, audit: bool = False) -> dict[str, Any]:
    """The table's security class (see ``core.platform.security``) and whether its changes are
    audited.
    """
    return {"info": {"rls": rls, "audit": audit}}


def run_script(connection: Connection, script: str) -> None:
    """Run SQL text of several statements, taken literally: no placeholders, so ``%`` stands for
    itself.
    """
    connection.connection.driver_connection.execute(script)  # type: ignore[union-attr]
