"""Queries of leads for screens and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    TextClause,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from core.people import models
from core.people.models import Contact, Lead, Source, TrafficType
from core.people.visibility import persons_are_hidden, visible
from core.platform.clock import Period
from core.platform.dataframes import fetched
from core.platform.paging import Order, sorted_by
from core.platform.search import is_address
from core.tenancy.access.models import OrganizationMember

if TYPE_CHECKING:
    import pandas as pd

RECEIVED = literal_column(models.RECEIVED, Lead.created_at.type)


@dataclass(frozen=True)
class LeadFilter:
    """What a list of leads is narrowed to by when they were received; an empty field does not
    narrow.
    """

    period: Period
    search: str = ""
    condition: TextClause | None = None
    statuses: Sequence[str] = ()


def _with_contact(query: Select[Any]) -> Select[Any]:
    return query.select_from(Lead).outerjoin(
        Contact,
        (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id),
    )


def _conditions(chosen: LeadFilter) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = [chosen.period.covers(RECEIVED)]
    if chosen.condition is not None:
        conditions.append(chosen.condition)
    if chosen.statuses:
        conditions.append(Lead.status.in_(list(chosen.statuses)))
    if words := chosen.search.replace("\0", "").strip():  # the database keeps no zero characters
        named = Contact.name.icontains(words, autoescape=True)
        found = or_(named, is_address(Contact.email_normalized, words))
        # contact details are not searched for those who may not see them
        conditions.append(case((persons_are_hidden(), False), else_=found))
    return conditions


ORDERED = (
    *("received_at", "name", "email", "phone", "status", "source", "traffic_type", "setter"),
    *("priority", "owner", "score", "company", "spam"),
)


def leads_table(
    db: Session,
    chosen: LeadFilter,
    *,
    order: Order | None = None,
    limit: int = 500,
    offset: int = 0,
) -> pd.DataFrame:
    """Leads that the caller may see, by one of the columns ``ORDERED`` or latest first.

    Columns: id, received_at (aware, UTC), name, email and phone (None for a viewer), status,
    source, traffic_type, setter, priority, owner, score, company (None for a viewer), spam (bool).
    """
    columns = (
        Lead.id,
        RECEIVED.label("received_at"),
        visible(Contact.name),
        visible(Contact.email),
        visible(Contact.phone),
        Lead.status,
        Source.name.label("source"),
        TrafficType.name.label("traffic_type"),
        Lead.current_setter_name.label("setter"),
        Lead.priority,
        OrganizationMember.name.label("owner"),
        Lead.score,
        visible(Lead.company),
        Lead.spam_since.is_not(None).label("spam"),
    )
    query = _with_contact(select(*columns)).outerjoin(
        OrganizationMember,
        (OrganizationMember.organization_id == Lead.organization_id)
        & (OrganizationMember.user_id == Lead.owner_user_id),
    )
    for table, column in ((Source, Lead.source_id), (TrafficType, Lead.traffic_type_id)):
        query = query.outerjoin(
            table, (table.organization_id == Lead.organization_id) & (table.id == column)
        )
    by_name = {str(column.key): column for column in columns}
    found = query.where(*_conditions(chosen))
    rows = sorted_by(found, by_name, order, usual=RECEIVED.desc(), newest=Lead.id)
    return fetched(db.execute(rows.limit(limit).offset(offset)))


def count_leads(db: Session, chosen: LeadFilter) -> int:
    """The number of leads that match the filter."""
    query = _with_contact(select(func.count())).where(*_conditions(chosen))
    return int(db.execute(query).scalar_one())


def leads_page(
    db: Session, *, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[Row[Any]]:
    """Leads that the caller may see with their contact, latest first; ``after`` is the cursor of
    the previous page.
    """
    query = (
        select(
            Lead.id,
            Lead.contact_id,
            visible(Contact.name),
            visible(Contact.email),
            visible(Contact.phone),
            Lead.status,
            Source.name.label("source"),
            Lead.original_setter_name,
            Lead.current_setter_name,
            RECEIVED.label("received_at"),
            Lead.created_at,
        )
        .outerjoin(
            Contact,
            (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id),
        )
        .outerjoin(
            Source, (Source.organization_id == Lead.organization_id) & (Source.id == Lead.source_id)
        )
        .order_by(RECEIVED.desc(), Lead.id.desc())
    )
    if after is not None:
        query = query.where(tuple_(RECEIVED, Lead.id) < after)
    return list(db.execute(query.limit(limit)))
