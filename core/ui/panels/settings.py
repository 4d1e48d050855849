"""Settings of an organisation, group by group, as the packages declare them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from core.bookings.settings import BOOKINGS
from core.deliveries.settings import PERSONAL_DATA
from core.money.settings import MONEY
from core.platform.notation import notation
from core.tenancy.access.settings import API, WHAT_REPS_SEE, WHO_GETS_IN
from core.tenancy.access.viewers import Viewer
from core.tenancy.organizations.queries import settings_of
from core.tenancy.organizations.settings import (
    ORGANIZATION,
    Setting,
    SettingsGroup,
    change_settings,
)
from core.ui.page import act
from core.ui.parts.format import escape_markdown, on, plural
from core.ui.parts.forms import Form

GROUPS = (ORGANIZATION, BOOKINGS, MONEY, WHAT_REPS_SEE, WHO_GETS_IN, API, PERSONAL_DATA)


def show_settings(viewer: Viewer) -> None:
    """Every setting with its meaning, its present value, and the way to change it."""
    with viewer.transaction() as db:
        rows = [settings_of(db, group.model) for group in GROUPS]
    for group, row in zip(GROUPS, rows, strict=True):
        st.subheader(group.title)
        with st.container(border=True):
            for setting in group.settings:
                _show(viewer, group, setting, row)


def _show(viewer: Viewer, group: SettingsGroup, setting: Setting, row: Any) -> None:
    value = getattr(row, setting.key)
    what, present, change = st.columns([6, 3, 2], vertical_alignment="center")
    what.markdown(f"**{setting.label}**")
    what.caption(setting.meaning)
    present.markdown(escape_markdown(_in_words(setting, value)))
    form = Form(setting.key, {setting.key: value}, in_words=lambda _, now: _in_words(setting, now))
    with change.popover("Change", width="stretch", key=f"change {setting.key}"):
        if setting.warning:
            st.warning(setting.warning)
        if setting.examples is not None:  # drawn anew with each choice, as no field of a form is
            _draw(form, setting)
            now, chosen = (
                setting.examples(each, row.currency) for each in (value, form.typed[setting.key])
            )
            st.markdown(_examples_in_words(now, chosen))
        with form.drawn(border=False):
            if setting.examples is None:
                _draw(form, setting)
            sent = st.form_submit_button("Save", type="primary", key=f"save {setting.key}")
    if sent:
        with act(viewer, f"{setting.label}: saved.", form) as db:
            change_settings(db, group, form.typed, form.read)
        st.rerun()


def _examples_in_words(now: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """A table of what is written now and what the choice would make of it."""
    columns = {"Now": now} if chosen == now else {"Now": now, "After the change": chosen}
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[what, *(escape_markdown(each[what]) for each in columns.values())] for what in now]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _in_words(setting: Setting, value: Any) -> str:
    if setting.kind == "switch":
        return "On" if value else "Off"
    if value is None or value == []:
        return (setting.empty or "").capitalize()
    if setting.kind == "number":
        unit, _, rest = setting.unit.partition(" ")
        return f"{plural(value, unit.removesuffix('s'), unit)} {rest}".strip()
    if setting.kind == "day":
        return on(value)
    if setting.kind == "choice":
        return setting.in_words(value)
    if setting.kind == "list":
        return ", ".join(value)
    return str(value)


def _draw(form: Form, setting: Setting) -> None:
    """The setting's field, with the value in it that it replaces."""
    value = form.read[setting.key]
    ask = partial(form.field, setting.key, setting.label)
    if setting.kind == "switch":
        ask(st.toggle, value=value)
    elif setting.kind == "choice":
        chosen = setting.choices.index(value)
        ask(st.selectbox, options=setting.choices, index=chosen, format_func=setting.in_words)
    elif setting.kind == "number":
        hint = f"{setting.least} to {setting.most} {setting.unit}" + (
            f"; empty means {setting.empty}" if setting.empty else ""
        )
        limits = {"min_value": setting.least, "max_value": setting.most}
        ask(st.number_input, value=value, step=1, help=hint, **limits)
    elif setting.kind == "list":
        ask(st.text_area, value="\n".join(value), help="One on each line")
    elif setting.kind == "day":
        ask(st.date_input, value=value, format=notation().typed_day)
    else:
        ask(st.text_input, value=value or "")
