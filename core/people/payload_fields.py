"""Which fields of providers' payloads say who somebody is, as functions of the database."""

from __future__ import annotations

from collections.abc import Iterable

from core.people.person_fields import PersonFields


def functions(fields: PersonFields) -> str:
    """What ``app.redacted`` empties in an object about an erased person: ``app.person_names``,
    ``app.person_details``, and ``app.person_objects`` inside it that are about the same person.
    """
    lists = {
        "person_names": fields.names,
        "person_details": fields.details,
        "person_objects": fields.persons,
    }
    return "\n".join(_list(name, words) for name, words in lists.items())


def _list(name: str, words: Iterable[str]) -> str:
    quoted = ", ".join(f"'{word}'" for word in sorted(words))
    return f"""
create or replace function app.{name}() returns text[] language sql immutable parallel safe
set search_path = pg_catalog, pg_temp as $f$ select array[{quoted}]::text[] $f$;
revoke all on function app.{name}() from public;
grant execute on function app.{name}() to so_worker;
"""
