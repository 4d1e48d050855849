"""To whom a row belongs. Tables declare it (``schema.owned_by``, ``follows``, ``shared``, ``own``);
this module generates the triggers that make it true.

Each row holds the users it belongs to, so that policies compare columns and read no other table. A
trigger fills these columns before each write, whatever the statement put there. Triggers on the
rosters, and on the tables from which others take over the users, update the other rows. All
triggers are generated from the declarations, so a new table needs no entry here.
"""

from __future__ import annotations

from sqlalchemy import MetaData, Table

from core.platform.errors import Misconfigured
from core.platform.schema import Follows, Own, OwnedBy, Owners, Shared

REPS = "rep_user_ids"
# the reader, and for a manager restricted to their team, everybody below them
TEAM = "(select app.cur_team())::uuid[]"
FILL, PASS, FOLLOW = "fill_owners", "pass_owners_on", "follow_roster"
SEE = "refer_to_what_is_seen"


def condition(table: Table) -> str:
    """The condition that the row belongs to the reader or their team. Raises Misconfigured."""
    owners, columns = _owners(table), user_columns(table)
    if isinstance(owners, Own):
        return f"{columns[0]} = app.cur_user()"
    if isinstance(owners, OwnedBy):
        return f"({' or '.join(f'{column} = any ({TEAM})' for column in columns)})"
    return f"{columns[0]} && {TEAM}"


def user_columns(table: Table) -> list[str]:
    """The columns that hold the users to whom a row belongs. Raises Misconfigured."""
    owners = _owners(table)
    if isinstance(owners, Own):
        return [owners.column]
    return [f"{name}_user_id" for name in owners.names] if isinstance(owners, OwnedBy) else [REPS]


def functions(metadata: MetaData) -> str:
    """The trigger functions, as a script. Raises Misconfigured for a declaration that cannot be
    followed.
    """
    made = {f"{FILL}_of_{table.name}": _fill(table) for table in _peopled(metadata)}
    made |= {f"{PASS}_from_{table.name}": _pass_on(table) for table in _givers(metadata)}
    made |= {f"{FOLLOW}_{roster.name}": _follow(roster, metadata) for roster in _rosters(metadata)}
    return "\n".join(
        f"create or replace function app.{name}() returns trigger language plpgsql security definer"
        f" set search_path = pg_catalog, pg_temp as $f$\n{body}\n$f$;\n"
        f"revoke all on function app.{name}() from public;\n"
        f"grant execute on function app.{name}() to so_owner;"
        for name, body in made.items()
    )


def triggers(metadata: MetaData) -> str:
    """The triggers, as a script that also drops those that are no longer declared."""
    filled, givers, rosters = _peopled(metadata), _givers(metadata), _rosters(metadata)
    lines = []
    for table in metadata.sorted_tables:
        wanted: dict[str, str | None] = dict.fromkeys((FILL, PASS, FOLLOW))
        if table in filled:
            wanted[FILL] = (
                f"before insert or update of {', '.join(_watched(table))} on app.{table.name}"
                f" for each row execute function app.{FILL}_of_{table.name}()"
            )
        if table in givers:
            watched = ", ".join((*_watched(table), *table.info["shares"]))
            wanted[PASS] = (
                f"after insert or delete or update of {watched} on app.{table.name}"
                f" for each row execute function app.{PASS}_from_{table.name}()"
            )
        if table in rosters:
            wanted[FOLLOW] = (
                f"after update of user_id on app.{table.name} for each row"
                " when (old.user_id is distinct from new.user_id)"
                f" execute function app.{FOLLOW}_{table.name}()"
            )
        for column in table.info["shares"]:
            wanted[f"{SEE}_{column}"] = (
                f"before insert or update of {column} on app.{table.name} for each row"
                f" execute function app.{SEE}('{referred(table, column).name}', '{column}')"
            )
        lines += [
            f"create or replace trigger {name} {body};"
            if body
            else f"drop trigger if exists {name} on app.{table.name};"
            for name, body in wanted.items()
        ]
    return "\n".join(lines)


def _owners(table: Table) -> Owners:
    owners: Owners | None = table.info.get("owners")
    if owners is None:
        raise Misconfigured(
            f"Table {table.name} is of the class “{table.info['rls']}”, whose rows belong to"
            " somebody, and does not say to whom; add owners=owned_by(…), follows(…), shared() or"
            " own(…) to its secured(…)."
        )
    if missing := [column for column in _needed(owners) if column not in table.columns]:
        raise Misconfigured(
            f"Table {table.name} declares {owners}, but has no column {missing[0]}."
        )
    return owners


def _needed(owners: Owners) -> list[str]:
    if isinstance(owners, OwnedBy):
        return [f"{name}{end}" for name in owners.names for end in ("_id", "_user_id")]
    if isinstance(owners, Own):
        return [owners.column]
    if isinstance(owners, Shared):
        return [REPS, *filter(None, [owners.own])]
    return [REPS, owners.column, *filter(None, [owners.kind])]


def _peopled(metadata: MetaData) -> list[Table]:
    """The tables whose rows hold users that are derived from other rows."""
    return [
        table
        for table in metadata.sorted_tables
        if isinstance(table.info.get("owners"), OwnedBy | Follows | Shared)
    ]


def referred(table: Table, column: str) -> Table:
    """The table that ``column`` refers to. Raises Misconfigured."""
    for key in table.foreign_key_constraints:
        if key.column_keys[-1] == column:
            return key.referred_table
    raise Misconfigured(f"Column {column} of table {table.name} refers to no table.")


def _parents(table: Table, owners: Follows) -> dict[str | None, Table]:
    """The tables that the row may refer to, keyed by the subject that names each; by None where
    there is only one.
    """
    if owners.kind is None:
        return {None: referred(table, owners.column)}
    return {each.info["subject"]: each for each in _peopled(table.metadata) if each.info["subject"]}


def _sharers(table: Table) -> list[tuple[Table, str]]:
    """The tables that share their users with this one, each with its column that refers to it."""
    return [
        (each, column)
        for each in _peopled(table.metadata)
        for column in each.info["shares"]
        if referred(each, column) is table
    ]


def _followers(parent: Table) -> list[tuple[Table, Follows, str | None]]:
    """The tables that take over the users of this one, each with the subject by which it names this
    table.
    """
    return [
        (table, owners, kind)
        for table in _peopled(parent.metadata)
        if isinstance(owners := _owners(table), Follows)
        for kind, each in _parents(table, owners).items()
        if each is parent
    ]


def _givers(metadata: MetaData) -> list[Table]:
    return [table for table in _peopled(metadata) if table.info["shares"] or _followers(table)]


def _rosters(metadata: MetaData) -> list[Table]:
    found = {
        referred(table, f"{name}_id").name: referred(table, f"{name}_id")
        for table in _peopled(metadata)
        if isinstance(owners := _owners(table), OwnedBy)
        for name in owners.names
    }
    return list(found.values())


def _watched(table: Table) -> list[str]:
    """The columns from which the row's users are derived, and those that hold them."""
    return _needed(_owners(table))


def _people(table: Table, row: str) -> str:
    """The users of ``row``, an array without nulls."""
    owners = _owners(table)
    if isinstance(owners, OwnedBy):
        users = ", ".join(f"{row}.{name}_user_id" for name in owners.names)
        return f"array_remove(array[{users}], null)"
    return f"coalesce({row}.{REPS}, '{{}}')"


def _given(table: Table, row: str) -> str:
    """The users whom ``row`` shares with the rows that it refers to: its people, but of a row that
    has its own from others only the one whom it names itself.
    """
    owners = _owners(table)
    if not isinstance(owners, Shared):
        return _people(table, row)
    return f"array_remove(array[{row}.{owners.own}], null)" if owners.own else "'{}'::uuid[]"


def _fill(table: Table) -> str:
    """The body of the trigger function that fills in a row's users. It locks the rows they come
    from, so that those rows cannot change hands meanwhile.
    """
    owners = _owners(table)
    if isinstance(owners, OwnedBy):
        rosters = {name: referred(table, f"{name}_id").name for name in owners.names}
        filled = [
            f"  new.{name}_user_id := (select r.user_id from app.{roster} r where r.organization_id"
            f" = new.organization_id and r.id = new.{name}_id for share);"
            for name, roster in rosters.items()
        ]
    elif isinstance(owners, Follows):
        filled = [_take_over(table, owners)]
    else:
        filled = [_gather(table)]
    return "\n".join(["begin", *filled, "  return new;", "end"])


def _take_over(table: Table, owners: Follows) -> str:
    found = {
        kind: f"(select {_people(parent, 'p')} from app.{parent.name} p where p.organization_id ="
        f" new.organization_id and p.id = new.{owners.column} for share)"
        for kind, parent in _parents(table, owners).items()
    }
    if owners.kind is None:
        [one] = found.values()
    else:
        cases = "\n    ".join(f"when '{kind}' then {people}" for kind, people in found.items())
        one = f"case new.{owners.kind}\n    {cases} end"
    return f"  new.{REPS} := coalesce({one}, '{{}}');"


def _gather(table: Table) -> str:
    sharers, owners = _sharers(table), _owners(table)
    if not sharers:
        raise Misconfigured(
            f"Table {table.name} declares shared(), but no table shares its people with it; name"
            " the referring column in that table's secured(shares=…)."
        )
    each = [
        f"select unnest({_given(sharer, 's')}) from app.{sharer.name} s where s.organization_id ="
        f" new.organization_id and s.{column} = new.id"
        for sharer, column in sharers
    ]
    if isinstance(owners, Shared) and owners.own:
        each.append(f"select new.{owners.own} where new.{owners.own} is not null")
    return f"  new.{REPS} := array({' union '.join(each)} order by 1);"


def _pass_on(table: Table) -> str:
    """The body of the trigger function that updates other rows after a change. It writes the
    referring column of each row that takes over the users, which makes that row's own trigger fill
    them in again.
    """
    lines = [
        "declare",
        "  org uuid := coalesce(new.organization_id, old.organization_id);",
        f"  before uuid[] := {_people(table, 'old')};",
        f"  after uuid[] := {_people(table, 'new')};",
        f"  gave uuid[] := {_given(table, 'old')};",
        f"  gives uuid[] := {_given(table, 'new')};",
        "begin",
        "  if current_setting('app.purging', true) = org::text then",
        "    return null;",
        "  end if;",
    ]
    if followers := _followers(table):
        lines.append("  if tg_op = 'UPDATE' and before is distinct from after then")
        for follower, owners, kind in followers:
            which = f" and {owners.kind} = '{kind}'" if kind else ""
            lines.append(
                f"    update app.{follower.name} set {owners.column} = {owners.column}"
                f" where organization_id = org and {owners.column} = new.id{which};"
            )
        lines.append("  end if;")
    for column in table.info["shares"]:
        lines += _share(table, column)
    return "\n".join([*lines, "  return null;", "end"])


def _share(table: Table, column: str) -> list[str]:
    """The statements that update rows which share their users. Locking those rows first makes two
    writers wait for each other, so that the second sees what the first wrote.
    """
    there = referred(table, column)
    if not isinstance(_owners(there), Shared):
        raise Misconfigured(
            f"Table {table.name} shares its people by {column}, but {there.name} does not declare"
            " shared()."
        )
    rows = f"organization_id = org and id in (old.{column}, new.{column})"
    return [
        f"  if gave || gives <> '{{}}' and (gave, old.{column}) is distinct from"
        f" (gives, new.{column}) then",
        f"    perform 1 from app.{there.name} where {rows} order by id for update;",
        f"    update app.{there.name} set {REPS} = {REPS} where {rows};",
        "  end if;",
    ]


def _follow(roster: Table, metadata: MetaData) -> str:
    lines = [
        f"  update app.{table.name} set {name}_id = {name}_id where organization_id ="
        f" new.organization_id and {name}_id = new.id;"
        for table in _peopled(metadata)
        if isinstance(owners := _owners(table), OwnedBy)
        for name in owners.names
        if referred(table, f"{name}_id") is roster
    ]
    return "\n".join(["begin", *lines, "  return null;", "end"])
