"""The erasure of a person, and what others alone read of them: database functions, generated from
the columns that are declared to hold personal data (``core.platform.personal``).
"""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.platform.personal import ERASED_NAME, OF_USER, Personal, PersonalFact, personal_of
from core.platform.security.about import (
    Known,
    is_about,
    mentions,
    private_tables,
    tables_about,
)

ABOUT = Known("p_org", "p_contacts", "p_emails")
KNOWN = "p_emails, p_words, p_pseudonym"
SIGNATURE = (
    "p_org uuid, p_contacts uuid[], p_emails text[], p_marks text[], p_words text[],"
    " p_pseudonym text, p_pattern text, p_question text"
)
TYPES = "uuid, uuid[], text[], text[], text[], text, text, text"


def functions(metadata: MetaData) -> str:
    """The SQL of four functions.

    ``app.erase_rows`` empties the declared columns: all of them in rows about the person, and in
    other rows those that match ``p_pattern``. Of a booking's answers only the one to ``p_question``
    stays. It returns the ids of the rows about the person. ``app.personal_columns`` names the
    columns that are blanked in the audit log of these rows, and ``app.user_columns`` those of a
    table that are blanked there when a user is deleted. ``app.private_rows`` gives the rows of a
    table that are about the person, or contain one of ``p_words``, though they belong to one user.
    """
    blanked = ", ".join(f"'{name}'" for name in _blanked(metadata))
    return f"""
create or replace function app.personal_columns() returns text[] language sql immutable
set search_path = pg_catalog, pg_temp as $f$ select array[{blanked}] $f$;

create or replace function app.erase_rows({SIGNATURE}) returns text[] language plpgsql
security definer set search_path = pg_catalog, pg_temp as $f$
declare
  question text := p_question;
{_found(metadata)}
begin
{_statements(metadata)}
  return ({" || ".join(f"ids_of_{table.name}" for table in tables_about(metadata))})::text[];
end $f$;

create or replace function app.user_columns(p_table text) returns text[] language sql immutable
set search_path = pg_catalog, pg_temp as $f$ select case p_table {_of_users(metadata)} end $f$;

create or replace function app.private_rows(p_table text, p_org uuid, p_contacts uuid[],
  p_emails text[], p_words text[]) returns setof jsonb language sql stable
security definer set search_path = pg_catalog, pg_temp as $f$
{_private(metadata)} $f$;

revoke all on function app.private_rows(text, uuid, uuid[], text[], text[]),
  app.personal_columns(), app.user_columns(text),
  app.erase_rows({TYPES}) from public;
"""


def _blanked(metadata: MetaData) -> list[str]:
    """The columns whose old values the audit log must not show: those that are hidden or emptied as
    a whole.
    """
    loose = (Personal.MENTION, Personal.DOCUMENT)
    return sorted(
        {
            column.name
            for table in tables_about(metadata)
            for column, fact in _facts(table)
            if fact.hidden or fact.kind not in loose
        }
    )


def _of_users(metadata: MetaData) -> str:
    named = {
        table.name: [f"'{column.name}'" for column in table.columns if OF_USER in column.info]
        for table in metadata.sorted_tables
    }
    return " ".join(
        f"when '{table}' then array[{', '.join(columns)}]"
        for table, columns in named.items()
        if columns
    )


def _private(metadata: MetaData) -> str:
    found = [
        f"select to_jsonb(t) from app.{table.name} t where p_table = '{table.name}'"
        f" and t.organization_id = p_org and ({is_about(table, 't', ABOUT) or 'false'}"
        f" or {mentions(table, 't', 'p_words')})"
        for table in private_tables(metadata)
    ]
    return "\nunion all ".join(found)


def _facts(table: Table) -> list[tuple[Column[object], PersonalFact]]:
    return [(column, fact) for column in table.columns if (fact := personal_of(column))]


def _found(metadata: MetaData) -> str:
    """Finds the rows about the person before anything is changed, since a change could make them
    unrecognisable.
    """
    return "\n".join(
        f"  ids_of_{table.name} uuid[] := array(select t.id from app.{table.name} t"
        f" where t.organization_id = p_org and ({is_about(table, 't', ABOUT)}));"
        for table in tables_about(metadata)
    )


def _statements(metadata: MetaData) -> str:
    lines = []
    for table in metadata.sorted_tables:
        facts = _facts(table)
        if facts and table.info["about"]:
            lines.append(_erase(table, facts))
        lines += [_clean(table, column) for column, fact in facts if fact.anywhere]
    return "\n".join(lines)


def _erase(table: Table, facts: list[tuple[Column[object], PersonalFact]]) -> str:
    these = f"where t.organization_id = p_org and t.id = any (ids_of_{table.name});"
    if any(fact.kind == Personal.DRAFT for _, fact in facts):
        return f"  delete from app.{table.name} t {these}"
    changes = ", ".join(f"{column.name} = {_instead(column, fact.kind)}" for column, fact in facts)
    return f"  update app.{table.name} t set {changes} {these}"


def _clean(table: Table, column: Column[object]) -> str:
    is_json = isinstance(column.type, JSONB)
    kind = Personal.DOCUMENT if is_json else Personal.MENTION
    return (
        f"  update app.{table.name} t set {column.name} = {_instead(column, kind)}"
        f" where t.organization_id = p_org and app.comparable(t.{column.name}::text) ~* p_pattern;"
    )


def _without_person(column: Column[object]) -> str:
    """Of a list each entry by itself."""
    if not isinstance(column.type, ARRAY):
        return f"app.without_person(t.{column.name}, {KNOWN})"
    return (
        f"array(select app.without_person(each.entry, {KNOWN})"
        f" from unnest(t.{column.name}) with ordinality as each(entry, place) order by each.place)"
    )


def _instead(column: Column[object], kind: Personal) -> str:
    value = f"t.{column.name}"
    nothing = "'{}'" if isinstance(column.type, JSONB | ARRAY) else "'…'"
    return {
        Personal.NAME: f"'{ERASED_NAME}'",
        Personal.EMAIL: "p_pseudonym",
        Personal.MARK: (
            "coalesce((select m.mark from unnest(p_emails, p_marks) as m(email, mark)"
            f" where m.email = {value}), {value})"
        ),
        Personal.PHONE: "null",
        Personal.TEXT: "null" if column.nullable else nothing,
        Personal.ANSWERS: (
            f"app.redacted(app.redacted_answers({value}, question), {KNOWN}, question)"
        ),
        Personal.MENTION: _without_person(column),
        Personal.DOCUMENT: f"app.redacted({value}, {KNOWN}, question)",
    }[kind]
