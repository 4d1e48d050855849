"""Changes of closers, and the reassignment of the events whose hosts they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import Session

from core.bookings.following import let_payments_follow
from core.bookings.models import Closer, Event
from core.bookings.roster import (
    Host,
    checked,
    closer_of,
    closers_in_order,
    has_namesake,
    hosts_digest,
    is_known_as,
    know_by_user,
    match_closer,
    name_tells,
    words_of,
)
from core.platform.advisory_locks import lock_books
from core.platform.errors import NotFound
from core.platform.normalization import fold, normalize_email

# What an event says of the host who is credited, or would be, and of the others.
HOST = (
    *(Event.host_uri, Event.host_email, Event.closer_name, Event.hosts_digest),
    *(Event.closer_id, Event.other_hosts, Event.booking_platform),
)


@dataclass(frozen=True)
class Hosted:
    """A host as one or more events name them."""

    row: RowMapping
    host: Host

    @property
    def platform(self) -> str:
        return str(self.row[Event.booking_platform])

    @property
    def address(self) -> str | None:
        return normalize_email(self.host.email)

    def is_of(self, closer: Closer, closers: Sequence[Closer]) -> bool:
        """Whether the host is this one of the closers."""
        return closer_of(closers, self.platform, self.host) is closer


def change_closer(
    db: Session,
    closer_id: UUID,
    *,
    name: str,
    email: str | None,
    user_id: UUID | None,
    active: bool,
) -> int:
    """Change a closer; returns the number of events that changed hands. Earlier events whose host
    has this name or address and was unknown become theirs, and those of a name that they had become
    that of its one closer. Raises like ``change_setter``.
    """
    lock_books(db)
    closer = db.scalars(select(Closer).where(Closer.id == closer_id)).first()
    if closer is None:
        raise NotFound("There is no such closer.")
    before = words_of(closer)
    for column, value in checked(name, email, closer.aliases).items():
        setattr(closer, column, value)
    closer.user_id, closer.active = user_id, active
    db.flush()
    others = [each for each in closers_in_order(db) if each is not closer]
    namesakes = [each for each in others if before & words_of(each)]
    return sum(claim_hosted(db, each) for each in (closer, *namesakes))


def claim_hosted(db: Session, closer: Closer) -> int:
    """Give the closer the events whose hosts nobody knew and one of whom is them, by user, address
    or name; how many. A name claims nothing on a platform where something better finds the closer,
    and nothing where several hosts have it. What a name gave before, and would not by now, is
    matched again.
    """
    lock_books(db)
    changed: list[UUID] = []
    for row, host in _hosted_by(db, closer):
        taken = update(Event).where(Event.closer_id.is_(None), _is_like(row))
        changed += db.scalars(
            taken.values(_given(row, closer, host, _hosts(row))).returning(Event.id)
        )
    let_payments_follow(db, changed)
    rematch_names(db)
    return len(changed)


def rematch_names(db: Session) -> None:
    """Match the events again that are a closer's by name alone, where the host has turned out to be
    somebody else, or may be, also another closer of that name. What a user or an address gave is
    left as it is.
    """
    closers = closers_in_order(db)
    changed: list[UUID] = []
    for row in db.execute(select(*HOST).where(Event.closer_by_name).distinct()).mappings().all():
        [closer] = (each for each in closers if each.id == row[Event.closer_id])
        hosted = Hosted(row, replace(_host(row), name=closer.name))
        known = [each for each in closers if is_known_as(each, hosted.platform, hosted.host)]
        alike = update(Event).where(Event.closer_by_name, _is_like(row))
        if closer in known:
            db.execute(alike.values(closer_by_name=False))
        elif (
            any(each.active for each in known)
            or has_namesake(closer, closers)
            or not name_tells(db, closer, hosted.platform, hosted.host)
        ):
            facts = _matched_again(db, hosted)
            changed += db.scalars(alike.values(facts).returning(Event.id))
    let_payments_follow(db, changed)
    if changed:  # whom the others of a name can be may depend on it
        rematch_names(db)


def _matched_again(db: Session, hosted: Hosted) -> dict[str, Any]:
    others = (Host(**each) for each in hosted.row[Event.other_hosts])
    hosts = [hosted.host, *others]
    closer, credited = match_closer(db, hosted.platform, hosts, closers_in_order(db))
    if closer is None or credited is None:
        return {"closer_id": None, "closer_by_name": False}
    return _given(hosted.row, closer, credited, hosts)


def _hosted_by(db: Session, closer: Closer) -> list[tuple[RowMapping, Host]]:
    """How the events that the closer hosted, and that are theirs or nobody's, name their hosts, and
    which of these is the closer.
    """
    closers = closers_in_order(db)
    is_named = func.num_nonnulls(Event.host_uri, Event.host_email) > 0
    concerned = or_(Event.closer_id.is_(None), and_(Event.closer_id == closer.id, is_named))
    rows = db.execute(select(*HOST).where(concerned, Event.closer_name.is_not(None)).distinct())
    hosts = [Hosted(row, host) for row in rows.mappings() for host in _hosts(row)]
    mine = [each for each in hosts if each.is_of(closer, closers)]
    known = [each for each in mine if is_known_as(closer, each.platform, each.host)]
    for each in known:
        know_by_user(closer, each.platform, each.host)
    better = {each.platform for each in known}  # where a name claims nothing
    named = [each for each in mine if each.platform not in better]
    if _name_others(named, closer, closers, hosts):
        named = []
    by_name = {each.platform for each in named}
    return [
        (each.row, each.host)
        for each in hosts
        if each.is_of(closer, closers)
        and (each.platform in by_name or is_known_as(closer, each.platform, each.host))
    ]


def _name_others(
    named: Sequence[Hosted], closer: Closer, closers: Sequence[Closer], hosts: Sequence[Hosted]
) -> bool:
    """Whether the name by which ``named`` are the closer is that of several people: on one platform
    by all that it says of them, between platforms, whose ids say nothing of each other, by address
    or because a host there is known not to be the closer.
    """
    said = {(each.platform, who) for each in named if (who := _who(each.row, each.host))}
    platforms = {each.platform for each in named}
    alike = [each for each in hosts if fold(each.host.name) in words_of(closer)]
    return (
        len(said) > len({platform for platform, _ in said})
        or any(
            (each.host.uri or each.address) and not each.is_of(closer, closers)
            for each in alike
            if each.platform not in platforms
        )
        or any(
            platform != elsewhere and address != other
            for platform, address in _addresses(named)
            for elsewhere, other in _addresses(alike)
        )
    )


def _addresses(hosts: Iterable[Hosted]) -> set[tuple[str, str]]:
    return {(each.platform, each.address) for each in hosts if each.address}


def _hosts(row: RowMapping) -> list[Host]:
    """The host who is credited, and if that is nobody on the roster, the others."""
    others = [] if row[Event.closer_id] else row[Event.other_hosts]
    return [_host(row), *(Host(**each) for each in others)]


def _host(row: RowMapping) -> Host:
    uri, email, name = row[Event.host_uri], row[Event.host_email], row[Event.closer_name]
    return Host(uri, email or name, name)


def _who(row: RowMapping, host: Host) -> str | None:
    """What tells hosts of one name apart. Of earlier events all hosts together are known, and of
    the earliest nothing.
    """
    is_named = host != _host(row) or row[Event.host_uri] or row[Event.host_email]
    digest: str | None = row[Event.hosts_digest]
    return hosts_digest([host]) if is_named else digest


def _given(row: RowMapping, closer: Closer, host: Host, hosts: Sequence[Host]) -> dict[str, Any]:
    """The change by which events become the closer's, who is one of their hosts; the first of these
    is the one who is credited so far.
    """
    facts = {
        "closer_id": closer.id,
        "closer_name": closer.name,
        "closer_by_name": not is_known_as(closer, row[Event.booking_platform], host),
    }
    if host == hosts[0]:
        return facts
    before = Host(row[Event.host_uri], row[Event.host_email], row[Event.closer_name])
    others = [each for each in hosts[1:] if each != host]
    return facts | {
        "host_uri": host.uri,
        "host_email": host.email,
        "other_hosts": [vars(each) for each in (before, *others)],
    }


def _is_like(row: RowMapping) -> ColumnElement[bool]:
    return and_(*(column.is_not_distinct_from(row[column]) for column in HOST))
