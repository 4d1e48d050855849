"""The roster: closers and setters are created, matched to bookings and linked to users."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import case, func, literal, or_, select, union_all, update
from sqlalchemy.orm import Session

from core.bookings.models import BookingSettings, Closer, Event, Setter
from core.platform.advisory_locks import lock_books
from core.platform.database import organization_id_of
from core.platform.dataframes import fetched
from core.platform.edits import merged
from core.platform.errors import Conflict, InvalidInput
from core.platform.names import check_name, check_names
from core.platform.normalization import fold, normalize_email
from core.platform.search import is_address

if TYPE_CHECKING:
    import pandas as pd

NAME_MISSING = "A name is needed."
ROSTERS: dict[str, type[Closer] | type[Setter]] = {"closer": Closer, "setter": Setter}


@dataclass(frozen=True)
class Host:
    """One host of a meeting, as the booking platform names them. ``uri`` is its own id of the user,
    which names nobody by itself and says nothing on another platform.
    """

    uri: str | None
    email: str | None
    name: str | None


def create_closer(
    db: Session, name: str, email: str | None = None, *, aliases: Iterable[str] = ()
) -> Closer:
    """Create a rep who takes meetings. Raises InvalidInput without a name or for an invalid
    address.
    """
    lock_books(db)
    closer = Closer(organization_id=organization_id_of(db), **checked(name, email, aliases))
    db.add(closer)
    db.flush()
    return closer


def create_setter(
    db: Session, name: str, email: str | None = None, *, aliases: Iterable[str] = ()
) -> Setter:
    """Create a rep who books meetings; ``aliases`` are the names by which bookings mention them.
    Raises InvalidInput.
    """
    lock_books(db)
    setter = Setter(organization_id=organization_id_of(db), **checked(name, email, aliases))
    db.add(setter)
    db.flush()
    return setter


def checked(name: str, email: str | None, aliases: Iterable[str]) -> dict[str, Any]:
    """A rep's name, address and other names, ready to be stored. Raises InvalidInput."""
    if not fold(name):
        raise InvalidInput(NAME_MISSING, field="name")
    if email and normalize_email(email) is None:
        raise InvalidInput(
            f"“{email[:60]}” is not an e-mail address, like name@example.com.",
            field="email",
        )
    return {
        "name": check_name(name, NAME_MISSING),
        "email": email,
        "email_normalized": normalize_email(email),
        "aliases": check_names(aliases, field="aliases"),
    }


def link_user(db: Session, user_id: UUID, email: str) -> None:
    """Link the closer and setter rows with this e-mail address to the user, so that they see their
    own events.
    """
    lock_books(db)
    for roster in (Closer, Setter):
        db.execute(
            update(roster)
            .where(is_address(roster.email_normalized, email), roster.user_id.is_(None))
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
    return fetched(found)


def link_roster_to_user(
    db: Session,
    user_id: UUID,
    row_ids: Collection[UUID],
    read: Collection[UUID] | None = None,
) -> None:
    """Link exactly these closers and setters to the user, who then sees their events and payments
    and no others. ``read`` are the ones that these replace; None for whatever is there.

    Raises Conflict when one of them is linked to another user; that link has to be removed first.
    Raises Changed when somebody else has linked others since they were read.
    """
    lock_books(db)
    if read is not None:
        now = {
            each
            for roster in ROSTERS.values()
            for each in db.scalars(select(roster.id).where(roster.user_id == user_id))
        }
        merged({"rows": now}, {"rows": set(row_ids)}, {"rows": set(read)})
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


def match_closer(
    db: Session, platform: str, hosts: Sequence[Host], closers: Sequence[Closer]
) -> tuple[Closer | None, Host | None]:
    """The closer of a meeting, one of ``closers``, and the matching host: the first host that is a
    closer in service, else the first that is one who was switched off, else the first host.

    A host is matched by the platform's user, then by e-mail, then by name; a closer who was matched
    by address is known by the platform's user from then on. A closer who was switched off takes no
    booking that one in service could be named for.
    """
    found = [
        (closer, host)
        for host in hosts
        if (closer := closer_of(closers, platform, host))
        and (is_known_as(closer, platform, host) or name_tells(db, closer, platform, host))
    ]
    if not found:
        return None, hosts[0] if hosts else None
    closer, host = next((each for each in found if each[0].active), found[0])
    know_by_user(closer, platform, host)
    return closer, host


def hosts_digest(hosts: Iterable[Host]) -> str:
    """A text that is the same while the hosts and their order are."""
    return digest_of([host.uri or fold(host.email or host.name) for host in hosts])


def digest_of(facts: Any) -> str:
    """A short text that is the same for the same facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def closers_in_order(db: Session) -> list[Closer]:
    """All closers, in the order in which hosts are matched with them."""
    return list(db.scalars(select(Closer).order_by(Closer.created_at, Closer.id)))


def closer_of(closers: Sequence[Closer], platform: str, host: Host) -> Closer | None:
    """Which of the closers the host is, by user, address or name; see ``match_closer``."""
    found = [
        *(each for each in closers if _is_user(each, platform, host)),
        *(each for each in closers if _has_address(each, host)),
        *_of_that_name(closers, platform, host),
    ]
    return next((each for each in found if each.active), next(iter(found), None))


def _is_user(closer: Closer, platform: str, host: Host) -> bool:
    return bool(host.uri) and closer.known_as.get(platform) == host.uri


def _has_address(closer: Closer, host: Host) -> bool:
    email = normalize_email(host.email)
    return email is not None and closer.email_normalized == email


def know_by_user(closer: Closer, platform: str, host: Host) -> None:
    """Know the closer by the platform's user from now on, if the host has the closer's address. A
    name is no proof.
    """
    if host.uri and _has_address(closer, host):
        closer.known_as = closer.known_as | {platform: host.uri}


def name_tells(db: Session, closer: Closer, platform: str, host: Host) -> bool:
    """Whether a host who shares only the name with the closer can be taken to be them.

    They cannot when the closer is known by another user of the platform, or when any booking has
    another host of that name. On the same platform a host is another one when their user differs,
    without users their address, and when they have the closer's own address. On other platforms,
    whose users cannot be compared, a host is another one when their address differs; without an
    address here, when anything is known of them and they are not the closer.
    """
    address, email = func.lower(func.btrim(Event.host_email)), normalize_email(host.email)
    is_here, is_theirs = Event.booking_platform == platform, Event.closer_id == closer.id
    here = Event.host_uri != host.uri
    if host.uri is None:
        here = Event.host_uri.is_(None) & (address != email)
    if closer.email_normalized:
        here = here | (is_theirs & (address == closer.email_normalized))
    elsewhere = address != email
    if email is None:
        is_somebody = func.num_nonnulls(Event.host_uri, Event.host_email) > 0
        elsewhere = is_somebody & Event.closer_id.is_distinct_from(closer.id)
    named = is_theirs | (func.lower(Event.closer_name) == (host.name or "").lower())
    others = select(Event.id).where(named, or_(is_here & here, ~is_here & elsewhere))
    return _is_free(closer, platform, host) and db.scalars(others.limit(1)).first() is None


def is_known_as(closer: Closer, platform: str, host: Host) -> bool:
    """Whether the host is the closer by the platform's user or address."""
    return _is_user(closer, platform, host) or _has_address(closer, host)


def may_be(closer: Closer, platform: str, host: Host) -> bool:
    """Whether the host is the closer, or is named like them and known as nobody else."""
    named = {fold(host.name), fold(host.email)} & words_of(closer)
    is_known = is_known_as(closer, platform, host)
    return is_known or (bool(named) and _is_free(closer, platform, host))


def _of_that_name(closers: Sequence[Closer], platform: str, host: Host) -> list[Closer]:
    """The one closer in service of this name. A name is no proof: two who share it are nobody, and
    so is one whom the platform knows as another user.
    """
    name = fold(host.name)
    named = [each for each in closers if each.active and name and name in words_of(each)]
    free = [each for each in named if _is_free(each, platform, host)]
    return free if len(named) == 1 else []


def has_namesake(closer: Closer, closers: Sequence[Closer]) -> bool:
    """Whether the name of a closer in service is also another's, so that it says nobody. Who was
    switched off had it alone while they were in service.
    """
    others = (each for each in closers if each is not closer and each.active)
    return closer.active and any(fold(closer.name) in words_of(each) for each in others)


def _is_free(closer: Closer, platform: str, host: Host) -> bool:
    """Whether the platform knows the closer as no other user."""
    return closer.known_as.get(platform) in (None, host.uri)


def words_of(rep: Closer | Setter) -> set[str]:
    """The words by which bookings name a rep, folded."""
    return {fold(word) for word in (rep.name, rep.email, *rep.aliases) if word}


def setters_in_order(db: Session) -> list[Setter]:
    """All setters, in the order in which mentions are matched with them."""
    in_order = (Setter.active.desc(), Setter.created_at, Setter.id)
    return list(db.scalars(select(Setter).order_by(*in_order)))


def match_setter(setters: Iterable[Setter], mention: str) -> Setter | None:
    """The one of the setters whom a booking mentions by name, alias or e-mail; None when nobody
    fits.
    """
    wanted, email = fold(mention), normalize_email(mention)
    for setter in setters:
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
    return fetched(db.execute(names))
