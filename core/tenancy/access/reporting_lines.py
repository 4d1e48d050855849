"""Who reports to whom. It decides what a manager sees in organisations where managers see their own
team only.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.platform.advisory_locks import advisory_lock
from core.platform.edits import Values, merged
from core.platform.errors import Conflict, NotAllowed, NotFound
from core.tenancy.access.models import OrganizationMember


def set_manager(
    db: Session, user_id: UUID, manager_user_id: UUID | None, read: Values | None = None
) -> None:
    """Make a member report to another one, or to nobody. One change happens at a time, so that two
    of them cannot close a circle together. ``read`` has the ``manager`` that this one replaces;
    None for whoever it is.

    Raises:
        NotFound: one of them is not a member.
        NotAllowed: the transaction is not an admin's.
        Conflict: the manager reports to them, directly or through others.
        Changed: somebody else has given them another manager since it was read.
    """
    advisory_lock(db, "reporting")
    member = OrganizationMember
    known = {row[0]: row[1] for row in db.execute(select(member.user_id, member.manager_user_id))}
    if user_id not in known or (manager_user_id is not None and manager_user_id not in known):
        raise NotFound("There is no such member.")
    merged({"manager": known[user_id]}, {"manager": manager_user_id}, read)
    reports = (
        update(OrganizationMember)
        .where(OrganizationMember.user_id == user_id)
        .values(manager_user_id=manager_user_id)
    )
    try:
        if db.scalars(reports.returning(OrganizationMember.user_id)).first() is None:
            raise NotAllowed("Only admins say who reports to whom.")
    except IntegrityError as error:
        raise Conflict("They would report to somebody who reports to them.") from error
