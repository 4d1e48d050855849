"""What a Calendly token may do.

Facts: Calendly API v2, “Get current user”, “List organization memberships”, scopes.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.platform.errors import PermissionMissing
from core.providers.account import Account, at, name_in
from core.providers.client import Client


def check(client: Client, _: Mapping[str, str]) -> Account:
    """A token reads the bookings of everybody only when its owner may."""
    me = client.get("/users/me")
    name = name_in(client, me, "resource.name", "resource.email")
    try:
        role = at(
            client.get("/organization_memberships", user=str(at(me, "resource.uri"))),
            "collection.0.role",
        )
    except PermissionMissing:
        return Account(
            name, ("It may not see who belongs to the team: give it the scope organizations:read.",)
        )
    alone = (
        "It is a plain member's, so it sees their own bookings only. Use an owner's or an admin's."
    )
    return Account(name, () if role in ("owner", "admin") else (alone,))
