"""One line of the audit log in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from core.platform.audit_words import ABOUT_SOMEBODY
from core.platform.labels import NONE
from core.tenancy.access.audit import FORMER, MASKED, column_label, is_user, word_columns
from core.ui.parts.format import when

NOT_SHOWN = ("id", "created_at")
LONGEST = 200


def changes_in_words(
    operation: str, changes: Mapping[str, Any], names: Mapping[str, str], timezone: str
) -> list[str]:
    """What changed, column by column: ``Booking status: scheduled → completed``. What is no change
    of a column, such as the format of an export, is shown as it is.
    """
    return [
        f"{column_label(column)}: "
        + (
            _change(operation, column, *value, names=names, timezone=timezone)
            if isinstance(value, list)
            else _value(column, value, names, timezone)
        )
        for column, value in sorted(changes.items())
        if column not in NOT_SHOWN
        and not _shown_already(column, changes)
        and not _is_secret_of_row(operation, value)
    ]


def _is_secret_of_row(operation: str, value: Any) -> bool:
    """Each of some rows has a secret; only that it was changed is worth a line."""
    return operation in ("insert", "delete") and isinstance(value, list) and MASKED in value


def _shown_already(column: str, changes: Mapping[str, Any]) -> bool:
    """A normal form stands beside what was written, or alone."""
    return column.endswith("_normalized") and column.removesuffix("_normalized") in changes


def details_of(line: Row[Any], names: Mapping[str, str], timezone: str) -> list[str]:
    """What a line of the log says beside who and when: whom it is about, or what changed."""
    if line.operation not in ABOUT_SOMEBODY:
        return changes_in_words(line.operation, line.changes, names, timezone)
    return [names.get(line.row_id, FORMER) if line.row_id else "An address that is nobody's"]


def _change(
    operation: str, column: str, old: Any, new: Any, *, names: Mapping[str, str], timezone: str
) -> str:
    if MASKED in (old, new):
        return "changed"
    before, after = (_value(column, value, names, timezone) for value in (old, new))
    return {"insert": after, "delete": before}.get(operation, f"{before} → {after}")


def _value(column: str, value: Any, names: Mapping[str, str], timezone: str) -> str:
    if value in (None, "", [], {}):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_user(column):
        return names.get(str(value), FORMER)
    if column.endswith("_id") and str(value) in names:
        return names[str(value)]
    if isinstance(value, str) and column in word_columns():
        said = word_columns()[column].get(value, value.replace("_", " "))
        return said if said[:2].isupper() else said[:1].lower() + said[1:]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _moment(column, text, timezone) or (
        text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    )


def _moment(column: str, text: str, timezone: str) -> str | None:
    if column != "at" and not column.endswith(("_at", "_date", "_from", "_after")):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when(at, timezone) if at.tzinfo else None
