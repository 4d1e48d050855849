"""The demo: two organisations with a believable year, created through the product's own actions,
and a sign-in for each role.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from uuid import UUID

from core.bookings.roster import link_user
from core.operations.demo_year import Scale, seed_year
from core.platform.database import WORKER_ROLE, as_guest, as_system
from core.platform.errors import Conflict, NotFound
from core.platform.files import replace_file
from core.platform.settings import settings
from core.tenancy.access.members import create_user
from core.tenancy.organizations.actions import create_organization, find_organization
from core.tenancy.organizations.queries import unpurged_organization_ids

SignIns = dict[str, tuple[str, str]]
MAIN, SECOND = "northwind-coaching", "fjord-academy"
PEOPLE = {
    "super_admin": "root@example.com",
    "owner": "owner@example.com",
    "admin": "admin@example.com",
    "manager": "manager@example.com",
    "sales_rep": "ana@example.com",
    "viewer": "viewer@example.com",
}
# The second organisation shows that one person can have another role elsewhere, and that most
# people of the first cannot see it.
PEOPLE_OF_SECOND = {"admin": "fjord.admin@example.com", "viewer": "manager@example.com"}
WORDS = (
    "amber",
    "birch",
    "cobalt",
    "delta",
    "ember",
    "fjord",
    "granite",
    "harbor",
    "indigo",
    "juniper",
    "kelp",
    "lilac",
)


def ensure_demo() -> SignIns:
    """Seed the demo on the first start; with a database of one's own only when DEMO is 1. Returns
    the sign-ins by role, or none.

    What somebody has removed since stays removed, above all the super admin.
    """
    if settings().database_url is not None and not settings().demo:
        return {}
    if not _sign_ins_file().exists() or not unpurged_organization_ids():
        seed_demo()
    return sign_ins() if _exists(MAIN) else {}


def seed_demo() -> dict[str, str]:
    """Create the demo's organisations that do not exist yet. Returns their ids by slug."""
    scales = {
        MAIN: (
            "Northwind Coaching",
            "America/New_York",
            "USD",
            PEOPLE,
            Scale(bookings_a_day=4, closers=6, setters=5),
        ),
        SECOND: (
            "Fjord Academy",
            "Europe/Copenhagen",
            "EUR",
            PEOPLE_OF_SECOND,
            Scale(bookings_a_day=1, closers=2, setters=1, days=120),
        ),
    }
    made = {}
    for slug, (name, timezone, currency, people, scale) in scales.items():
        try:
            organization_id = create_organization(
                name=name, slug=slug, timezone=timezone, currency=currency, is_demo=True
            )
        except Conflict:  # it exists, or was deleted and can still be restored
            continue
        seed_year(organization_id, scale)
        _make_people(organization_id, people)
        made[slug] = str(organization_id)
    return made


def _exists(slug: str) -> bool:
    try:
        with as_guest(WORKER_ROLE) as db:
            find_organization(db, slug)
    except NotFound:
        return False
    return True


def _make_people(organization_id: UUID, people: dict[str, str]) -> None:
    passwords = dict(sign_ins().values())
    with as_system(organization_id) as db:
        for role, email in people.items():
            password = passwords.get(email) or _passphrase()
            name = email.partition("@")[0].replace(".", " ").title()
            user = create_user(db, email=email, password=password, role=role, name=name)
            link_user(db, user.id, email)


def sign_ins() -> SignIns:
    """E-mail and password by role. Made once for each installation, in a file that only its owner
    may read.
    """
    path = _sign_ins_file()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {role: (email, _passphrase()) for role, email in PEOPLE.items()}
        replace_file(path, json.dumps(made))
    return {
        role: (email, password) for role, (email, password) in json.loads(path.read_text()).items()
    }


def _sign_ins_file() -> Path:
    return Path(settings().data_dir, "demo-sign-ins.json")


def _passphrase() -> str:
    """Words that are easy to recognise, and enough random characters that nobody can guess it:
    everybody knows the demo's e-mail addresses.
    """
    return "-".join((*(secrets.choice(WORDS) for _ in range(2)), secrets.token_hex(6)))
