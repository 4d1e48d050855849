"""Go-live: what works, what is weak, what is broken, how to mend each, and the steps of
setting up.
"""

from __future__ import annotations

import streamlit as st

from core.operations.checks import Check, State
from core.operations.go_live import setup_steps
from core.operations.organization_checks import examine_organization
from core.tenancy.access.organization_status import set_status
from core.tenancy.organizations.models import OrganizationStatus
from core.tenancy.organizations.queries import current_organization
from core.ui.navigation import BY_KEY
from core.ui.page import act, go, require, title
from core.ui.parts.format import escape_markdown, plural

SHOWN = {
    State.RED: ("error", ":material/error:", "Broken"),
    State.AMBER: ("warning", ":material/warning:", "Check this"),
    State.GREEN: ("success", ":material/check_circle:", "OK"),
}
viewer = require("go-live")
title("Go-live", viewer, "Checked each time you open this page")


def is_there(screen: str | None) -> bool:
    """Whether what is looked at is of use to the organisation: not of a module that is switched
    off.
    """
    return screen is None or viewer.has(BY_KEY[screen].module)


found = [check for check in examine_organization(viewer.organization_id) if is_there(check.screen)]
checks = sorted(found, key=lambda check: list(SHOWN).index(check.state))
with viewer.transaction() as db:
    status = current_organization(db).status
    steps = [step for step in setup_steps(db) if is_there(step.screen)]
broken, weak = (sum(check.state == state for check in checks) for state in (State.RED, State.AMBER))
done = sum(step.done for step in steps)
counted = [plural(broken, "problem", "problems")] * bool(broken)
counted += [plural(weak, "warning", "warnings")] * bool(weak)
st.markdown(f"**{', '.join(counted) or 'All checks passed'}.**")


def show(check: Check) -> None:
    """One line: how it stands, what was seen, how to mend it, and the way there."""
    kind, icon, word = SHOWN[check.state]
    what, way = st.columns([8, 3], vertical_alignment="center")
    with what:
        name = check.name[:1].upper() + check.name[1:]
        mending = f"  \n{escape_markdown(check.fix)}" if check.fix else ""
        getattr(st, kind)(
            f"**{escape_markdown(name)}** · {word}: {escape_markdown(check.seen)}{mending}",
            icon=icon,
        )
    if check.screen and check.state != State.GREEN:
        with way:
            parameters = {"view": check.view} if check.view else {}
            go(check.screen, f"Open {BY_KEY[check.screen].title}", **parameters)


for line in checks:
    show(line)

st.subheader("Setting up")
st.caption(f"{done} of {len(steps)} steps done")
st.progress(done / len(steps))
if status is OrganizationStatus.SETTING_UP:
    is_done = done == len(steps) and not broken
    st.caption(
        "Everything is set up."
        if is_done
        else "The organisation is being set up. You can go live before every step is done."
    )
    if st.button("Go live", type="primary" if is_done else "secondary"):
        with act(viewer, "The organisation is active.") as db:
            set_status(db, viewer.organization_id, OrganizationStatus.ACTIVE)
        st.rerun()
for number, step in enumerate(steps, 1):
    what, way = st.columns([8, 3], vertical_alignment="center")
    icon = ":material/check_circle:" if step.done else ":material/radio_button_unchecked:"
    what.markdown(
        f"{icon} {'Done' if step.done else 'To do'} · **{number}. {step.title}** · {step.seen}"
    )
    if not step.done:
        with way:
            go(step.screen, f"Open {BY_KEY[step.screen].title}")
