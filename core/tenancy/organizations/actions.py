"""Organisations: finding and creating them."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.platform.clock import check_timezone
from core.platform.database import as_system
from core.platform.errors import Conflict, InvalidInput, NotFound
from core.platform.money import check_currency
from core.platform.names import check_name
from core.platform.notation import check_locale, of_region
from core.tenancy.organizations.models import Organization, OrganizationStatus


def find_organization(db: Session, slug_or_id: str) -> UUID:
    """The organisation with this slug or id. Raises NotFound."""
    found = db.execute(text("select app.find_organization(:name)"), {"name": slug_or_id}).scalar()
    if found is None:
        raise NotFound(f"There is no organisation “{slug_or_id}”.")
    return found


def create_organization(
    *,
    name: str,
    slug: str,
    timezone: str,
    currency: str,
    region: str = "US",
    locale: str | None = None,
    is_demo: bool = False,
) -> UUID:
    """Create an organisation. ``slug`` is its name in addresses. ``timezone`` decides when its days
    begin. ``currency`` is the one it uses most. ``locale`` is that of its region unless given.

    Raises:
        InvalidInput: the name is missing, or the slug, time zone, currency or locale is not valid.
        Conflict: the slug is taken, perhaps by a deleted organisation that can still be restored.
    """
    organization_id = uuid4()
    facts = organization_facts(
        name=name, slug=slug, timezone=timezone, currency=currency, region=region, locale=locale
    )
    try:
        with as_system(organization_id) as db:
            # a demo has nothing to set up
            status = OrganizationStatus.ACTIVE if is_demo else OrganizationStatus.SETTING_UP
            db.add(Organization(id=organization_id, is_demo=is_demo, status=status, **facts))
    except IntegrityError as error:
        raise Conflict(f"The slug “{slug}” is taken.") from error
    return organization_id


def organization_facts(
    *, name: str, slug: str, timezone: str, currency: str, region: str, locale: str | None
) -> dict[str, str]:
    """A new organisation's facts, checked. Raises InvalidInput."""
    called = check_name(name, "Give the organisation a name.")
    if not _is_slug(slug):
        raise InvalidInput(
            "A slug has lower-case letters, digits and hyphens, at most 63.", field="slug"
        )
    return {
        "name": called,
        "slug": slug,
        "timezone": check_timezone(timezone),
        "currency": check_currency(currency),
        "region": region,
        "locale": check_locale(locale) if locale else of_region(region),
    }


def _is_slug(slug: str) -> bool:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 0 < len(slug) <= 63 and set(slug) <= allowed and not slug.startswith("-")
