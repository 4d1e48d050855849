"""The security layer: functions, row-level security, policies, grants and triggers, re-applied
after every migration.

Every table declares a class (``schema.secured``); this module turns the class into policies.
Policies compare columns with the identity of the transaction and read no other table. ``(select
app.cur_role() in (…))`` is evaluated once per statement, where the bare call would be evaluated
once per row; and with the whole test inside, the planner expects half the organisation's rows to be
seen and not a few thousandths of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, MetaData, Table, text

from core.platform.errors import Misconfigured
from core.platform.security.inner_roles import (
    VERBS,
    Rights,
    inner_rules,
    open_queue,
    rights_of_definer,
)
from core.platform.security.scripts import make_functions, make_triggers

ROLES = "so_app, so_worker"
SETTINGS = "organization_settings"
IN_ORG = "organization_id = app.cur_org()"


def role_is(*roles: str) -> str:
    """The condition that the transaction's role is one of ``roles``."""
    return f"(select app.cur_role() in ({', '.join(map(repr, roles))}))"


def sees_all(*roles: str) -> str:
    """The same, unless a manager sees their own team only (``app.enter``)."""
    return f"(select app.cur_role() in ({', '.join(map(repr, roles))}) and not app.cur_team_only())"


SYSTEM = role_is("system")
ADMINS = role_is("system", "super_admin", "owner", "admin")
ANY_MANAGER = role_is("system", "super_admin", "owner", "admin", "manager")
MANAGERS = sees_all("system", "super_admin", "owner", "admin", "manager")
READERS = sees_all("system", "super_admin", "owner", "admin", "manager", "viewer", "board")
# the transaction's user, and for a manager who sees their team only all who report to them, at
# whatever remove
MINE = (
    "(closer_user_id = any ((select app.cur_team())::uuid[]) or setter_user_id = any ((select"
    " app.cur_team())::uuid[]))"
)
LINKS = ("portal", "statement", "share", "share_money")
ANYONE = (  # a link opens what OPENED_BY_LINKS says, and no more
    f"(select app.cur_role() not in ({', '.join(map(repr, LINKS))}))"
)


@dataclass(frozen=True)
class Access:
    """Who may do what with a table's rows: one SQL condition each, None for nobody."""

    select: str | None
    insert: str | None = None
    update: str | None = None
    delete: str | None = None
    columns: tuple[str, ...] = ()  # when set, people may select only these columns
    fixed: tuple[str, ...] = ()  # columns that people may not change, whatever the row


def _in_org(select: str | None, write: str | None = None, **more: str | None) -> Access:
    rules = {"select": select, "insert": write, "update": write, "delete": None} | more
    inside = {verb: f"{IN_ORG} and {rule}" if rule else None for verb, rule in rules.items()}
    return Access(inside["select"], inside["insert"], inside["update"], inside["delete"])


CLASSES: dict[str, Access] = {
    # settings and lists that everybody needs to work; admins keep them
    "config": _in_org(ANYONE, ADMINS),
    # rows that belong to a closer and a setter: everybody else's are hidden from a rep
    "reps": _in_org(f"({READERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=SYSTEM),
    # the same, and its filer may take it back
    "forms": _in_org(
        f"({READERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=f"({MANAGERS} or {MINE})"
    ),
    # the same, but with contact details, which a viewer and a leaderboard never see
    "reps_private": _in_org(f"({MANAGERS} or {MINE})", f"({MANAGERS} or {MINE})", delete=SYSTEM),
    # contact details without an owner on the row
    "people": _in_org(MANAGERS, MANAGERS, delete=SYSTEM),
    # what only the people who run the organisation see
    "admin": _in_org(ADMINS, ADMINS),
    # the same, and what they have entered they may take away again
    "keys": _in_org(ADMINS, ADMINS, delete=ADMINS),
    # how the organisation is connected: managers look, admins change
    "settings": _in_org(ANY_MANAGER, ADMINS),
    # payouts: managers look, admins make; a draft may be thrown away
    "payouts": _in_org(MANAGERS, ADMINS, delete=ADMINS),
    # what a receiver or job keeps; admins look
    "inbox": _in_org(ADMINS, SYSTEM, delete=SYSTEM),
    # addresses that nothing is sent to: told by providers, an admin lifts one
    "suppressed": _in_org(MANAGERS, SYSTEM, delete=ADMINS),
    # what waits to go out: written by whoever acts, delivered by a job
    "outbox": _in_org(MANAGERS, SYSTEM, insert=ANYONE, delete=SYSTEM),
    # append-only lines about somebody's rows
    "timeline": _in_org(
        f"({MANAGERS} or {MINE} or actor_user_id = app.cur_user())", None, insert=ANYONE
    ),
    # one user's own rows
    "own": _in_org(
        "user_id = app.cur_user()", "user_id = app.cur_user()", delete="user_id = app.cur_user()"
    ),
    # sealed secrets: people may store one and see what it ends with, only jobs and the receiver
    # read it
    "secret": replace(
        _in_org(ADMINS, ADMINS, delete=ADMINS),
        columns=(
            "organization_id",
            "id",
            "provider",
            "owner_id",
            "name",
            "last_four",
            "verified_at",
            "created_at",
            "updated_at",
        ),
    ),
    "audit": Access(
        f"({IN_ORG} and {role_is('super_admin', 'owner', 'admin')}) or (select app.cur_role()) ="
        " 'super_admin'"
    ),
    # the tenant itself
    "organization": Access(
        "id = app.cur_org()",
        f"id = app.cur_org() and {SYSTEM}",
        f"id = app.cur_org() and {ADMINS}",
        fixed=(
            "id",
            "slug",
            "modules",
            "plan",
            "is_demo",
            "deleted_at",
            "purge_after",
            "created_at",
        ),
    ),
    # the tenant's settings, one row in each such table, which comes into being with the tenant;
    # links go by some of them
    SETTINGS: Access(IN_ORG, update=f"{IN_ORG} and {ADMINS}"),
    # invited people become members by ``app.accept_invitation``
    "members": replace(
        _in_org(ANYONE, SYSTEM, update=ADMINS),
        fixed=("organization_id", "user_id", "email", "created_at"),
    ),
    # changed only by the functions of one's own account and of the platform
    "users": Access(
        "id = app.cur_user() or (select app.cur_role()) = 'super_admin'",
        SYSTEM,
        columns=(
            "id",
            "email",
            "name",
            "active",
            "created_at",
            "updated_at",
            "password_changed_at",
        ),
    ),
    # proofs of identity: reached only through the functions of sign-in
    "auth": Access(None),
}

PORTAL, STATEMENT = role_is("portal"), role_is("statement")
SHARED_MONEY = role_is("share_money")
ONE_CALL = f"{PORTAL} and event_id = (select app.cur_event())"
THEIR_LINES = "(closer_id = (select app.cur_closer()) or setter_id = (select app.cur_setter()))"
THEIR_SUMS = (
    "(dimension = 'closer' and member_id = (select app.cur_closer()) or "
    "dimension = 'setter' and member_id = (select app.cur_setter()))"
)
ONE_STATEMENT = f"{STATEMENT} and snapshot_id = (select app.cur_snapshot())"

# By table: a portal reads one closer's calls and files the form of the one that it names; a
# statement is one person's lines and sums of one payout; a shared dashboard counts calls, and
# payments where it shows money.
OPENED_BY_LINKS: dict[str, Access] = {
    "events": _in_org(
        f"({PORTAL} and closer_id = (select app.cur_closer()) or"
        f" {role_is('share', 'share_money')})",
        None,
        update=(
            f"{PORTAL} and closer_id = (select app.cur_closer()) and id = (select app.cur_event())"
        ),
    ),
    "post_call_forms": _in_org(ONE_CALL, None, insert=ONE_CALL),
    "payments": _in_org(
        f"({ONE_CALL} or {SHARED_MONEY})",
        None,
        insert=f"{ONE_CALL} and closer_id = (select app.cur_closer())",
    ),
    "activities": _in_org(
        f"{PORTAL} and subject_id = (select app.cur_event())",
        None,
        insert=f"{PORTAL} and subject_id = (select app.cur_event())",
    ),
    "closers": _in_org(f"{PORTAL} and id = (select app.cur_closer())"),
    "setters": _in_org(f"{PORTAL} and id = (select app.cur_setter())"),
    **dict.fromkeys(("call_types", "packages", "list_entries"), _in_org(PORTAL)),
    "payout_snapshot_details": _in_org(f"{ONE_STATEMENT} and {THEIR_LINES}"),
    "payout_snapshot_summaries": _in_org(f"{ONE_STATEMENT} and {THEIR_SUMS}"),
}


def apply(connection: Connection, metadata: MetaData, packages: Sequence[str]) -> None:
    """Bring functions, policies, grants and triggers to what is declared; safe to repeat. Run as
    the owner. ``packages`` are those whose scripts are loaded, lower ones first.
    """
    make_functions(connection, packages)
    connection.execute(text("set local role so_owner"))
    for table in metadata.sorted_tables:
        _triggers(connection, table)
    make_triggers(connection, packages)
    settings = [each for each in metadata.sorted_tables if each.info.get("rls") == SETTINGS]
    rights = rights_of_definer(connection) | {(each.fullname, "insert") for each in settings}
    for table in metadata.sorted_tables:
        _protect(connection, table, rights)
    open_queue(connection, rights)
    for table in settings:
        _complete_settings(connection, table)
    connection.execute(text("reset role"))


def _tenants(settings: Table) -> str:
    """The table whose rows a table of settings belongs to, one by one."""
    [reference] = settings.columns["organization_id"].foreign_keys
    return reference.column.table.fullname


def _complete_settings(connection: Connection, table: Table) -> None:
    """Organisations that are older than a table of settings have their row in it too."""
    connection.execute(text("set local role so_definer"))
    connection.exec_driver_sql(
        f"insert into app.{table.name} (organization_id)"
        f" select o.id from {_tenants(table)} o on conflict do nothing"
    )
    connection.execute(text("set local role so_owner"))


def _protect(connection: Connection, table: Table, rights: Rights) -> None:
    access = CLASSES.get(table.info.get("rls", ""))
    if access is None:
        raise Misconfigured(
            f"Table {table.name} declares no security class; add secured(…) to its arguments."
        )
    name = f"app.{table.name}"
    run = connection.exec_driver_sql
    run(f"alter table {name} enable row level security")
    run(f"alter table {name} force row level security")
    run(f"revoke all on {name} from public, so_app, so_worker, so_definer, so_backup")
    for verb in VERBS:
        if getattr(access, verb) is not None:
            _grant(connection, table, verb, access)
    wanted = _policies(access, "", ROLES)
    for who, role, rules in inner_rules(table, rights):
        run(f"grant {', '.join(rules)} on {name} to {role}")
        wanted |= _policies(
            Access(
                rules.get("select"), rules.get("insert"), rules.get("update"), rules.get("delete")
            ),
            who,
            role,
        )
    if table.name in OPENED_BY_LINKS:
        wanted |= _policies(OPENED_BY_LINKS[table.name], "a link ", "so_app")
    if table.name == "audit_logs":
        wanted["owner writes"] = ("insert", "so_owner", None, "true")
    _sync_policies(connection, table, wanted)


def _grant(connection: Connection, table: Table, verb: str, access: Access) -> None:
    columns: Sequence[str] = access.columns if verb == "select" else ()
    if verb == "update" and access.fixed:
        columns = [column.name for column in table.columns if column.name not in access.fixed]
    only = f"({', '.join(columns)})" if columns else ""
    connection.exec_driver_sql(f"grant {verb} {only} on app.{table.name} to so_app")
    connection.exec_driver_sql(f"grant {verb} on app.{table.name} to so_worker")


def _policies(
    access: Access, who: str, roles: str
) -> dict[str, tuple[str, str, str | None, str | None]]:
    """Policy name → (verb, roles, using, with check)."""
    made: dict[str, tuple[str, str, str | None, str | None]] = {}
    if access.select:
        made[f"{who}may read"] = ("select", roles, access.select, None)
    if access.insert:
        made[f"{who}may add"] = ("insert", roles, None, access.insert)
    if access.update:
        made[f"{who}may change"] = ("update", roles, access.update, access.update)
    if access.delete:
        made[f"{who}may delete"] = ("delete", roles, access.delete, None)
    return made


def _sync_policies(
    connection: Connection, table: Table, wanted: dict[str, tuple[str, str, str | None, str | None]]
) -> None:
    """Recreate only what changed: the hash of each policy's text stands in its comment."""
    found = connection.execute(
        text("""select p.polname, obj_description(p.oid, 'pg_policy') from pg_policy p
                where p.polrelid = cast(:table as regclass)"""),
        {"table": f"app.{table.name}"},
    )
    current: dict[str, str] = dict(found.all())
    for name, (verb, roles, using, check) in wanted.items():
        body = (
            f"for {verb} to {roles}"
            + (f" using ({using})" if using else "")
            + (f" with check ({check})" if check else "")
        )
        digest = hashlib.sha256(body.encode()).hexdigest()
        if current.pop(name, None) == digest:
            continue
        connection.exec_driver_sql(f'drop policy if exists "{name}" on app.{table.name}')
        connection.exec_driver_sql(f'create policy "{name}" on app.{table.name} {body}')
        connection.exec_driver_sql(
            f"comment on policy \"{name}\" on app.{table.name} is '{digest}'"
        )
    for name in current:
        connection.exec_driver_sql(f'drop policy "{name}" on app.{table.name}')


def _triggers(connection: Connection, table: Table) -> None:
    if "updated_at" in table.columns:
        connection.exec_driver_sql(
            f"create or replace trigger touch before update on app.{table.name} for each row"
            " execute function app.touch()"
        )
    connection.exec_driver_sql(f"drop trigger if exists zz_audit on app.{table.name}")
    if table.info.get("audit"):
        keys = [column.name for column in table.primary_key if column.name != "organization_id"]
        changes = "update" if table.info["rls"] == SETTINGS else "insert or update or delete"
        connection.exec_driver_sql(
            f"create trigger zz_audit after {changes} on app.{table.name} for each"
            f" row execute function app.audit({', '.join(map(repr, keys or ['organization_id']))})"
        )
    if table.info.get("rls") == SETTINGS:
        connection.exec_driver_sql(
            f"create or replace trigger add_{table.name} after insert on {_tenants(table)} for each"
            f" row execute function app.add_settings('{table.name}')"
        )
