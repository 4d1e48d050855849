"""References that are checked once for each statement (``schema.refers_at_once_to``), by triggers
generated from the declarations.

As with Postgres's own, a row refers to one that is there, and that one cannot be deleted. Whoever
writes such rows and whoever deletes what they refer to wait for each other, so that neither misses
what the other is about to commit.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ForeignKeyConstraint, MetaData, Table

from core.platform.schema import AT_ONCE

CHECK, HOLD = "check_references", "hold_referred"


def checked_by_postgres(item: object, _name: str | None, _type: str, *_: object) -> bool:
    """What Alembic compares with the database: the references that triggers check are no
    constraints there.
    """
    return not (isinstance(item, ForeignKeyConstraint) and item.info.get(AT_ONCE))


def functions(metadata: MetaData) -> str:
    """The trigger functions, as a script. They see every row, like Postgres's own checks, whatever
    whoever writes may see.
    """
    made = {f"{CHECK}_of_{table.name}": _check(table) for table in _referring(metadata)}
    made |= {f"{HOLD}_{table.name}": _hold(table) for table in _referred(metadata)}
    return "\n".join(
        f"create or replace function app.{name}() returns trigger language plpgsql security definer"
        f" set search_path = pg_catalog, pg_temp as $f$\n{body}\n$f$;\n"
        f"revoke all on function app.{name}() from public;\n"
        f"grant execute on function app.{name}() to so_owner;"
        for name, body in made.items()
    )


def triggers(metadata: MetaData) -> str:
    """The triggers, as a script."""
    lines = [
        f"create or replace trigger {CHECK}_{verb} after {verb} on app.{table.name}"
        f" referencing new table as written for each statement"
        f" execute function app.{CHECK}_of_{table.name}();"
        for table in _referring(metadata)
        for verb in ("insert", "update")
    ]
    lines += [
        f"create or replace trigger {HOLD} after delete or update of organization_id, id on"
        f" app.{table.name} for each row execute function app.{HOLD}_{table.name}();"
        for table in _referred(metadata)
    ]
    return "\n".join(lines)


def _references(metadata: MetaData) -> Iterator[tuple[Table, str, Table]]:
    """Each table with the column that refers, and the table that it refers to."""
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_key_constraints, key=_column):
            if key.info.get(AT_ONCE):
                yield table, _column(key), key.referred_table


def _column(key: ForeignKeyConstraint) -> str:
    return key.column_keys[-1]


def _referring(metadata: MetaData) -> list[Table]:
    return list(dict.fromkeys(table for table, _, _ in _references(metadata)))


def _referred(metadata: MetaData) -> list[Table]:
    return list(dict.fromkeys(there for _, _, there in _references(metadata)))


def _lock(table: Table, kind: str, organization: str) -> str:
    key = f"hashtextextended({organization} || ':{table.name}', 0)"
    return f"pg_advisory_xact_lock{kind}({key})"


def _check(table: Table) -> str:
    """The body that refuses rows which refer to nothing. All references are looked up in one pass
    over the rows.
    """
    own = [(each, there) for one, each, there in _references(table.metadata) if one is table]
    joins = " ".join(
        f"left join app.{there.name} p{place} on p{place}.organization_id = w.organization_id"
        f" and p{place}.id = w.{column}"
        for place, (column, there) in enumerate(own)
    )
    nothing = " or ".join(
        f"w.{column} is not null and p{place}.id is null" for place, (column, _) in enumerate(own)
    )
    lock = _lock(table, "_shared", "o.organization_id")
    return "\n".join(
        [
            "begin",
            f"  perform {lock} from (select distinct w.organization_id from written w) o;",
            f"  if exists (select from written w {joins} where {nothing}) then",
            f"    raise exception 'a row of {table.name} refers to what is not there'",
            "      using errcode = '23503';",
            "  end if;",
            "  return null;",
            "end",
        ]
    )


def _hold(table: Table) -> str:
    """The body that refuses to delete a row that others refer to, or to give it another key."""
    lines = ["begin"]
    for referring, column, there in _references(table.metadata):
        if there is table:
            lines += [
                f"  perform {_lock(referring, '', 'old.organization_id')};",
                f"  if exists (select from app.{referring.name} r where r.organization_id ="
                f" old.organization_id and r.{column} = old.id) then",
                f"    raise exception 'a row of {table.name} is referred to by {referring.name}'",
                "      using errcode = '23503';",
                "  end if;",
            ]
    return "\n".join([*lines, "  return null;", "end"])
