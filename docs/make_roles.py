"""``python -m docs.make_roles`` writes roles.md: who may do what, read from the product's own
lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.metrics.export_tables import EXPORTS
from core.migrations.tables import metadata
from core.platform.security.policies import readable
from core.tenancy.access.models import MEMBER_ROLES, Role
from core.tenancy.access.roles import SUPER_ADMINS
from core.tenancy.organizations.modules import MODULES
from core.ui.navigation import SCREENS, Screen
from webhooks.api import ENDPOINTS

FILE = Path(__file__).with_name("roles.md")
YES, NO = "yes", "–"
HEAD = """# Roles

Written by `python -m docs.make_roles` from the lists that the product itself goes by; a test holds
it up to date, and others try every cell. Each member has one role in each organisation.

- *By link* means whoever has the link, signed in or not.
- *Super admins* have every right of an owner in the organisation that they look at, and the screens
  under *Platform*.
- *Sales reps* see the bookings, forms and payments of their own closer or setter row. *Viewers* see
  no names and contact details of leads.
- With *Managers see only their own team*, a manager is given the rows of those below them, and of
  payouts, contacts without a closer and messages none.
- What belongs to a module is there for organisations that have it, as those who run the
  installation say; “every” is for all of them.
- Where the organisation asks for a second factor, members without one see *Your account* and
  nothing else.
- Whoever *views as* a member sees what they see, but for *Your account*, and changes nothing:
  forms, exports and every other change are refused.
"""


def given(table: str, role: Role) -> str:
    """Whose rows of an exported table a role is given: all, own, or none."""
    rows = readable(metadata.tables[f"app.{table}"].info["rls"], role)
    return NO if rows == "none" else rows


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (heading, ["---"] * len(heading), *rows)]
    return "\n".join(lines)


def _roles() -> list[str]:
    return [role.replace("_", " ") for role in MEMBER_ROLES]


def _marks(roles: tuple[Role, ...]) -> list[str]:
    return [YES if role in roles else NO for role in MEMBER_ROLES]


def _module(module: str | None) -> str:
    return MODULES[module] if module else "every"


def _screen(screen: Screen) -> list[str]:
    named = [screen.section, screen.title, _module(screen.module)]
    if screen.public:
        return [*named, *["by link"] * (len(MEMBER_ROLES) + 1)]
    alone = screen.roles == SUPER_ADMINS
    return [*named, *_marks(screen.roles), "alone" if alone else YES]


def text() -> str:
    """The document."""
    screens = _table(
        ["area", "screen", "module", *_roles(), "super admin"],
        (_screen(screen) for screen in SCREENS),
    )
    requests = _table(
        ["request", "module", *_roles()],
        (
            [
                f"`{endpoint.method} {endpoint.path}`",
                _module(endpoint.access.module),
                *_marks(endpoint.access.roles),
            ]
            for endpoint in ENDPOINTS
        ),
    )
    exports = _table(
        ["table", "module", *_roles()],
        (
            [f"`{name}`", _module(table.module), *(given(name, role) for role in MEMBER_ROLES)]
            for name, table in EXPORTS.items()
        ),
    )
    return (
        f"{HEAD}\n## Screens\n\n{screens}\n\n## API\n\nA person's token goes by the role, an API"
        f" key by its scopes.\n\n{requests}\n\n## Exports\n\nWhose rows each role is given, on the"
        f" screen and over the API.\n\n{exports}\n"
    )


if __name__ == "__main__":
    FILE.write_text(text())
