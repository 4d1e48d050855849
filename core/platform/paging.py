"""Lists in pages. A cursor records the position of a page's last row, so that rows added meanwhile
neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, String, case, func

from core.platform.errors import InvalidInput
from core.platform.schema import Words
from core.platform.vault import derived_key

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 500


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted, as an address writes it: ``amount``, ``-amount``."""

    column: str
    descending: bool = False

    @classmethod
    def of(cls, text: str) -> Order | None:
        """The order that an address names; None where it names none."""
        column = text.removeprefix("-")
        return cls(column, text.startswith("-")) if column else None

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


def order_by(columns: Mapping[str, Any], order: Order) -> list[ColumnElement[Any]]:
    """The order as SQL, rows without a value last."""
    column = columns[order.column]
    key = _key(getattr(column, "element", column))  # a labelled column by what it is the label of
    return [(key.desc() if order.descending else key.asc()).nulls_last()]


def sorted_by(
    query: Select[Any],
    columns: Mapping[str, Any],
    order: Order | None,
    *,
    usual: SQLColumnExpression[Any],
    newest: SQLColumnExpression[Any],
    within: Sequence[SQLColumnExpression[Any]] = (),
) -> Select[Any]:
    """The query in an order of ``columns``, or in its usual one; of equal rows those come first
    whose ``newest`` is the largest, so that pages neither repeat nor leave out a row. ``within``
    come before everything else.
    """
    ordered = order_by(columns, order) if order else [usual]
    return query.order_by(*within, *ordered, newest.desc())


def _key(by: Any) -> Any:
    """What a column is sorted by: words by their labels, other texts without regard to case."""
    if isinstance(by.type, Words):
        labels = sorted(by.type.words, key=lambda each: str(getattr(each, "label", each)).lower())
        return case({str(each): place for place, each in enumerate(labels)}, value=by)
    return func.nullif(func.lower(by), "") if isinstance(by.type, String) else by


def check_limit(text: str | None) -> int:
    """The number of rows in a page. Raises InvalidInput."""
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise InvalidInput(f"limit must be a number from 1 to {LARGEST_LIMIT}.", field="limit")
    return int(text)


def encode_cursor(at: datetime, row_id: UUID) -> str:
    """A cursor for the position after a row, signed so that we recognise it as ours."""
    place = base64.urlsafe_b64encode(json.dumps([at.isoformat(), str(row_id)]).encode()).decode()
    return f"{place}.{_mark(place)}"


def decode_cursor(text: str | None) -> tuple[datetime, UUID] | None:
    """The position that a cursor holds. Raises InvalidInput for a cursor that we did not make."""
    if not text:
        return None
    place, _, mark = text.partition(".")
    if not hmac.compare_digest(_mark(place).encode(), mark.encode()):
        raise InvalidInput("The cursor is not valid; start again without one.", field="cursor")
    at, row_id = json.loads(base64.urlsafe_b64decode(place))
    return datetime.fromisoformat(at), UUID(row_id)


def _mark(place: str) -> str:
    return hmac.digest(derived_key("cursor"), place.encode(), "sha256").hex()[:16]
