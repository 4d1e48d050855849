"""Slack reports: what the channel will read, when it is posted, and how the last posts went."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import streamlit as st

from core.deliveries.queries import recent_messages
from core.messages.actions import (
    post_test,
    set_slack_report,
    set_slack_webhook,
    slack_webhook_ends_with,
)
from core.messages.models import ReportSettings
from core.messages.reports import CHANNEL, daily_report, overdue_reminder
from core.messages.settings import REPORTS
from core.platform.clock import today
from core.platform.notation import notation
from core.platform.settings import settings
from core.providers.slack.messages import check_address
from core.tenancy.organizations.queries import settings_of
from core.ui.page import act, empty, require, title
from core.ui.panels.slack_preview import show_message
from core.ui.parts.columns import Moment, Number, Text, Word
from core.ui.parts.format import escape_markdown
from core.ui.parts.forms import Form, shown_value
from core.ui.parts.secret_field import forget, secret_field
from core.ui.parts.tables import table

KINDS = {
    "daily_report": "Daily report",
    "overdue_reminder": "Overdue forms",
    "test": "Test message",
}
STATES = {"sent": "Posted", "uncertain": "Unknown: check the channel"}
ENABLED, HOUR = "slack_report_enabled", "slack_report_hour"
viewer = require("reports")


def clock(hour: int) -> str:
    """A full hour, as in ``9:00``."""
    return notation().clock(datetime.combine(date.min, time(hour)))


title("Slack reports", viewer, "Yesterday's figures and the overdue forms, once a day")
with viewer.transaction() as db:
    wanted = settings_of(db, ReportSettings)
    ends_with = slack_webhook_ends_with(db)
has_channel = ends_with is not None or settings().slack_webhook_url is not None
state = (
    f"On: posted daily from {clock(wanted.slack_report_hour)}."
    if wanted.slack_report_enabled
    else "Off: nothing is posted."
)
if wanted.slack_report_enabled and not has_channel:
    st.warning("Reports are on, but no channel is set up. Enter an incoming webhook below.")
st.markdown(
    f"**{state}** "
    + (f"The channel's webhook ends with {escape_markdown(ends_with)}." if ends_with else "")
)

hours = {hour: clock(hour) for hour in range(24)}
form = Form(
    "slack",
    {key.key: getattr(wanted, key.key) for key in REPORTS.settings},
    in_words=lambda name, value: clock(value) if name == HOUR else shown_value(name, value),
)
with st.expander("Change", expanded=not has_channel), form.drawn(border=False):
    enabled = form.field(ENABLED, "Post every day", st.toggle, value=form.read[ENABLED])
    hour = form.field(
        HOUR,
        "From this hour on",
        st.selectbox,
        options=list(hours),
        index=form.read[HOUR],
        format_func=hours.__getitem__,
    )
    url = secret_field(
        "Incoming webhook",
        "incoming webhook",
        placeholder="https://hooks.slack.com/services/…",
        hint=(
            "In Slack: Apps → Incoming Webhooks → Add. Leave empty to keep the one that is stored."
        ),
    )
    if st.form_submit_button("Save", type="primary"):
        forget("incoming webhook")
        with act(viewer, "Saved.", form) as db:
            if url.strip():
                set_slack_webhook(db, check_address(url.strip()))
            set_slack_report(db, enabled=enabled, hour=hour, read=form.read)
        st.rerun()
if has_channel and st.button("Post a test message"):
    with act(viewer, "On its way: check the channel.") as db:
        post_test(db, viewer.name)
    st.rerun()

st.subheader("What the channel will read")
yesterday = today(viewer.timezone) - timedelta(days=1)
with viewer.transaction() as db:
    report, reminders = daily_report(db, yesterday), overdue_reminder(db)
    posted = recent_messages(db, CHANNEL)
show_message(report)
if not reminders:
    st.caption("No form is overdue, so there is no reminder.")
for reminder in reminders:
    show_message(reminder)

st.subheader("Last posts")
if posted.empty:
    empty(
        "Nothing has been posted yet",
        "The first report goes out at its hour, or within a quarter of an hour when that is over.",
    )
    st.stop()
table(
    posted,
    "posted",
    download=False,
    card=("kind", "created_at", "status"),
    columns=[
        Moment("created_at", "When", viewer.timezone),
        Word("kind", "What", KINDS),
        Word("status", "State", STATES),
        Number("attempts", "Tries"),
        Text("last_error", "Why"),
    ],
)
