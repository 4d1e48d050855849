"""One closer or setter beside the team."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.metrics.catalog import METRICS
from core.metrics.figures import Values
from core.metrics.filters import Filters
from core.metrics.kinds import Ratio

PROFILE = (
    "cash_collected",
    "closes",
    "close_rate",
    "show_rate",
    "net_revenue",
    "booked_calls",
    "shows",
    "offers",
)


@dataclass(frozen=True)
class Person:
    """Somebody who books meetings or takes them: ``who`` is the dimension that they are a value of,
    ``user_id`` whoever signs in as them.
    """

    who: str
    id: UUID
    name: str
    user_id: UUID | None

    @property
    def filters(self) -> Filters:
        """What leaves their own rows."""
        return Filters({self.who: (self.id,)})


def find_person(db: Session, id_: UUID | None) -> Person | None:
    """The closer or setter with this id, as far as the caller sees the lists."""
    found = db.execute(
        text(
            "select 'closer' as who, id, name, user_id from app.closers where id = :id union all"
            " select 'setter', id, name, user_id from app.setters where id = :id"
        ),
        {"id": id_},
    ).first()
    return Person(*found) if found else None


def beside_team(key: str, own: Values, team: Values, currency: str) -> str:
    """How somebody's figure lies to the team's: a rate beside the team's, of anything else the
    share of it.
    """
    metric = METRICS[key]
    whole, part = (metric.unit.plain(each[key], currency) for each in (team, own))
    if isinstance(metric, Ratio) or not whole or part is None:
        return f"Team {metric.unit.text(team[key], currency)}"
    return f"{float(part / whole):.0%} of the team"


def own_ids(db: Session, user_id: UUID) -> set[UUID]:
    """The ids of the closer's and the setter's lines that are the user's own."""
    found = db.execute(
        text(
            "select id from app.closers where user_id = :user union all"
            " select id from app.setters where user_id = :user"
        ),
        {"user": user_id},
    )
    return set(found.scalars())
