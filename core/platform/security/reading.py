"""Whether somebody may read a row, asked by somebody else: the policy's own condition, with the
other person's identity in place of the transaction's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from core.platform.errors import Misconfigured
from core.platform.security.ownership import TEAM
from core.platform.security.policies import access_of

# What a condition asks of the transaction, and the parameter that stands in for it.
ASKED = {
    TEAM: "cast(:team as uuid[])",
    "app.cur_role()": "cast(:role as text)",
    "app.cur_team_only()": "cast(:team_only as boolean)",
    "app.cur_user()": "cast(:user_id as uuid)",
}


@dataclass(frozen=True)
class Reader:
    """The identity of a transaction as policies see it (``app.enter``), within the organisation of
    whoever asks.
    """

    user_id: UUID
    role: str
    team: Sequence[UUID]
    team_only: bool


def may_read(db: Session, table: Table, row_id: UUID, reader: Reader) -> bool:
    """Whether the policies give ``reader`` the row, which whoever asks must see.

    Raises Misconfigured for a table whose condition asks for more than a reader has.
    """
    condition = access_of(table).select or "false"
    for asked, given in ASKED.items():
        condition = condition.replace(asked, given)
    if "app.cur_" in condition.replace("app.cur_org()", ""):
        raise Misconfigured(f"Table {table.name} asks for what is not known of another reader.")
    question = text(f"select {condition} from app.{table.name} where id = :row_id")
    values: dict[str, Any] = vars(reader) | {"team": list(reader.team), "row_id": row_id}
    return bool(db.execute(question, values).scalar())
