"""Access links, which open one thing without a password: a closer's queue, one person's statement,
or one dashboard.

A link's token is shown once; only its hash is stored. The policies of the link's role enforce what
it opens, see ``app.enter_link`` and ``schema.opened_by``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.bookings.listed import LISTED_COLUMNS
from core.links.kinds import OPENS, LinkPurpose, Subject
from core.links.models import AccessToken
from core.platform.clock import now
from core.platform.database import as_guest, as_link, organization_id_of
from core.platform.dataframes import fetched
from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyRequests
from core.platform.names import check_name
from core.platform.rate_limits import take_hit
from core.platform.settings import settings
from core.platform.tokens import hash_token
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.modules import require_module

if TYPE_CHECKING:
    import pandas as pd

DAYS, MOST_DAYS = 90, 366
WRONG_TRIES, WINDOW_S = 30, 15 * 60
ENDED = (
    "This link does not work. It may have expired or been revoked. Ask whoever gave it to you"
    " for a new one."
)


@dataclass(frozen=True)
class NewLink:
    """A new link; its token is shown only this once."""

    id: UUID
    name: str
    address: str


@dataclass(frozen=True)
class Visitor:
    """The holder of a valid link, with what the link's page shows."""

    link_id: UUID
    name: str
    purpose: LinkPurpose
    organization_id: UUID
    organization_name: str
    timezone: str
    currency: str
    locale: str
    person: str | None
    closer_id: UUID | None
    setter_id: UUID | None
    snapshot_name: str | None
    period_start: date | None
    period_end: date | None
    shown: Mapping[str, Any]
    token_hash: bytes = field(repr=False)
    user_id: None = None

    @property
    def signature(self) -> str:
        return f"through the link “{self.name}”"

    @property
    def sees_money(self) -> bool:
        """Whether a shared dashboard shows money."""
        return self.shown.get("money") is True

    def may_file(self, closer_id: UUID | None, closer_user_id: UUID | None) -> bool:
        """A portal files the forms of its closer's events, whether or not that closer has an
        account.
        """
        return (
            self.purpose == LinkPurpose.PORTAL
            and closer_id is not None
            and closer_id == self.closer_id
        )

    @contextmanager
    def transaction(self, event_id: UUID | None = None) -> Iterator[Session]:
        """A transaction that reads what the link opens. With ``event_id`` it may also file that
        event's form.

        Raises NotAllowed when the link has ended, or the event belongs to another closer.
        """
        try:
            with as_link(self.token_hash, self.purpose, event_id) as db:
                yield db
        except NotAllowed as error:
            raise NotAllowed(ENDED) from error


def open_link(token: str, purpose: LinkPurpose, *, address: str) -> Visitor:
    """The holder of the link with this token. The link's use is recorded.

    Wrong tokens are counted per network address in a window of 15 minutes; a request without a
    token is not counted.

    Raises:
        NotAllowed: the link is unknown, expired, revoked or for another purpose; the text does not
        reveal which.
        TooManyRequests: too many wrong tokens from this address.
    """
    if not token:
        raise NotAllowed(ENDED)
    key = f"link:{address}"
    with as_guest() as db:
        wait_s = db.execute(
            text("select app.wait_for_link(:key, :limit, :window)"),
            {"key": key, "limit": WRONG_TRIES, "window": WINDOW_S},
        ).scalar_one()
        if wait_s:
            raise TooManyRequests(
                "Too many links that do not work were tried. Wait a little.", retry_after_s=wait_s
            )
        values = {"hash": hash_token(token), "purpose": purpose}
        found = (
            db.execute(text("select * from app.find_link(:hash, :purpose)"), values)
            .mappings()
            .first()
        )
        if found is None:
            take_hit(db, key, WRONG_TRIES, WINDOW_S)
    if found is None:
        raise NotAllowed(ENDED)
    return Visitor(**found, purpose=purpose, token_hash=hash_token(token))


def issue_link(
    db: Session,
    by: Viewer,
    purpose: str,
    name: str,
    *,
    closer_id: UUID | None = None,
    setter_id: UUID | None = None,
    snapshot_id: UUID | None = None,
    shown: Mapping[str, Any] | None = None,
    days: int = DAYS,
) -> NewLink:
    """Create a link that is valid for ``days``.

    A portal opens a closer's queue. A commission link opens the statement of a closer or setter in
    an approved payout. A share opens the dashboard that ``shown`` describes, see ``share_of``.

    Raises:
        NotAllowed: ``by`` is not an admin.
        SwitchedOff: the organisation does not have the module to which belongs what it would show.
        InvalidInput: no name, no subject, or not between 1 and 366 days.
        NotFound: the subject is not in the organisation.
        Conflict: the payout is a draft.
    """
    _require_admin(by)
    opens = next((opens for each, opens in OPENS.items() if each == purpose), None)
    if opens is None:
        raise InvalidInput(f"“{purpose}” is no purpose; use {', '.join(OPENS)}.", field="purpose")
    require_module(opens.module, by.modules, by.organization_name)
    called = check_name(name, "Give the link a name, so that you can tell it from others.")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"A link is good for 1 to {MOST_DAYS} days.", field="days")
    people = {"closer_id": closer_id, "setter_id": setter_id}
    _check_subject(db, opens.subject, people, snapshot_id)
    token = secrets.token_urlsafe(32)
    link = AccessToken(
        organization_id=organization_id_of(db),
        id=uuid4(),
        purpose=purpose,
        name=called,
        token_hash=hash_token(token),
        closer_id=closer_id,
        setter_id=setter_id,
        snapshot_id=snapshot_id,
        shown=dict(shown or {}),
        module=opens.module,
        created_by=by.user_id,
        expires_at=now() + timedelta(days=days),
    )
    db.add(link)
    db.flush()
    return NewLink(link.id, link.name, f"{settings().public_url}/{opens.page}?token={token}")


def share_of(
    period: str, filters: Mapping[str, Sequence[UUID | None]], *, money: bool
) -> dict[str, Any]:
    """What a shared dashboard shows: the name of a period that moves on with the days, filters, and
    money or none.
    """
    ids = {
        name: [str(each or "") for each in chosen]
        for name, chosen in filters.items()
        if name in LISTED_COLUMNS and chosen
    }
    return {"period": period, "filters": ids, "money": money}


def _require_admin(by: Viewer) -> None:
    if not by.is_admin:
        raise NotAllowed("Only an admin makes and revokes links.")


def _check_subject(
    db: Session, subject: Subject, people: Mapping[str, UUID | None], snapshot_id: UUID | None
) -> None:
    given = [column for column, chosen in people.items() if chosen is not None]
    is_one_of = len(given) == min(len(subject.people), 1) and set(given) <= set(subject.people)
    if not is_one_of or (snapshot_id is not None) != subject.of_a_payout:
        raise InvalidInput(subject.choose, field=subject.field)
    for table, chosen in {
        "closers": people["closer_id"],
        "setters": people["setter_id"],
        "payout_snapshots": snapshot_id,
    }.items():
        found = text(
            f"select 1 from app.{table} where organization_id = app.cur_org() and id = :id"  # noqa: S608
        )
        if chosen is not None and db.execute(found, {"id": chosen}).first() is None:
            raise NotFound("Whose link it is to be is not in this organisation.")
    state = text("select state from app.payout_snapshots where id = :id")
    if snapshot_id is not None and db.execute(state, {"id": snapshot_id}).scalar() == "draft":
        raise Conflict(
            "Approve the payout first: a statement must not change after it was handed out."
        )


@dataclass(frozen=True)
class StatementLink:
    """A new link to one person's statement."""

    person: str
    part: str
    address: str


def issue_statements(
    db: Session, by: Viewer, snapshot_id: UUID, *, days: int = DAYS
) -> list[StatementLink]:
    """Create a link for every closer and setter of an approved payout, closers first, by name.
    Raises as ``issue_link`` does.
    """
    people = db.execute(
        text("""
        select distinct s.dimension, s.member_id, s.label, p.name as payout
          from app.payout_snapshot_summaries s
          join app.payout_snapshots p on p.organization_id = s.organization_id
            and p.id = s.snapshot_id
         where s.snapshot_id = :snapshot and s.dimension in ('closer', 'setter')
           and s.member_id is not null
         order by s.dimension, s.label
    """),
        {"snapshot": snapshot_id},
    ).all()
    made = []
    for row in people:
        subject: dict[str, Any] = {f"{row.dimension}_id": row.member_id, "snapshot_id": snapshot_id}
        link = issue_link(
            db, by, LinkPurpose.COMMISSION, f"{row.label}, {row.payout}", days=days, **subject
        )
        made.append(StatementLink(row.label, row.dimension, link.address))
    return made


def revoke_link(db: Session, by: Viewer, link_id: UUID) -> None:
    """Revoke a link for good. Raises NotAllowed, and NotFound for one that has ended already."""
    _require_admin(by)
    open_one = select(AccessToken).where(
        AccessToken.id == link_id, AccessToken.revoked_at.is_(None)
    )
    link = db.scalars(open_one.with_for_update()).first()
    if link is None:
        raise NotFound("There is no such link, or it was revoked already.")
    link.revoked_at = now()
    db.flush()


def links_table(db: Session) -> pd.DataFrame:
    """Every link, newest first.

    Columns: id, name, purpose, subject (whose, and of what; empty for a dashboard), created_by (a
    member's name), created_at, expires_at, last_used_at, revoked_at, state (``good``, ``expired``,
    ``revoked``).
    """
    rows = db.execute(
        text("""
        select t.id, t.name, t.purpose, concat_ws(' · ', coalesce(c.name, s.name),
          p.name) as subject,
               m.name as created_by, t.created_at, t.expires_at, t.last_used_at, t.revoked_at,
               case when t.revoked_at is not null then 'revoked' when t.expires_at <= now()
                 then 'expired' else 'good' end as state
          from app.access_tokens t
          left join app.closers c on c.organization_id = t.organization_id and c.id = t.closer_id
          left join app.setters s on s.organization_id = t.organization_id and s.id = t.setter_id
          left join app.payout_snapshots p on p.organization_id = t.organization_id
            and p.id = t.snapshot_id
          left join app.organization_members m on m.organization_id = t.organization_id
            and m.user_id = t.created_by
         order by t.created_at desc, t.id
    """)
    )
    return fetched(rows)
