"""The design of the post-call form: its questions, their order and words, beside what a closer will
see. Forms follow it once it is published.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.bookings.design import (
    NEEDED,
    OF_OPTIONS,
    FormDesign,
    Item,
    When,
    answers_to_choose,
)
from core.bookings.designs import (
    add_item,
    change_item,
    current_design,
    design_in_work,
    discard_work,
    leave_out,
    left_out,
    move_item,
    publish,
    put_back,
    values_of,
)
from core.people.models import FieldKind
from core.platform.errors import InvalidInput
from core.platform.labels import NONE
from core.platform.names import LONGEST_NAME, LONGEST_SENTENCE
from core.ui.page import act, require, title
from core.ui.panels.post_call_form import Choices, Questions, choices
from core.ui.parts.format import escape_markdown
from core.ui.parts.forms import Form, shown_value

PHONE = 390  # pixels
TRIED, SEEN = "answers tried on the design", "design as it was shown"

viewer = require("form-design")
with viewer.transaction() as db:
    design, on_forms = design_in_work(db), current_design(db)
    lists, absent = choices(db), left_out(db)
is_changed = design.items != on_forms.items
# what the reader saw when they pressed a button, which may be older than what was read just now
seen: FormDesign = st.session_state.get(SEEN, design)
st.session_state[SEEN] = design
title("Form design", viewer)


def conditions(key: str | None) -> dict[str, tuple[str, str]]:
    """What a question can be shown by: each answer to one that stands before it, in words."""
    found: dict[str, tuple[str, str]] = {}
    for question in design.questions:
        if question.key == key:
            break
        for answer, words in answers_to_choose(question).items():
            found[f"{question.label}: {words}"] = (question.key, answer)
    return found


def in_words(name: str, value: Any) -> str:
    """What a field of a question has, as people read it."""
    if name != "when":
        return shown_value(name, value)
    words = [text for text, (key, has) in conditions(None).items() if _is_in(value, key, has)]
    return ", ".join(words) or NONE


def _is_in(when: When | None, key: str, answer: str) -> bool:
    return when is not None and when.key == key and answer in when.has


def draw_fields(form: Form, item: Item) -> None:
    """What can be chosen of a question, filled with what it has."""
    has = form.read
    standard = None if item.is_custom else item.title
    form.field(
        "label",
        "Question",
        st.text_input,
        value=has.get("label", ""),
        max_chars=LONGEST_NAME,
        placeholder=standard,
    )
    form.field(
        "help",
        "Help text (optional)",
        st.text_input,
        value=has.get("help", ""),
        max_chars=LONGEST_SENTENCE,
    )
    if item.kind in OF_OPTIONS:
        form.field(
            "options",
            "Options",
            st.text_area,
            value="\n".join(has.get("options", [])),
            help="One per line. One that is written otherwise is a new option: answers keep the"
            " one that was chosen.",
        )
        form.typed["options"] = form.typed["options"].splitlines()
    if item.is_custom or item.key not in NEEDED:
        form.field("required", "Required", st.toggle, value=has.get("required", False))
    if item.is_custom:
        draw_condition(form, item)


def draw_condition(form: Form, item: Item) -> None:
    """By which answers the question is shown."""
    offered = conditions(item.key or None)
    when = form.read.get("when")
    chosen = [text for text, (key, has) in offered.items() if _is_in(when, key, has)]
    form.field(
        "when",
        "Shown when",
        st.multiselect,
        options=list(offered),
        default=chosen,
        placeholder="Always, once the first question is answered",
        help="Answers to one question that stands before it; any of them shows it.",
    )
    picked = [offered[text] for text in form.typed["when"] if text in offered]
    keys = list(dict.fromkeys(key for key, _ in picked))
    form.typed["when"] = (
        When(keys[0], tuple(has for key, has in picked if key == keys[0])) if keys else None
    )
    form.typed["conditions"] = len(keys)


def typed_of(form: Form) -> dict[str, Any]:
    """What was typed. Raises InvalidInput for answers to several questions in one condition."""
    values = dict(form.typed)
    if values.pop("conditions", 0) > 1:
        raise InvalidInput("Choose answers to one question only.", field="when")
    return values


def note_of(item: Item) -> str:
    """Type, condition and duty of a question, in words."""
    kind = item.kind.label if item.kind else "Standard"
    shown = [text for text, (key, has) in conditions(None).items() if _is_in(item.when, key, has)]
    parts = [kind, "required" if item.required else "", f"when {', '.join(shown)}" if shown else ""]
    return " · ".join(filter(None, parts))


def show_items() -> None:
    """Every question in its order, each with what moves it."""
    for place, item in enumerate(design.items):
        with st.container(horizontal=True, vertical_alignment="center", key=f"row {item.key}"):
            st.markdown(
                f"{escape_markdown(item.title)}  \n:gray[{escape_markdown(note_of(item))}]",
                width="stretch",
            )
            for by, icon, words in ((-1, "arrow_upward", "up"), (1, "arrow_downward", "down")):
                if st.button(
                    "",
                    icon=f":material/{icon}:",
                    key=f"{words} {item.key}",
                    help=f"Move {words}",
                    disabled=not 0 <= place + by < len(design.items),
                ):
                    with act(viewer) as db:
                        move_item(db, item.key, by)
                    st.rerun()


def show_editor() -> None:
    """The question that was chosen, and its fields."""
    key = st.selectbox(
        "Change a question",
        [None, *design.by_key],
        format_func=lambda each: design.by_key[each].title if each else "Choose one",
    )
    if key is None:
        return
    item = design.by_key[key]
    form = Form(f"question {key}", values_of(item), in_words=in_words)
    with form.drawn():
        draw_fields(form, item)
        sent = st.form_submit_button("Save", type="primary", key=f"save {key}")
    if sent:
        with act(viewer, "Saved. Publish the design to bring it to the forms.", form) as db:
            change_item(db, key, typed_of(form), form.read)
        st.rerun()
    if key not in NEEDED and st.button("Leave this question out", key=f"leave out {key}"):
        with act(viewer, "Left out. Answers that were given stay.") as db:
            leave_out(db, key)
        st.rerun()


def show_adding() -> None:
    """A question of the organisation's own, and those that were left out."""
    with st.expander("Add a question"):
        kind = st.selectbox(
            "Answer", list(FieldKind), format_func=lambda each: each.label, key="kind of a new one"
        )
        form = Form(f"new question {kind}")
        with form.drawn(border=False):
            draw_fields(form, Item("", kind=kind))
            sent = st.form_submit_button("Add", type="primary")
        if sent:
            with act(viewer, "Added at the end of the form.", form) as db:
                add_item(db, kind or FieldKind.TEXT, typed_of(form))
            st.rerun()
    if absent:
        with st.expander(f"Put back a question ({len(absent)})"):
            chosen = st.selectbox("Question", list(absent), format_func=absent.__getitem__)
            if st.button("Put back") and chosen:
                with act(viewer, "Put back at the end of the form.") as db:
                    put_back(db, chosen)
                st.rerun()


def show_publishing() -> None:
    """Whether the forms follow the design already, and the way to bring them there."""
    version = f"Version {on_forms.version}" if on_forms.version else "The standard form"
    if not is_changed:
        st.caption(f"{version} is on the forms.")
        return
    st.info(f"{version} is on the forms. Closers see your changes once you publish them.")
    with st.container(horizontal=True):
        if st.button("Publish", type="primary"):
            with act(viewer, "Published. Filed forms keep the questions they had.") as db:
                publish(db, seen, viewer)
            st.rerun()
        if st.button("Discard changes"):
            with act(viewer, "Discarded.") as db:
                discard_work(db)
            st.rerun()


def show_preview() -> None:
    """The form as a closer will see it, to be tried; nothing of it is stored."""
    st.subheader("Preview")
    size = st.segmented_control(
        "Width", ["Desktop", "Phone"], default="Desktop", key="width", required=True
    )
    typed: dict[str, Any] = st.session_state.setdefault(TRIED, {})
    with st.container(border=True, width=PHONE if size == "Phone" else "stretch"):
        previewed = Choices(lists.packages, lists.lists, design)
        Questions(typed, {}, previewed, viewer.currency, prefix="preview ").ask()
    missing = design.missing(typed)
    if typed.get("call_occurred") is not None and missing:
        st.caption("Still required: " + ", ".join(design.by_key[key].title for key in missing))


top = st.container()
left, right = st.columns([1, 1], gap="large")
with left:
    show_items()
    show_editor()
    show_adding()
with right:
    show_preview()
with top:  # last, so that the page stands below what is refused
    show_publishing()
