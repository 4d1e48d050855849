"""Why can't they see it? For a member and a record: whether the member sees it, what decides that,
and what to change.

The answer follows the order in which a member is let in: membership, account, second factor, module
and role of the screen, the record's own state, and last the policies of its table, which
``core.platform.security.reading`` asks with the member's identity. So it cannot differ from what
they read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.bookings.models import Event
from core.money.models import Payment
from core.people.models import Contact, Lead
from core.people.visibility import sees_persons
from core.platform.errors import NotAllowed, NotFound
from core.platform.labels import LabelledEnum
from core.platform.schema import Base, OwnedBy
from core.platform.search import is_address
from core.platform.security.ownership import referred, user_columns
from core.platform.security.reading import Reader, may_read
from core.tenancy.access.authorization import Access
from core.tenancy.access.models import MEMBER_ROLES, OrganizationMember, Role
from core.tenancy.organizations.modules import MODULES
from core.tenancy.organizations.queries import current_organization

MOST_FOUND = 20


class Decider(LabelledEnum):
    """What decides whether a member sees a record, as the answer calls it."""

    MEMBERSHIP = "membership"
    STATUS = "status"
    SECOND_FACTOR = "second_factor"
    MODULE = "module"
    ROLE = "role"
    ASSIGNMENT = "assignment"
    REPORTING_LINE = "reporting_line", "Reporting line"


class RecordKind(LabelledEnum):
    """The kinds of record that can be asked about, by the subject that their tables declare."""

    EVENT = "event", "Booking"
    PAYMENT = "payment"
    LEAD = "lead"
    CONTACT = "contact"

    @property
    def table(self) -> Table:
        """The table that declares this subject."""
        tables = Base.metadata.sorted_tables
        return next(each for each in tables if each.info["subject"] == self)


@dataclass(frozen=True)
class Answer:
    """Whether the member sees the record, what decides it, why, and what to change on which
    screen; a screen of the record itself is called by its kind.
    """

    sees: bool
    decides: Decider
    why: str
    change: str = ""
    screen: str | None = None


@dataclass(frozen=True)
class _Member:
    """A member as ``app.identity_of`` describes them."""

    name: str
    role: str
    is_active: bool
    is_account_active: bool
    lacks_factor: bool
    reader: Reader


def explain(db: Session, user_id: UUID, kind: RecordKind, row_id: UUID, screen: Access) -> Answer:
    """The answer for one member and one record, which is shown on a screen with this access.

    Raises NotAllowed unless the transaction is an admin's, and NotFound for a record or member that
    is not there.
    """
    row = _row(db, kind, row_id)
    member = _member(db, user_id)
    closed = _kept_out(member) or _screen_closed(db, member, screen) or _gone(kind, row)
    return closed or _by_policies(db, member, kind, row)


def explain_for_all(
    db: Session, kind: RecordKind, row_id: UUID, screen: Access
) -> list[tuple[OrganizationMember, Answer]]:
    """The answer for each member, by name. Raises as ``explain`` does."""
    everybody = db.scalars(select(OrganizationMember).order_by(OrganizationMember.name))
    return [(each, explain(db, each.user_id, kind, row_id, screen)) for each in everybody]


def record_question(db: Session, user_id: UUID | None, kind: RecordKind, row_id: UUID) -> None:
    """Have the audit log say that this was asked; ``user_id`` is None for everybody at once."""
    question = text("select app.record_access_question(:user, :table, :row)")
    db.execute(question, {"user": user_id, "table": kind.table.name, "row": row_id})


def _row(db: Session, kind: RecordKind, row_id: UUID) -> Row[Any]:
    row = db.execute(select(kind.table).where(kind.table.c.id == row_id)).first()
    if row is None:
        raise NotFound(f"There is no such {kind.label.lower()}.")
    return row


def _member(db: Session, user_id: UUID) -> _Member:
    if db.scalar(text("select app.cur_role()")) not in (Role.SUPER_ADMIN, Role.OWNER, Role.ADMIN):
        raise NotAllowed("Only admins ask what somebody else sees.")
    found = db.execute(text("select * from app.identity_of(:user)"), {"user": user_id}).first()
    if found is None:
        raise NotFound("There is no such member.")
    return _Member(
        found.name,
        found.role,
        found.is_active,
        found.is_account_active,
        found.lacks_factor,
        Reader(user_id, found.role, found.team, found.team_only),
    )


def _kept_out(member: _Member) -> Answer | None:
    """Whoever does not get in at all."""
    name = member.name
    if not member.is_active:
        why = f"{name} is deactivated in this organisation."
        return Answer(False, Decider.MEMBERSHIP, why, "Activate them again.", "team")
    if not member.is_account_active:
        why = f"{name}'s account is locked for the whole installation."
        change = "Ask whoever runs the installation to let them in again."
        return Answer(False, Decider.MEMBERSHIP, why, change)
    if member.lacks_factor:
        why = f"{name} has not set up the second factor that the organisation asks for."
        change = "They set it up under Your account; until then nothing else opens."
        return Answer(False, Decider.SECOND_FACTOR, why, change)
    return None


def _screen_closed(db: Session, member: _Member, screen: Access) -> Answer | None:
    """Whoever the screen of the record is closed to."""
    organization = current_organization(db)
    if screen.module is not None and screen.module not in organization.modules:
        why = f"{MODULES[screen.module]} is switched off for {organization.name}, for everybody."
        change = "Ask whoever runs the installation to switch it on."
        return Answer(False, Decider.MODULE, why, change)
    if member.role != Role.SUPER_ADMIN and member.role not in screen.roles:
        why = f"The role of {member.name} ({_word(member.role)}) does not include this screen."
        return Answer(False, Decider.ROLE, why, "Change their role.", "team")
    return None


def _gone(kind: RecordKind, row: Row[Any]) -> Answer | None:
    """What nobody sees any more."""
    if getattr(row, "deleted_at", None) is None:
        return None
    return Answer(False, Decider.STATUS, f"The {kind.label.lower()} was deleted. Nobody sees it.")


def _by_policies(db: Session, member: _Member, kind: RecordKind, row: Row[Any]) -> Answer:
    """What the policies of the table say, and which part of them decides."""
    reader, what = member.reader, kind.label.lower()

    def reads(**other: Any) -> bool:
        return may_read(db, kind.table, row.id, replace(reader, **other))

    role = _word(member.role)
    if reads(team=()):
        hidden = "" if sees_persons(member.role) else ", without names and contact details"
        why = f"{member.name} sees every {what} as {role}{hidden}."
        return Answer(True, Decider.ROLE, why)
    owners = _owners(db, kind.table, row)
    if reads(team=(reader.user_id,)):
        return Answer(True, Decider.ASSIGNMENT, f"The {what} belongs to {member.name}.")
    if reads():
        below = set(owners.users) & set(reader.team)
        verb = "reports" if len(below) == 1 else "report"
        why = f"The {what} belongs to {_members(db, below)}, who {verb} to {member.name}."
        return Answer(True, Decider.REPORTING_LINE, why)
    if reader.team_only and reads(team_only=False):
        why = f"{member.name} sees their own team only; this {what} belongs to {owners.names}."
        if not owners.users:
            return Answer(False, Decider.REPORTING_LINE, why, owners.change, kind)
        change = (
            f"Have them report to {member.name} under “Who reports to whom”, or switch off"
            " “Managers see their own team only”."
        )
        return Answer(False, Decider.REPORTING_LINE, why, change, "settings")
    if member.role == Role.SALES_REP:
        why = f"{member.name} sees their own {what}s only; this one belongs to {owners.names}."
        return Answer(False, Decider.ASSIGNMENT, why, owners.change, kind)
    others = [_word(each) for each in MEMBER_ROLES if reads(role=each, team=(), team_only=False)]
    why = f"As {role}, {member.name} sees no {what}s."
    return Answer(False, Decider.ROLE, why, f"Those who do: {', '.join(others)}.", "team")


@dataclass(frozen=True)
class _Owners:
    """To whom a row belongs, as users and in words, and how somebody else becomes one of them."""

    users: list[UUID]
    names: str
    change: str


def _owners(db: Session, table: Table, row: Row[Any]) -> _Owners:
    """As the table declares it: the people that the row names, or those of rows that share it."""
    owners, values = table.info["owners"], row._mapping
    if not isinstance(owners, OwnedBy):
        [column] = user_columns(table)
        users = list(values[column])
        change = "It belongs to the closers and setters of its bookings: make them one of these."
        return _Owners(users, _members(db, users), change)
    named, unlinked, users = [], [], []
    for name in owners.names:
        roster = referred(table, f"{name}_id")
        query = select(roster.c.name, roster.c.user_id).where(roster.c.id == values[f"{name}_id"])
        person = db.execute(query).first()
        if person is None:
            continue
        named.append(f"{name} {person.name}")
        if person.user_id is None:
            unlinked.append(f"{name} {person.name}")
        else:
            users.append(person.user_id)
    change = (
        f"Make them its {' or '.join(owners.names)}; a payment takes over those of its booking."
    )
    if unlinked:
        change = f"If they are {_listed(unlinked)}, link the two under Team. Otherwise: {change}"
    return _Owners(users, _listed(named), change)


def _members(db: Session, users: Collection[UUID]) -> str:
    names = select(OrganizationMember.name).where(OrganizationMember.user_id.in_(users))
    return _listed(db.scalars(names.order_by(OrganizationMember.name)))


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names) or "nobody"


def _word(role: str) -> str:
    return role.replace("_", " ")


def found_records(db: Session, kind: RecordKind, words: str) -> list[Row[Any]]:
    """The latest records whose person's name contains ``words`` or whose address they are; without
    words the latest of all. Columns: id, name, email, at.
    """
    query, (name, address, at) = _records(kind)
    if cleaned := words.replace("\0", "").strip():  # the database keeps no zero characters
        is_named = name.icontains(cleaned, autoescape=True)
        query = query.where(or_(is_named, is_address(address, cleaned)))
    return list(db.execute(query.order_by(at.desc(), kind.table.c.id).limit(MOST_FOUND)))


def record_called(db: Session, kind: RecordKind, row_id: UUID) -> Row[Any] | None:
    """One record with the columns of ``found_records``; None when it is not there."""
    query, _ = _records(kind)
    return db.execute(query.where(kind.table.c.id == row_id)).first()


Column = InstrumentedAttribute[Any]


def _records(kind: RecordKind) -> tuple[Select[Any], tuple[Column, Column, Column]]:
    """All records of the kind, and the columns with the person's name, with the normalised address
    and with the instant by which they are sorted.
    """
    person, address, at = {
        RecordKind.EVENT: (Event.lead_name, Event.lead_email_normalized, Event.scheduled_at),
        RecordKind.PAYMENT: (
            Payment.customer_name,
            Payment.customer_email_normalized,
            Payment.payment_date,
        ),
        RecordKind.LEAD: (Contact.name, Contact.email_normalized, Lead.created_at),
        RecordKind.CONTACT: (Contact.name, Contact.email_normalized, Contact.created_at),
    }[kind]
    columns = kind.table.c.id, person.label("name"), address.label("email"), at.label("at")
    query = select(*columns).select_from(kind.table)
    if kind is RecordKind.LEAD:
        is_theirs = Contact.id == Lead.contact_id
        in_organization = Contact.organization_id == Lead.organization_id
        query = query.outerjoin(Contact, in_organization & is_theirs)
    return query, (person, address, at)
