"""Two contacts that are one person: a database function, generated from the tables' declarations,
that gives what belongs to one of them to the other.
"""

from __future__ import annotations

from sqlalchemy import MetaData, Table

from core.platform.schema import Follows

CONTACT = "contact"


def functions(metadata: MetaData) -> str:
    """The SQL of ``app.move_to_contact``: every row of one contact becomes the other's, that is
    every row with a ``contact_id``, and every line about the contact. It returns the ids of the
    rows by their table, so that what was moved can be found again.
    """
    statements = "\n".join(
        _move(table, column, also)
        for table in metadata.sorted_tables
        for column, also in _columns(table)
    )
    return f"""
create or replace function app.move_to_contact(p_from uuid, p_to uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $f$
declare
  org uuid := app.cur_org();
  ids uuid[];
  moved jsonb := '{{}}';
begin
{statements}
  return moved;
end $f$;
revoke all on function app.move_to_contact(uuid, uuid) from public;
"""


def _columns(table: Table) -> list[tuple[str, str]]:
    """The columns by which rows of the table are a contact's, each with a further condition."""
    found = [("contact_id", "")] if "contact_id" in table.columns else []
    owners = table.info["owners"]
    if isinstance(owners, Follows) and owners.kind:
        found.append((owners.column, f" and t.{owners.kind} = '{CONTACT}'"))
    return found


def _move(table: Table, column: str, also: str) -> str:
    return f"""  with changed as (
    update app.{table.name} t set {column} = p_to
     where t.organization_id = org and t.{column} = p_from{also} returning t.id)
  select array_agg(c.id) into ids from changed c;
  if ids is not null then
    moved := moved || jsonb_build_object('{table.name}.{column}', to_jsonb(ids));
  end if;"""
