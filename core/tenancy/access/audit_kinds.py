"""What lines of the audit log are about, in the few kinds that people look for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Table

from core.platform.schema import Base

DOWNLOADS = "Downloads"
SET_UP, OTHERS = "Settings and lists", "Team and access"
OF_PACKAGE = {
    "bookings": "Bookings and forms",
    "money": "Payments and payouts",
    "people": "Leads and contacts",
}
OF_SET_UP = ("config", "organization", "organization_settings", "settings", "keys", "secret")
KINDS = (*OF_PACKAGE.values(), OTHERS, SET_UP, DOWNLOADS)


@cache
def tables_by_kind() -> Mapping[str, tuple[str, ...]]:
    """The audited tables of each kind, by the package that declares them. Tables of settings and of
    lists are one kind, whatever their package. No table is of downloads, which are an operation.
    """
    found: dict[str, list[str]] = {}
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        if isinstance(table, Table) and table.info.get("audit"):
            package = mapper.class_.__module__.split(".")[1]
            is_set_up = table.info["rls"] in OF_SET_UP
            kind = SET_UP if is_set_up else OF_PACKAGE.get(package, OTHERS)
            found.setdefault(kind, []).append(table.name)
    return {kind: tuple(sorted(names)) for kind, names in found.items()}
