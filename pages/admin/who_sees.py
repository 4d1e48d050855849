"""Why can't they see it? For a member and a record: whether they see it, what decides it, and what
to change.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pandas as pd
import streamlit as st
from sqlalchemy import Row

from core.operations.record_access import (
    Answer,
    Decider,
    RecordKind,
    explain,
    explain_for_all,
    found_records,
    record_called,
    record_question,
)
from core.tenancy.access.authorization import Access
from core.tenancy.access.members import members
from core.ui.navigation import BY_KEY
from core.ui.page import act, empty, go, require, shown_role, title
from core.ui.parts.columns import Text, Word
from core.ui.parts.format import escape_markdown, when
from core.ui.parts.query_params import id_from_address
from core.ui.parts.tables import table

viewer = require("who-sees")
EVERYBODY = "Everybody"


def screen_of(kind: RecordKind) -> str:
    """The screen that shows a record of the kind: its own, or the list that it is in."""
    return next(key for key in (kind, f"{kind}s", "leads") if key in BY_KEY)


def access_of(kind: RecordKind) -> Access:
    """Whom that screen is open to."""
    return BY_KEY[screen_of(kind)].access


def ask_for_kind() -> RecordKind:
    """The kind of the record in the address, or one that is chosen."""
    asked, kinds = st.query_params.get("kind"), list(RecordKind)
    if asked in kinds and id_from_address():
        return RecordKind(asked)
    return st.selectbox("Kind of record", kinds, format_func=lambda each: each.label)


def ask_for_record(kind: RecordKind) -> UUID | None:
    """The record of the address, or one that is searched for."""
    if given := id_from_address():
        with viewer.transaction() as db:
            known = record_called(db, kind, given)
        if known is None:
            empty(f"There is no such {kind.label.lower()}", "It may have been deleted.")
            st.stop()
        st.markdown(f"**{kind.label}**: {escape_markdown(_label(known))}")
        go("who-sees", "Choose another record")
        return given
    words = st.text_input("Search", placeholder="Name or whole e-mail address")
    with viewer.transaction() as db:
        found = {row.id: row for row in found_records(db, kind, words)}
    if not found:
        st.caption(
            f"No {kind.label.lower()} fits. Try part of the name, or the whole e-mail."
            if words
            else f"There are no {kind.label.lower()}s yet."
        )
    return st.selectbox(
        kind.label,
        list(found),
        index=None,
        format_func=lambda row_id: _label(found[row_id]),
        placeholder=f"Choose a {kind.label.lower()}",
    )


def _label(row: Row[Any]) -> str:
    facts = (row.name or "No name", row.email, when(row.at, viewer.timezone))
    return " · ".join(filter(None, facts))


def show_answer(name: str, kind: RecordKind, row_id: UUID, answer: Answer) -> None:
    """Whether they see it, what decides that, and the way to change it."""
    verdict = f"{name} can see it." if answer.sees else f"{name} can't see it."
    sentence = (
        f"**{escape_markdown(verdict)}** {answer.decides.label}: {escape_markdown(answer.why)}"
    )
    (st.success if answer.sees else st.warning)(sentence)
    if answer.change:
        st.markdown(f"**To change it**: {escape_markdown(answer.change)}")
    if answer.screen is None:
        return
    screen = screen_of(kind) if answer.screen == kind else answer.screen
    takes = BY_KEY[screen].takes
    go(screen, f"Open {BY_KEY[screen].title}", **({takes: str(row_id)} if takes else {}))


def show_everybody(kind: RecordKind, row_id: UUID) -> None:
    """The answer for each member."""
    with viewer.transaction() as db:
        answers = explain_for_all(db, kind, row_id, access_of(kind))
    rows = [
        {
            "name": member.name,
            "role": shown_role(member.role).capitalize(),
            "sees": "Yes" if answer.sees else "No",
            "decides": answer.decides,
            "why": answer.why,
        }
        for member, answer in answers
    ]
    table(
        pd.DataFrame(rows),
        "who-sees",
        card=("name", "sees", "why"),
        columns=[
            Text("name", "Member"),
            Text("role", "Role"),
            Text("sees", "Can see it"),
            Word("decides", "Decided by", Decider),
            Text("why", "Why"),
        ],
    )


title("Who can see it?", viewer, "Why somebody does or does not see a record")
with viewer.transaction() as db:
    people = {member.user_id: member for member in members(db)}
kind = ask_for_kind()
row_id = ask_for_record(kind)
who = st.selectbox(
    "Member",
    [None, *people],
    format_func=lambda user: (
        f"{people[user].name} · {shown_role(people[user].role)}" if user else EVERYBODY
    ),
)
if st.button("Check", type="primary", disabled=row_id is None) and row_id is not None:
    with act(viewer) as db:
        record_question(db, who, kind, row_id)
        answer = explain(db, who, kind, row_id, access_of(kind)) if who else None
    if who and answer:
        show_answer(people[who].name, kind, row_id, answer)
    else:
        show_everybody(kind, row_id)
