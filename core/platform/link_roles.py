"""The roles of access links, each that of the transactions of one kind of link. The package of the
links declares them; lower packages name them in ``opened_by(…)`` and ask here what is true of one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkRole:
    """What holds for whoever comes by such a link. ``sees_persons`` says whether they see personal
    data; ``actor`` is what the audit log calls them, None where they change nothing.
    """

    name: str
    sees_persons: bool = False
    actor: str | None = None


LINK_ROLES: dict[str, LinkRole] = {}


def declare_link_role(role: LinkRole) -> LinkRole:
    """Make the role known to all packages. Raises ValueError when another has its name."""
    if LINK_ROLES.setdefault(role.name, role) != role:
        raise ValueError(f"Two different roles of links are called “{role.name}”.")
    return role
