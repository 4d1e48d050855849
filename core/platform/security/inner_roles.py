"""The rights of the two roles that are not bound to one organisation: ``so_definer``, whose
functions run before there is an identity, and ``so_backup``, which reads everything and changes
nothing.

``so_definer`` has exactly the rights that the text of its functions needs; they are read from the
database's own catalogue after the functions were made. The function that removes a whole
organisation finds its tables at run time, so its text does not name them. Therefore ``so_definer``
may delete from every table of the organisations, but only rows of the organisation that is being
removed.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, text

from core.platform.sql_reader import rights_for

VERBS = ("select", "insert", "update", "delete")
BEING_PURGED = "organization_id = (select app.cur_purged())"
# Only functions that this version made count; nobody may run an earlier version's, so they give no
# rights. This version's were made in this transaction or in one of its savepoints, which have later
# numbers.
OWN_FUNCTIONS = text("""
    select p.prosrc from pg_proc p
     where p.pronamespace = 'app'::regnamespace and p.proowner = 'so_definer'::regrole
       and age(p.xmin) <= age(pg_current_xact_id()::xid)
""")
# Trigger functions that run with the rights of whoever changes a row of the table.
TRIGGER_FUNCTIONS = text("""
    select 'app.' || c.relname, p.prosrc from pg_trigger t
      join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
     where c.relnamespace = 'app'::regnamespace and not t.tgisinternal and not p.prosecdef
""")

Rights = set[tuple[str, str]]
Rules = dict[str, str]  # verb → condition


def rights_of_definer(connection: Connection) -> Rights:
    """What the functions of ``so_definer`` do, and the triggers that they set off, as pairs of a
    table (``app.events``) and a verb.
    """
    rights: Rights = set()
    for body in connection.execute(OWN_FUNCTIONS).scalars():
        rights |= rights_for(body)
    triggers = [(table, rights_for(body)) for table, body in connection.execute(TRIGGER_FUNCTIONS)]
    before = None
    while before != rights:
        before = set(rights)
        changed = {table for table, verb in rights if verb != "select"}
        rights |= {right for table, more in triggers if table in changed for right in more}
    return rights


def inner_rules(table: Table, rights: Rights) -> list[tuple[str, str, Rules]]:
    """The policies of the two roles on a table: each with a prefix for its names, the role, and the
    condition of each verb.
    """
    needed = {verb: "true" for verb in VERBS if (table.fullname, verb) in rights}
    made = [("a backup ", "so_backup", {"select": "true"}), ("the definer ", "so_definer", needed)]
    purge = {verb: BEING_PURGED for verb in ("select", "delete") if verb not in needed}
    if next(iter(table.primary_key)).name == "organization_id" and purge:
        made.append(("a purge ", "so_definer", purge))
    return [each for each in made if each[2]]


def open_queue(connection: Connection, rights: Rights) -> None:
    """Grant rights on the queue and on the migration's version number, which have no policies. Must
    run as ``so_owner``.
    """
    run = connection.exec_driver_sql
    run("revoke all on all tables in schema jobs from so_definer, so_backup")
    run("revoke select on all sequences in schema jobs from so_definer")
    for name, verb in sorted(rights):
        if name.startswith("jobs."):
            run(f"grant {verb} on {name} to so_definer")
    run("revoke all on app.alembic_version from so_definer")
    run("grant usage on schema jobs to so_backup")
    run("grant select on all tables in schema jobs to so_backup")
    run("grant select on all sequences in schema jobs to so_backup")
    run("grant select on app.alembic_version to so_backup")
