"""Advisory locks: work on one thing happens one at a time, across processes and machines. A lock
lasts until its transaction ends.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.platform.database import organization_id_of


def advisory_lock(db: Session, what: str) -> None:
    """Wait until no other transaction of the organisation holds the lock ``what``, then hold it
    until commit or rollback. Implies ``share_organization``.
    """
    organization = str(organization_id_of(db))
    db.execute(
        text("""
            select pg_advisory_xact_lock_shared(hashtextextended(:organization, 0)),
                   pg_advisory_xact_lock(hashtextextended(:key, 0))
        """),
        {"organization": organization, "key": f"{organization}:{what}"},
    )


def lock_books(db: Session) -> None:
    """Wait until no other transaction of the organisation writes what the roster reaches, and let
    none until commit or rollback. Whoever writes the roster, a table with ``owned_by(…)`` or one
    that ``follows(…)`` such a table calls this before the first row, since each reaches into the
    others. Implies ``share_organization``.
    """
    db.execute(text("select app.lock_books(:org)"), {"org": organization_id_of(db)})


def share_organization(db: Session) -> None:
    """Write beside others until commit or rollback, and never during ``lock_organization``."""
    db.execute(
        text("select pg_advisory_xact_lock_shared(hashtextextended(:key, 0))"),
        {"key": str(organization_id_of(db))},
    )


def lock_organization(db: Session) -> None:
    """Wait until no other transaction of the organisation holds any lock that ``advisory_lock``,
    ``lock_books`` or ``share_organization`` gives, and let none begin until commit or rollback.
    """
    db.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": str(organization_id_of(db))},
    )


def try_advisory_lock(db: Session, what: str, most: int) -> bool:
    """Hold the lock ``what`` until commit or rollback, unless ``most`` other transactions of the
    organisation hold it already. Returns whether it was taken.
    """
    free = text("""
        select 1 from generate_series(1, :most) as place
         where pg_try_advisory_xact_lock(hashtextextended(concat_ws(' ', app.cur_org(),
           cast(:what as text), place), 0)) limit 1
    """)
    return db.execute(free, {"most": most, "what": what}).first() is not None
