"""The audit log as who did what, with what followed from it folded away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from core.operations.audit_subjects import TELLING, place_of, subjects
from core.platform.audit_words import ABOUT_SOMEBODY, OPERATIONS, TAKEN
from core.platform.errors import InvalidInput
from core.platform.notation import notation
from core.platform.paging import decode_cursor, encode_cursor
from core.tenancy.access.audit import AuditFilter, actor, column_label, names_in, table_label
from core.tenancy.access.audit_actions import MOST_LINES, Action, Headline, actions
from core.tenancy.access.viewers import Viewer
from core.ui.navigation import BY_KEY, row_in
from core.ui.page import empty, go
from core.ui.panels.audit import details_of
from core.ui.parts.columns import Moment, Text
from core.ui.parts.format import on, plural, when
from core.ui.parts.tables import picking_table

PAGE = 50
VERBS = {
    ("post_call_forms", "insert"): "Filed the form of",
    ("post_call_forms", "update"): "Changed the form of",
    ("post_call_forms", "delete"): "Withdrew the form of",
    ("payout_snapshots", "insert"): "Drafted",
    ("payout_snapshots", "delete"): "Discarded",
    ("invitations", "insert"): "Invited",
}
USUAL = {"insert": "Added", "update": "Changed", "delete": "Deleted"}
# What an update of a column means, where it means more than a change.
TURNS = {
    ("payout_snapshots", "state"): {"approved": "Approved", "paid": "Marked as paid:"},
    ("invitations", "revoked_at"): {},
}
CARRY_THEIR_NOUN = ("events", "post_call_forms", "payments", "invitations")
Names = dict[tuple[str, str], str]


def verb_of(table: str, operation: str, changes: dict[str, Any]) -> str:
    """What was done, as the beginning of a sentence."""
    for (of_table, column), words in TURNS.items():
        if of_table == table and operation == "update" and isinstance(changes.get(column), list):
            return words.get(changes[column][1], "Revoked" if column == "revoked_at" else "Changed")
    return VERBS.get((table, operation)) or USUAL.get(operation, "")


def thing(table: str) -> str:
    """One row of a table, as people call it: ``closer``, ``API key``."""
    label = table_label(table).removesuffix("s")
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def sentence(action: Action, named: Names, names: dict[str, str]) -> str:
    """What the action was and what it changed besides."""
    if action.is_automatic or not action.lines:
        return _counted(action.counts)
    first = action.lines[0]
    about, operation = first.table_name, first.operation
    what = named.get((about, first.row_id)) or _former_name(first.changes)
    if action.headline is not None and action.headline.words:
        return _headline(action.headline, first.changes, what or thing(about), names)
    if operation in ABOUT_SOMEBODY:
        words = f"{OPERATIONS[operation].capitalize()}: {names.get(first.row_id, what)}"
    elif not (verb := verb_of(about, operation, first.changes)):
        done = OPERATIONS.get(operation, operation).capitalize()
        of_list = table_label(about).replace("-", " ")
        words = f"{done}: {what or of_list}"
        if operation in TAKEN:
            words = _downloaded(of_list, first.changes)
    elif about in CARRY_THEIR_NOUN and what:
        words = f"{verb} {what}"
    else:
        words = " ".join(filter(None, (verb, thing(about), what)))
    rest = dict(action.counts)
    rest[about, operation] = rest.get((about, operation), 1) - 1
    others = sum(rest.values())
    if not others:
        return words
    by_matching = all(table == "payments" for (table, _), lines in rest.items() if lines)
    means = plural(others, "change", "changes")
    return f"{words}, and {means} by attribution" if by_matching else f"{words}, and {others} more"


def _downloaded(of_list: str, details: dict[str, Any]) -> str:
    noun = of_list if of_list[:2].isupper() else of_list[:1].lower() + of_list[1:]
    rows = details.get("rows")
    return f"Downloaded {noun}" + (f": {plural(rows, 'row', 'rows')}" if rows is not None else "")


def _headline(headline: Headline, changes: dict[str, Any], what: str, names: dict[str, str]) -> str:
    """The words of a headline with the names in it; whoever is not there any more has none."""
    values = {column: each for column, each in changes.items() if isinstance(each, list)}
    now = {column: each[1] or each[0] for column, each in values.items()}
    changed = ", ".join(column_label(column) for column in headline.columns if column in values)
    words = defaultdict(lambda: "a contact", what=what, columns=changed)
    words |= {column: names[str(value)] for column, value in now.items() if str(value) in names}
    return headline.words.format_map(words)


def _former_name(changes: dict[str, Any]) -> str:
    """What a row was called that is not there any more."""
    for column in ("name", "lead_name", "customer_name", "email"):
        values = changes.get(column)
        if isinstance(values, list) and any(isinstance(each, str) for each in values):
            return str(values[1] or values[0])
    return ""


def _counted(counts: dict[tuple[str, str], int]) -> str:
    """``120 payments changed, 3 bookings added``, the most first."""
    most = sorted(counts.items(), key=lambda each: -each[1])
    parts = []
    for (table, operation), lines in most[:3]:
        noun = table_label(table)
        noun = noun if noun[:2].isupper() else noun[:1].lower() + noun[1:]
        done = USUAL.get(operation, OPERATIONS.get(operation, operation)).lower()
        parts.append(f"{plural(lines, noun.removesuffix('s'), noun)} {done}")
    others = sum(lines for _, lines in most[3:])
    return ", ".join(parts).capitalize() + (
        f", and {notation().number(others)} more" if others else ""
    )


def folded(found: Sequence[Action]) -> list[Action]:
    """The same with what the product did by itself between two actions of people as one action."""
    page: list[Action] = []
    for action in found:
        if page and page[-1].is_automatic and action.is_automatic:
            page[-1] = page[-1].and_before(action)
        else:
            page.append(action)
    return page


def show_actions(viewer: Viewer, chosen: AuditFilter) -> None:
    """A page of what was done, latest first; a chosen one with all of its changes."""
    before = _place()
    with viewer.transaction() as db:
        found = actions(db, chosen, TELLING, limit=PAGE + 1, before=before)
        page = folded(found[:PAGE])
        first = [action.lines[0] for action in page if action.lines and not action.is_automatic]
        named = subjects(db, first, lambda at: day_of(at, viewer.timezone))
        names = names_in(db, [line for action in page for line in action.lines])
    if not page:
        empty(
            "Nothing was changed here",
            "Nothing fits this period and these filters. Choose a longer period, or clear a"
            " filter.",
        )
        return
    frame = pd.DataFrame(
        {
            "id": [action.key for action in page],
            "at": [action.at for action in page],
            "who": [actor(action.lines[0], names) if action.lines else "" for action in page],
            "what": [sentence(action, named, names) for action in page],
        }
    )
    st.caption(
        "Newest first. Open an action to see each change. What the product did by itself in between"
        " is one line."
    )
    details = st.container()
    columns = [Moment("at", "When", viewer.timezone), Text("who", "Who"), Text("what", "What")]
    picked = picking_table(
        frame, "audit-actions", columns=columns, card=("what", "who", "at"), per_page=PAGE
    )
    _turn_pages(page, before, has_more=len(found) > PAGE)
    for action, said in zip(page, frame["what"], strict=True):
        if action.key == picked:
            with details:
                _show_details(viewer, action, said, names)


def _turn_pages(page: list[Action], before: datetime | None, *, has_more: bool) -> None:
    with st.container(horizontal=True):
        if before is not None and st.button("← Newest"):
            st.query_params.pop("before", None)
            st.rerun()
        if has_more and st.button("Older →"):
            last = min(action.began_at for action in page)
            st.query_params["before"] = encode_cursor(last, page[-1].lines[-1].id)
            st.rerun()


def _place() -> datetime | None:
    """Before which instant, from the address; nonsense there is the newest page."""
    try:
        found = decode_cursor(st.query_params.get("before"))
    except InvalidInput:
        return None
    return found[0] if found else None


def _show_details(viewer: Viewer, action: Action, said: str, names: dict[str, str]) -> None:
    st.subheader("What changed")
    st.text(f"{when(action.at, viewer.timezone)} · {actor(action.lines[0], names)} · {said}")
    if not action.is_automatic:
        link_to_record(viewer, action.lines[0].table_name, action.lines[0].row_id)
    for line in action.lines:
        changes = details_of(line, names, viewer.timezone)
        done = OPERATIONS.get(line.operation, line.operation)
        if len(action.lines) == 1:
            for change in changes:
                st.text(change)
        else:
            st.text(f"{table_label(line.table_name)} {done}: {'; '.join(changes)}")
    together = sum(action.counts.values())
    if together > MOST_LINES:
        st.caption(f"Showing {MOST_LINES} of {notation().number(together)} changes.")


def link_to_record(viewer: Viewer, table: str, row_id: str) -> None:
    """The way to what a line is about, where there is a screen of it."""
    with viewer.transaction() as db:
        place = place_of(db, table, row_id)
    if place is not None:
        screen, opened = place
        go(screen, f"Open the {BY_KEY[screen].title.lower()}", **row_in(screen, opened))


def day_of(at: datetime | None, timezone: str) -> str:
    if at is None:
        return "an unknown day"
    return on(at.astimezone(ZoneInfo(timezone)).date())
