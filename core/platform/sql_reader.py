"""Finds out which tables a piece of SQL names, and what it does to them.

It does not parse SQL. It relies on two habits of the product's SQL: a table is always named with
its schema (``app.events``), and the verb precedes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

NAMED = re.compile(
    r"(?P<verb>\b(?:insert\s+into|update|delete\s+from)\s+)?\b(?P<table>(?:app|jobs)\.\w+)\b", re.I
)
COMMENT = re.compile(r"--[^\n]*")


def names_in(sql: str) -> Iterator[tuple[int, str]]:
    """Each qualified name (``app.events``) outside comments, with its line from 0."""
    for at, line in enumerate(sql.splitlines()):
        for found in NAMED.finditer(COMMENT.sub("", line)):
            yield at, found["table"].lower()


def rights_for(sql: str) -> set[tuple[str, str]]:
    """The rights that the statements need, as pairs of qualified name and verb.

    Updates and deletes also need to read. An insert needs to read when it returns something or
    checks for an existing row, and to update when it says ``do update``.
    """
    needed: set[tuple[str, str]] = set()
    for statement in COMMENT.sub("", sql).lower().split(";"):
        for found in NAMED.finditer(statement):
            verb = (found["verb"] or "select").split()[0]
            needed |= {(found["table"], each) for each in _verbs(verb, statement)}
    return needed


def _verbs(verb: str, statement: str) -> set[str]:
    if verb == "insert":
        reads = "on conflict" in statement or "returning" in statement
        changes = "do update" in statement
        return {"insert"} | ({"select"} if reads else set()) | ({"update"} if changes else set())
    locks = verb == "select" and re.search(r"\bfor update\b", statement) is not None
    return {verb, "select"} | ({"update"} if locks else set())
