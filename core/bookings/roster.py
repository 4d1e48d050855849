"""The roster: closers and setters are created, matched to bookings and linked to users."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import case, func, literal, select, union_all, update
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, Closer, Event, Setter
from core.platform.advisory_locks import advisory_lock
from core.platform.database import organization_id_of
from core.platform.errors import Conflict, InvalidInput
from core.platform.normalization import fold, normalize_email

ROSTERS: dict[str, type[Closer] | type[Setter]] = {"closer": Closer, "setter": Setter}


@dataclass(frozen=True)
class Host:
    """One host of a meeting, as the booking platform names them."""

    uri: str | None
    email: str | None
    name: str | None


def create_closer(
    db: Session,
    name: str,
    email: str | None = None,
    *,
    calendly_user_uri: str | None = None,
    aliases: Iterable[str] = (),
) -> Closer:
    """Create a rep who takes meetings. Raises InvalidInput without a name or for an invalid
    address.
    """
    facts = checked(name, email, aliases)
    closer = Closer(
        organization_id=organization_id_of(db), calendly_user_uri=calendly_user_uri, **facts
    )
    db.add(closer)
    db.flush()
    return closer


def create_setter(
    db: Session, name: str, email: str | None = None, *, aliases: Iterable[str] = ()
) -> Setter:
    """Create a rep who books meetings; ``aliases`` are the names by which bookings mention them.
    Raises InvalidInput.
    """
    setter = Setter(organization_id=organization_id_of(db), **checked(name, email, aliases))
    db.add(setter)
    db.flush()
    return setter


def checked(name: str, email: str | None, aliases: Iterable[str]) -> dict[str, Any]:
    """A rep's name, address and other names, ready to be stored. Raises InvalidInput."""
    if not fold(name):
        raise InvalidInput("A name is needed.", field="name")
    if email and normalize_email(email) is None:
        raise InvalidInput(f"“{email}” is not an e-mail address.", field="email")
    return {
        "name": name.strip(),
        "email": email,
        "email_normalized": normalize_email(email),
        "aliases": [alias.strip() for alias in aliases if alias.strip()],
    }


def link_user(db: Session, user_id: UUID, email: str) -> None:
    """Link the closer and setter rows with this e-mail address to the user, so that they see their
    own events.
    """
    advisory_lock(db, "money")
    for roster in (Closer, Setter):
        db.execute(
            update(roster)
            .where(roster.email_normalized == normalize_email(email), roster.user_id.is_(None))
            .values(user_id=user_id)
        )


def roster_table(db: Session) -> pd.DataFrame:
    """Every closer and setter by name, with the user whom each is linked to.

    Columns: id (UUID), kind (``closer`` or ``setter``), name, email (str), active (bool), user_id
    (UUID).
    """
    rows = union_all(
        *(
            select(
                roster.id,
                literal(kind).label("kind"),
                roster.name,
                roster.email,
                roster.active,
                roster.user_id,
            )
            for kind, roster in ROSTERS.items()
        )
    ).subquery()
    found = db.execute(select(rows).order_by(func.lower(rows.c.name), rows.c.kind, rows.c.id))
    return pd.DataFrame(found.mappings().all(), columns=list(found.keys()))


def link_roster_to_user(db: Session, user_id: UUID, row_ids: Collection[UUID]) -> None:
    """Link exactly these closers and setters to the user, who then sees their events and payments
    and no others.

    Raises Conflict when one of them is linked to another user; that link has to be removed first.
    """
    advisory_lock(db, "money")
    for roster in ROSTERS.values():
        taken = select(roster.name).where(roster.id.in_(row_ids), roster.user_id != user_id)
        if (name := db.scalars(taken).first()) is not None:
            raise Conflict(f"“{name}” is linked to somebody else; unlink it there first.")
        db.execute(
            update(roster)
            .where(roster.user_id == user_id, roster.id.not_in(row_ids))
            .values(user_id=None)
        )
        db.execute(
            update(roster)
            .where(roster.id.in_(row_ids), roster.user_id.is_(None))
            .values(user_id=user_id)
        )


def match_closer(db: Session, hosts: Sequence[Host]) -> tuple[Closer | None, Host | None]:
    """The closer of a meeting, and the matching host: the first host that is a closer, else the
    first host.

    A host is matched by Calendly user, then by e-mail, then by name; a closer who was matched by
    one of these is known by the Calendly user from then on. Of several the active one is meant: a
    closer who was switched off takes no booking that one in service could be named for.
    """
    closers = list(db.scalars(select(Closer).order_by(Closer.created_at, Closer.id)))
    for host in hosts:
        if closer := _closer(closers, host):
            closer.calendly_user_uri = closer.calendly_user_uri or host.uri
            return closer, host
    return None, hosts[0] if hosts else None


def _closer(closers: Sequence[Closer], host: Host) -> Closer | None:
    email, name = normalize_email(host.email), fold(host.name)
    found = [
        *(each for each in closers if host.uri and each.calendly_user_uri == host.uri),
        *(each for each in closers if email and each.email_normalized == email),
        *_of_that_name(closers, name, host),
    ]
    return next((each for each in found if each.active), next(iter(found), None))


def _of_that_name(closers: Sequence[Closer], name: str, host: Host) -> list[Closer]:
    """The one closer in service of this name. A name is no proof: two who share it are nobody, and
    so is one who is known as another Calendly user.
    """
    named = [each for each in closers if each.active and name and name in words_of(each)]
    free = [each for each in named if each.calendly_user_uri in (None, host.uri)]
    return free if len(named) == 1 else []


def words_of(rep: Closer | Setter) -> set[str]:
    """The words by which bookings name a rep, folded."""
    return {fold(word) for word in (rep.name, rep.email, *rep.aliases) if word}


def match_setter(db: Session, mention: str) -> Setter | None:
    """The setter whom a booking mentions by name, alias or e-mail; None when nobody fits."""
    wanted, email = fold(mention), normalize_email(mention)
    for setter in db.scalars(
        select(Setter).order_by(Setter.active.desc(), Setter.created_at, Setter.id)
    ):
        if email and setter.email_normalized == email:
            return setter
        if wanted and wanted in {fold(name) for name in (setter.name, *setter.aliases)}:
            return setter
    return None


def setter_mentions(
    utm: Mapping[str, str | None], answers: Iterable[Mapping[str, Any]], named_in: BookingSettings
) -> list[str]:
    """The texts of a booking that may mention its setter: the organisation's UTM field first, then
    the answer to its question.
    """
    answered = [
        answer.get("answer")
        for answer in answers
        if named_in.setter_question
        and fold(answer.get("question")) == fold(named_in.setter_question)
    ]
    texts = (utm.get(named_in.setter_utm_field), *answered)
    return [text.strip() for text in texts if isinstance(text, str) and fold(text)]


def closers_by_name(db: Session) -> dict[str, UUID]:
    """The active closers' ids by name; those who share a name have their address behind it."""
    shared = func.count().over(partition_by=Closer.name) > 1
    label = case((shared, func.concat(Closer.name, " (", Closer.email, ")")), else_=Closer.name)
    rows = db.execute(
        select(label, Closer.id).where(Closer.active).order_by(func.lower(Closer.name), Closer.id)
    )
    return {name: closer_id for name, closer_id in rows}  # noqa: C416 - rows are no pairs to dict()


def setters_by_name(db: Session) -> dict[str, UUID]:
    """The active setters' ids by name."""
    rows = db.execute(
        select(Setter.name, Setter.id).where(Setter.active).order_by(func.lower(Setter.name))
    )
    return {name: setter_id for name, setter_id in rows}  # noqa: C416 - rows are no pairs to dict()


def unmapped_setters(db: Session) -> pd.DataFrame:
    """Names that bookings mention as setter but that no setter on the roster has, most frequent
    first.

    Columns: setter_name (str), bookings (int64), last_booked_at (UTC).
    """
    names = (
        select(
            Event.setter_name,
            func.count().label("bookings"),
            func.max(Event.booked_at).label("last_booked_at"),
        )
        .where(
            Event.setter_id.is_(None), Event.setter_name.is_not(None), Event.deleted_at.is_(None)
        )
        .group_by(Event.setter_name)
        .order_by(func.count().desc(), Event.setter_name)
    )
    return pd.read_sql(names, db.connection())
