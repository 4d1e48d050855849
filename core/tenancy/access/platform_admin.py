"""What super admins do: create, configure and delete organisations; deactivate and delete users.

Everything runs in a super admin's own transaction, and the database checks again who that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from core.platform.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.tenancy.organizations.actions import organization_facts
from core.tenancy.organizations.modules import MODULES

PLANS = ("free", "solo", "team", "enterprise")
GRACE_DAYS = 30
MOST_USERS = 200
CONFIRMED = "delete"


def call_as_super_admin(db: Session, function: str, **values: Any) -> list[Row[Any]]:
    """The rows of a function that only super admins may call. Raises NotAllowed."""
    places = ", ".join(f"p_{name} => :{name}" for name in values)
    try:
        return list(db.execute(text(f"select * from app.{function}({places})"), values))  # noqa: S608 - names are our own
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == "42501":
            raise NotAllowed("Only a super admin may do this.") from error
        raise


def create_organization_as_admin(
    db: Session,
    *,
    name: str,
    slug: str,
    timezone: str,
    currency: str,
    region: str = "US",
    locale: str | None = None,
) -> UUID:
    """Create an organisation, in a super admin's transaction.

    Raises:
        InvalidInput: the name is missing, or the slug, time zone or currency is not valid.
        Conflict: the slug is taken.
    """
    organization_id = uuid4()
    facts = organization_facts(
        name=name, slug=slug, timezone=timezone, currency=currency, region=region, locale=locale
    )
    try:
        call_as_super_admin(db, "create_organization_as_admin", id=organization_id, **facts)
    except IntegrityError as error:
        raise Conflict(f"The slug “{slug}” is taken.") from error
    return organization_id


def configure_organization(
    db: Session, organization_id: UUID, modules: Sequence[str], plan: str
) -> None:
    """Set an organisation's modules and plan. Raises InvalidInput for one that does not exist, and
    NotFound.
    """
    if unknown := [module for module in modules if module not in MODULES]:
        raise InvalidInput(
            f"“{unknown[0]}” is not a module; use {', '.join(MODULES)}.", field="modules"
        )
    if plan not in PLANS:
        raise InvalidInput(f"“{plan}” is not a plan; use {', '.join(PLANS)}.", field="plan")
    [found] = call_as_super_admin(
        db, "configure_organization", org=organization_id, modules=list(modules), plan=plan
    )
    if not found[0]:
        raise NotFound("There is no such organisation.")


def delete_organization(db: Session, organization_id: UUID, *, name: str, typed: str) -> None:
    """Hide an organisation from everybody at once; after ``GRACE_DAYS`` a job removes it for good.

    Raises:
        InvalidInput: ``typed`` is not its name.
        NotFound: no such organisation, or deleted already.
    """
    if typed.strip() != name.strip():
        raise InvalidInput("Type the organisation's name exactly as it is shown.", field="name")
    [found] = call_as_super_admin(
        db, "delete_organization", org=organization_id, grace_days=GRACE_DAYS
    )
    if not found[0]:
        raise NotFound("There is no such organisation.")


def restore_organization(db: Session, organization_id: UUID) -> None:
    """Bring a deleted organisation back as it was. Raises NotFound when its grace period is
    over.
    """
    [found] = call_as_super_admin(db, "restore_organization", org=organization_id)
    if not found[0]:
        raise NotFound(
            "There is nothing to bring back: the grace is over, or it was never deleted."
        )


def users_overview(db: Session, search: str = "") -> list[Row[Any]]:
    """Users whose name or address contains ``search``, or whose id it is. At most ``MOST_USERS``,
    by name; deleted ones last.

    Raises NotAllowed.
    """
    return call_as_super_admin(
        db, "users_overview", search=search.replace("\0", "").strip(), limit=MOST_USERS
    )


def users_without_organization(db: Session) -> list[Row[Any]]:
    """Users who belong to no organisation, by name, without super admins and without those for whom
    an invitation is open.

    Columns: id, name, email. Raises NotAllowed.
    """
    return call_as_super_admin(db, "users_without_organization")


def delete_users_without_organization(db: Session, users: Sequence[UUID], *, typed: str) -> int:
    """Delete those of ``users`` who still belong to no organisation, as ``delete_user`` does.
    Returns how many.

    Raises InvalidInput unless ``typed`` confirms it, and NotAllowed.
    """
    if typed.strip().lower() != CONFIRMED:
        raise InvalidInput(f"Type “{CONFIRMED}” to confirm.", field="confirmation")
    [deleted] = call_as_super_admin(db, "delete_users_without_organization", users=list(users))
    return deleted[0]


def set_user_active(db: Session, user_id: UUID, active: bool, *, by: UUID) -> None:
    """Activate a user again, or deactivate them at once. Raises Conflict for oneself, and
    NotFound.
    """
    if user_id == by and not active:
        raise Conflict("You cannot keep yourself out; ask another super admin.")
    [found] = call_as_super_admin(db, "set_user_active", user=user_id, active=active)
    if not found[0]:
        raise NotFound("There is no such user.")


def delete_user(db: Session, user_id: UUID, *, email: str, typed: str, by: UUID) -> None:
    """Remove a user's access and personal data; bookings, payments, payouts and their history stay.

    Raises:
        InvalidInput: ``typed`` is not their address.
        Conflict: nobody may delete themselves.
        NotFound: no such user, or deleted already.
    """
    if typed.strip().lower() != email.strip().lower():
        raise InvalidInput("Type the e-mail address exactly as it is shown.", field="email")
    if user_id == by:
        raise Conflict("You cannot delete yourself; ask another super admin.")
    [found] = call_as_super_admin(db, "delete_user", user=user_id)
    if not found[0]:
        raise NotFound("There is no such user.")
