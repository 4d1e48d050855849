"""Queries of contacts, and of what belongs to one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from core.people.models import Contact, ContactEmail, ContactPhone, Lead, Source, TrafficType
from core.people.queries import RECEIVED
from core.platform.dataframes import fetched
from core.platform.normalization import normalize_phone
from core.platform.paging import Order, sorted_by
from core.platform.search import is_address
from core.tenancy.access.models import OrganizationMember
from core.tenancy.organizations.queries import current_organization

if TYPE_CHECKING:
    import pandas as pd

FEWEST_DIGITS = 4  # with fewer, half the organisation has such a number


@dataclass(frozen=True)
class ContactFilter:
    """What a list of contacts is narrowed to; an empty field does not narrow. A number that is
    searched for is read with the ``region``.
    """

    search: str = ""
    tag: str = ""
    asking: bool = False  # only those for whom a manager is asked to add an address
    other_than: UUID | None = None
    region: str = "US"


def _named(query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(Contact)
        .outerjoin(
            Source,
            (Source.organization_id == Contact.organization_id) & (Source.id == Contact.source_id),
        )
        .outerjoin(
            OrganizationMember,
            (OrganizationMember.organization_id == Contact.organization_id)
            & (OrganizationMember.user_id == Contact.owner_user_id),
        )
    )


def _conditions(chosen: ContactFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        Contact.merged_into_id.is_(None),
        Contact.erased_at.is_(None),
    ]
    if words := chosen.search.replace("\0", "").strip():  # the database keeps no zero characters
        conditions.append(_mentions(words, chosen.region))
    if tag := chosen.tag.replace("\0", ""):
        conditions.append(Contact.tags.contains([tag]))
    if chosen.asking:
        conditions.append(Contact.asked_emails != [])
    if chosen.other_than is not None:
        conditions.append(Contact.id != chosen.other_than)
    return conditions


def _mentions(words: str, region: str) -> ColumnElement[bool]:
    """That a name, company or address contains the words, another address equals them, or a number
    contains their digits, or is them as people of the region write it.
    """
    addresses = select(ContactEmail.contact_id).where(
        is_address(ContactEmail.email_normalized, words)
    )
    found = [
        *(
            column.icontains(words, autoescape=True)
            for column in (Contact.name, Contact.company, Contact.email)
        ),
        Contact.id.in_(addresses),
    ]
    digits = re.sub(r"\D", "", words)
    if len(digits) >= FEWEST_DIGITS:
        numbers = select(ContactPhone.contact_id).where(ContactPhone.phone_e164.contains(digits))
        found += [Contact.phone_e164.contains(digits), Contact.id.in_(numbers)]
    if number := normalize_phone(words, region):
        same = select(ContactPhone.contact_id).where(ContactPhone.phone_e164 == number)
        found += [Contact.phone_e164 == number, Contact.id.in_(same)]
    return or_(*found)


def _columns() -> tuple[Any, ...]:
    return (
        Contact.id,
        Contact.name,
        Contact.email,
        Contact.phone,
        Contact.company,
        Contact.city,
        Contact.country,
        Source.name.label("source"),
        func.array_to_string(Contact.tags, ", ").label("tags"),
        OrganizationMember.name.label("owner"),
        Contact.unsubscribed_at,
        Contact.created_at,
    )


ORDERED = (
    *("name", "email", "phone", "company", "city", "country", "source", "tags", "owner"),
    *("unsubscribed_at", "created_at"),
)


def contacts_table(
    db: Session,
    chosen: ContactFilter,
    *,
    order: Order | None = None,
    limit: int = 50,
    offset: int = 0,
) -> pd.DataFrame:
    """Contacts that the caller may see, by one of the columns ``ORDERED`` or latest first, without
    those that were merged into another or erased.

    Columns: id, and ``ORDERED``; instants aware in UTC.
    """
    columns = {str(column.key): column for column in _columns()}
    found = _named(select(*columns.values())).where(*_conditions(chosen))
    rows = sorted_by(found, columns, order, usual=Contact.created_at.desc(), newest=Contact.id)
    return fetched(db.execute(rows.limit(limit).offset(offset)))


def count_contacts(db: Session, chosen: ContactFilter) -> int:
    """The number of contacts that match the filter."""
    return db.scalars(select(func.count()).select_from(Contact).where(*_conditions(chosen))).one()


def tags_in_use(db: Session) -> list[str]:
    """Every tag of the contacts that the caller may see, by name."""
    tag = func.unnest(Contact.tags).label("tag")
    tagged = select(tag).where(Contact.tags != [], Contact.merged_into_id.is_(None))
    return list(db.scalars(tagged.distinct().order_by(tag)))


def contact_detail(db: Session, contact_id: UUID) -> Row[Any] | None:
    """The contact with the names of its source and owner, or the one that it was merged into; None
    where there is none, or none that the caller may see.

    Columns: Contact, source, owner.
    """
    merged = select(Contact.merged_into_id).where(Contact.id == contact_id).scalar_subquery()
    columns: tuple[Any, ...] = (
        Contact,
        Source.name.label("source"),
        OrganizationMember.name.label("owner"),
    )
    query = _named(select(*columns))
    return db.execute(query.where(Contact.id == func.coalesce(merged, contact_id))).first()


def leads_of_contact(db: Session, contact_id: UUID) -> pd.DataFrame:
    """The inquiries of a contact, latest first.

    Columns: id, received_at (UTC), status, priority, source, traffic_type, setter, owner, spam
    (bool).
    """
    query = _lead_names(
        select(
            Lead.id,
            RECEIVED.label("received_at"),
            Lead.status,
            Lead.priority,
            Source.name.label("source"),
            TrafficType.name.label("traffic_type"),
            Lead.current_setter_name.label("setter"),
            OrganizationMember.name.label("owner"),
            Lead.spam_since.is_not(None).label("spam"),
        )
    ).where(Lead.contact_id == contact_id)
    return fetched(db.execute(query.order_by(RECEIVED.desc(), Lead.id.desc())))


def lead_detail(db: Session, lead_id: UUID) -> Row[Any] | None:
    """One lead with its contact's name and the names of its lists; None where there is none, or
    none that the caller may see.

    Columns: Lead, contact (name), source, traffic_type, owner, received_at.
    """
    columns = (
        Lead,
        Contact.name.label("contact"),
        Source.name.label("source"),
        TrafficType.name.label("traffic_type"),
        OrganizationMember.name.label("owner"),
        RECEIVED.label("received_at"),
    )
    query = _lead_names(select(*columns)).outerjoin(
        Contact,
        (Contact.organization_id == Lead.organization_id) & (Contact.id == Lead.contact_id),
    )
    return db.execute(query.where(Lead.id == lead_id)).first()


def _lead_names(query: Select[Any]) -> Select[Any]:
    for table, key, column in (
        (Source, Source.id, Lead.source_id),
        (TrafficType, TrafficType.id, Lead.traffic_type_id),
        (OrganizationMember, OrganizationMember.user_id, Lead.owner_user_id),
    ):
        query = query.outerjoin(
            table, (table.organization_id == Lead.organization_id) & (key == column)
        )
    return query


@dataclass(frozen=True)
class PeopleLists:
    """The lists from which a contact and a lead choose: names by id; ``region`` is where the
    organisation's phone numbers are read.
    """

    sources: dict[UUID, str]
    traffic_types: dict[UUID, str]
    owners: dict[UUID, str]
    region: str


def people_lists(db: Session) -> PeopleLists:
    """Active sources and traffic types, and the members who may own a record, by name."""

    def active(table: Any, key: Any) -> dict[UUID, str]:
        listed = select(key, table.name).where(table.active).order_by(table.name, key)
        return {id_: name for id_, name in db.execute(listed)}  # noqa: C416 - rows are no pairs

    return PeopleLists(
        active(Source, Source.id),
        active(TrafficType, TrafficType.id),
        active(OrganizationMember, OrganizationMember.user_id),
        current_organization(db).region,
    )
