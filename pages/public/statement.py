"""One person's statement of one payout: the sums, and every line that they are made of."""

from __future__ import annotations

import streamlit as st

from core.links.kinds import LinkPurpose
from core.money.payout_tables import statement, statement_lines
from core.platform.dataframes import records
from core.ui.page import empty, open_to_all
from core.ui.panels.payouts import lines_shown, show_lines, show_sums
from core.ui.parts.columns import Text
from core.ui.parts.format import days
from core.ui.public import heading, visitor_of

open_to_all("statement")
visitor = visitor_of(LinkPurpose.COMMISSION)
with visitor.transaction() as db:
    snapshot_id, sums = statement(db)
    lines = lines_shown(db, snapshot_id, "statement", statement_lines)

days_of_payout = (
    days(visitor.period_start, visitor.period_end)
    if visitor.period_start and visitor.period_end
    else ""
)
heading(
    f"{visitor.person}: {visitor.snapshot_name}",
    visitor,
    f"{'Setter' if visitor.setter_id else 'Closer'} · {days_of_payout}",
)
if not any(part.together for part in lines.values()):
    empty("Nothing in this payout", "You have no payments or adjustments in these days.")
    st.stop()
show_sums({row["currency"]: row for row in records(sums)})
st.caption("As approved. Later refunds and corrections appear as adjustments in a later statement.")
package = Text("package_name", "Package")
show_lines(lines, visitor.timezone, "statement", [package])
