"""Who may do what with a table's rows, by the security class that the table declares.

Policies compare columns with the identity of the transaction and read no other table. ``(select
app.cur_role() in (…))`` is evaluated once per statement; without ``select`` it would be
evaluated once per row. The select must contain the whole comparison: otherwise the planner expects
half of the organisation's rows to be visible, when it is a few in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Table

from core.platform.errors import Misconfigured
from core.platform.link_roles import LINK_ROLES
from core.platform.schema import CONFIDENTIAL, ByLink, declared
from core.platform.security import ownership

IN_ORG = "organization_id = app.cur_org()"
ROLES = "so_app, so_worker"
SETTINGS = "organization_settings"
Policy = tuple[str, str, str | None, str | None]  # verb, roles, using, with check


def role_is(*roles: str) -> str:
    """The condition that the transaction's role is one of ``roles``."""
    return f"(select app.cur_role() in ({', '.join(map(repr, roles))}))"


def sees_all(*roles: str) -> str:
    """The same, but not for a manager who is restricted to their team (``app.enter``)."""
    return f"(select app.cur_role() in ({', '.join(map(repr, roles))}) and not app.cur_team_only())"


SYSTEM = role_is("system")
ADMINS = role_is("system", "super_admin", "owner", "admin")
ANY_MANAGER = role_is("system", "super_admin", "owner", "admin", "manager")
MANAGERS = sees_all("system", "super_admin", "owner", "admin", "manager")
READERS = sees_all("system", "super_admin", "owner", "admin", "manager", "viewer", "board")
# A link reads only what the table's opened_by(…) declares.
ANYONE = role_is(
    *("system", "super_admin", "owner", "admin", "manager", "sales_rep", "viewer", "board")
)
MINE = "{mine}"  # The row belongs to the reader, as the table declares it: ``ownership.condition``.


@dataclass(frozen=True)
class Access:
    """Who may do what with a table's rows: one SQL condition each, None for nobody."""

    select: str | None
    insert: str | None = None
    update: str | None = None
    delete: str | None = None
    columns: tuple[str, ...] = ()  # when set, people may select only these columns
    fixed: tuple[str, ...] = ()  # columns that people may not change, whatever the row
    sealed: bool = False  # people may select no column that is declared secret
    triggered: bool = False  # rows are added by triggers, with the rights of so_owner


def _in_org(select: str | None, write: str | None = None, **more: str | None) -> Access:
    rules = {"select": select, "insert": write, "update": write, "delete": None} | more
    inside = {verb: f"{IN_ORG} and {rule}" if rule else None for verb, rule in rules.items()}
    return Access(inside["select"], inside["insert"], inside["update"], inside["delete"])


CLASSES: dict[str, Access] = {
    # settings and lists that everybody needs for their work; admins change them
    "config": _in_org(ANYONE, ADMINS),
    # rows that belong to reps; a rep does not see those of others
    "reps": _in_org(f"({READERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=SYSTEM),
    # the same, and whoever filed a form may delete it
    "forms": _in_org(
        f"({READERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=f"({MANAGERS} or {MINE})"
    ),
    # the same, for rows with contact details, which viewers and leaderboards never see
    "reps_private": _in_org(f"({MANAGERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=SYSTEM),
    # the same, but viewers and leaderboards see none of a contact's values
    "custom_values": _in_org(
        f"(({READERS} and (subject_type <> 'contact' or {MANAGERS})) or {MINE})",
        f"({MANAGERS} or {MINE})",
        delete=f"({MANAGERS} or {MINE})",
    ),
    # contact details in rows that belong to nobody
    "people": _in_org(MANAGERS, MANAGERS, delete=SYSTEM),
    # facts with one owner, which people change through functions alone
    "addresses": _in_org(MANAGERS, SYSTEM, delete=SYSTEM),
    # what only admins see
    "admin": _in_org(ADMINS, ADMINS),
    # the same, and admins may delete what they have entered
    "keys": _in_org(ADMINS, ADMINS, delete=ADMINS),
    # how the organisation is connected: managers read, admins change
    "settings": _in_org(ANY_MANAGER, ADMINS),
    # payouts: managers read, admins write; a draft may be deleted
    "payouts": _in_org(MANAGERS, ADMINS, delete=ADMINS),
    # what a receiver or job stores; admins read
    "inbox": _in_org(ADMINS, SYSTEM, delete=SYSTEM),
    # how much came and when, without what: whoever sees the connections sees it
    "activity": _in_org(ANY_MANAGER, SYSTEM, delete=SYSTEM),
    # addresses that nothing is sent to: providers report them, an admin may remove one
    "suppressed": _in_org(MANAGERS, SYSTEM, delete=ADMINS),
    # messages that wait to be sent: written by anybody who acts, sent by a job
    "outbox": _in_org(MANAGERS, SYSTEM, insert=ANYONE, delete=SYSTEM),
    # append-only lines about rows that belong to somebody
    "timeline": _in_org(
        f"({MANAGERS} or {MINE} or actor_user_id = app.cur_user())", None, insert=ANYONE
    ),
    # rows that belong to one user
    "own": _in_org(MINE, MINE, delete=MINE),
    # the same, and members read those that their maker shares, which admins may change too
    "shareable": _in_org(
        f"({MINE} or (shared and {ANYONE}))",
        f"({MINE} or (shared and {ADMINS}))",
        insert=MINE,
        delete=f"({MINE} or (shared and {ADMINS}))",
    ),
    # sealed secrets: people may store one and see what it ends with, only jobs and the receiver
    # read it
    "secret": replace(_in_org(ADMINS, ADMINS, delete=ADMINS), sealed=True),
    "audit": Access(
        f"({IN_ORG} and {role_is('super_admin', 'owner', 'admin')}) or (select app.cur_role()) ="
        " 'super_admin'",
        triggered=True,
    ),
    # the organisation itself
    "organization": Access(
        "id = app.cur_org()",
        f"id = app.cur_org() and {SYSTEM}",
        f"id = app.cur_org() and {ADMINS}",
    ),
    # One row of settings per organisation in each such table, created together with the
    # organisation. Some of them also apply to links.
    SETTINGS: Access(IN_ORG, update=f"{IN_ORG} and {ADMINS}"),
    # invited people become members through ``app.accept_invitation``
    "members": _in_org(ANYONE, SYSTEM, update=ADMINS),
    # changed only by the functions for one's own account and those of the platform's admins
    "users": Access(
        "id = app.cur_user() or (select app.cur_role()) = 'super_admin'",
        SYSTEM,
    ),
    # proofs of identity, reached only through the functions of the sign-in
    "auth": Access(None),
}


def access_of(table: Table) -> Access:
    """What the table's class grants, within the columns that the table declares.

    Raises Misconfigured for a table without a class, for a table whose class needs owners when it
    declares none, for a declared column that it does not have, and for an unknown role of links.
    """
    access = CLASSES.get(table.info.get("rls", ""))
    if access is None:
        raise Misconfigured(
            f"Table {table.name} declares no security class; add secured(…) to its arguments."
        )
    rules = {verb: getattr(access, verb) for verb in ("select", "insert", "update", "delete")}
    if unknown := [role for role in table.info["links"] if role not in LINK_ROLES]:
        raise Misconfigured(
            f"Table {table.name} is opened to “{unknown[0]}”, which is no role of a link; use one"
            f" of {', '.join(LINK_ROLES)}."
        )
    if any(MINE in (rule or "") for rule in rules.values()):
        mine = ownership.condition(table)
        rules = {verb: rule and rule.replace(MINE, mine) for verb, rule in rules.items()}
    columns, fixed = _columns(table, "columns"), _columns(table, "fixed")
    if access.sealed:
        hidden = declared(table, CONFIDENTIAL)
        columns = tuple(each.name for each in table.columns if each.name not in hidden)
    return replace(access, **rules, columns=columns, fixed=fixed)


def _columns(table: Table, fact: str) -> tuple[str, ...]:
    names: tuple[str, ...] = table.info[fact]
    if missing := [name for name in names if name not in table.columns]:
        raise Misconfigured(
            f"Table {table.name} declares the column {missing[0]} in {fact}=, but has none."
        )
    return names


def readable(rls: str, role: str) -> str:
    """Whose rows of a table of the class a member's role may read: "all", "own" (a rep's own), or
    "none".
    """
    condition = CLASSES[rls].select or ""
    if ANYONE in condition or f"'{role}'" in condition:
        return "all"
    return "own" if MINE in condition and role == "sales_rep" else "none"


def policies_of(table: Table) -> dict[str, Policy]:
    """The table's policies by name. Raises Misconfigured like ``access_of``."""
    access = access_of(table)
    wanted = policies_for(access, "", ROLES)
    if table.info["links"]:
        wanted |= policies_for(_by_links(table.info["links"]), "a link ", "so_app")
    if access.triggered:
        wanted["owner writes"] = ("insert", "so_owner", None, "true")
    return wanted


def _by_links(kinds: Mapping[str, ByLink]) -> Access:
    """The union of what the kinds of link open."""

    def either(rules: Mapping[str, str | None]) -> str | None:
        return (
            " or ".join(f"{role_is(kind)} and {rule}" for kind, rule in rules.items() if rule)
            or None
        )

    read, add, change = (
        either({kind: getattr(link, verb) for kind, link in kinds.items()})
        for verb in ("read", "add", "change")
    )
    return _in_org(
        read and f"({read})", None, insert=add and f"({add})", update=change and f"({change})"
    )


def policies_for(access: Access, who: str, roles: str) -> dict[str, Policy]:
    """The policies that give ``roles`` the rights in ``access``; their names begin with ``who``."""
    made: dict[str, Policy] = {}
    if access.select:
        made[f"{who}may read"] = ("select", roles, access.select, None)
    if access.insert:
        made[f"{who}may add"] = ("insert", roles, None, access.insert)
    if access.update:
        made[f"{who}may change"] = ("update", roles, access.update, access.update)
    if access.delete:
        made[f"{who}may delete"] = ("delete", roles, access.delete, None)
    return made
