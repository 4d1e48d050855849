"""Lists of words that Python declares, as functions of the database."""

from __future__ import annotations

from collections.abc import Iterable


def word_list(name: str, words: Iterable[str], *readers: str) -> str:
    """The SQL of ``app.<name>()``, an array of the words, which the roles ``readers`` may ask for.
    The planner takes it for a constant.
    """
    quoted = ", ".join(f"'{word}'" for word in sorted(words))
    return f"""
create or replace function app.{name}() returns text[] language sql immutable parallel safe
set search_path = pg_catalog, pg_temp as $f$ select array[{quoted}]::text[] $f$;
revoke all on function app.{name}() from public;
grant execute on function app.{name}() to {", ".join(readers)};
"""
