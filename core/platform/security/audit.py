"""The audit trail, written once for each statement by triggers generated from the declarations.

A line has the columns that changed, as ``{"column": [old, new]}``, without those whose change is
worth no line; the values of confidential ones are masked. A change of nothing else writes no line.
"""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects.postgresql import JSONB

from core.platform.schema import CONFIDENTIAL, UNRECORDED
from core.platform.security.policies import SETTINGS

AUDIT = "zz_audit"  # the last of the triggers of its kind
NOBODYS = "'00000000-0000-0000-0000-000000000000'"
# Both tables have the rows of an update in the same order, as Postgres wrote them one by one; keys
# would not do, since an update may change them.
IN_TURN = "row_number() over () as place_in_statement"
ROWS = {
    "insert": "written n",
    "update": (
        f"(select *, {IN_TURN} from removed) o join (select *, {IN_TURN} from written) n"
        " using (place_in_statement)"
    ),
    "delete": "removed o",
}
TRANSITIONS = {
    "insert": "new table as written",
    "update": "old table as removed new table as written",
    "delete": "old table as removed",
}


def functions(metadata: MetaData) -> str:
    """The trigger functions, as a script.

    A session plans the statement in them once, at its first change, which is usually of one row. A
    nested loop that is right for it would take hours over a hundred thousand.
    """
    return "\n".join(
        f"create or replace function app.{_function(table, verb)}() returns trigger"
        " language plpgsql security definer"
        " set search_path = pg_catalog, pg_temp set enable_nestloop = off as $f$\n"
        f"{_body(table, verb)}\n$f$;\n"
        f"revoke all on function app.{_function(table, verb)}() from public;"
        for table in metadata.sorted_tables
        for verb in _verbs(table)
    )


def triggers(metadata: MetaData) -> str:
    """The triggers, as a script."""
    return "\n".join(
        f"create or replace trigger {AUDIT}_{verb} after {verb} on app.{table.name}"
        f" referencing {TRANSITIONS[verb]} for each statement"
        f" execute function app.{_function(table, verb)}();"
        for table in metadata.sorted_tables
        for verb in _verbs(table)
    )


def _verbs(table: Table) -> tuple[str, ...]:
    """Rows of settings are made and removed together with their organisation, which has lines of
    its own.
    """
    if not table.info.get("audit"):
        return ()
    return ("update",) if table.info["rls"] == SETTINGS else ("insert", "update", "delete")


def _function(table: Table, verb: str) -> str:
    return f"audit_{verb}_of_{table.name}"


def _body(table: Table, verb: str) -> str:
    row = "o" if verb == "delete" else "n"
    keys = [column.name for column in table.primary_key if column.name != "organization_id"]
    named = ", ".join(f"{row}.{key}" for key in keys or ["organization_id"])
    changes = "\n        || ".join(
        f"case when {_differs(column, verb)} then {_change(column, verb)} else '{{}}' end"
        for column in table.columns
        if column.name != "organization_id" and not column.info.get(UNRECORDED)
    )
    return f"""begin
  insert into app.audit_logs (organization_id, actor_user_id, actor_role, table_name, row_id,
    operation, changes)
  select {_organization(table, row)},
         nullif(current_setting('app.user_id', true), '')::uuid,
         nullif(current_setting('app.role', true), ''),
         '{table.name}', concat_ws(',', {named}), '{verb}', c.changes
    from {ROWS[verb]}
   cross join lateral (select {changes} as changes offset 0) c
   where c.changes <> '{{}}';
  return null;
end"""


def _organization(table: Table, row: str) -> str:
    if table.name == "organizations":
        return f"{row}.id"
    if "organization_id" not in table.columns:
        return NOBODYS
    return f"coalesce({row}.organization_id, {NOBODYS})"


def _differs(column: Column[object], verb: str) -> str:
    """The condition that the line names the column. No value and JSON's null are the same."""
    old, new = (_value(column, row) for row in ("o", "n"))
    if verb == "update":
        return f"{old} is distinct from {new}"
    return f"{new if verb == 'insert' else old} is not null"


def _value(column: Column[object], row: str) -> str:
    value = f"{row}.{column.name}"
    return f"nullif({value}, 'null')" if isinstance(column.type, JSONB) else value


def _change(column: Column[object], verb: str) -> str:
    if column.info.get(CONFIDENTIAL):
        return f"""'{{"{column.name}": ["…", "…"]}}'::jsonb"""
    old = "null" if verb == "insert" else f"o.{column.name}"
    new = "null" if verb == "delete" else f"n.{column.name}"
    return f"jsonb_build_object('{column.name}', jsonb_build_array({old}, {new}))"
