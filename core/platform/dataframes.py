"""DataFrames from the database's rows, and back into rows.

pandas takes most of a second to import, and of the processes that read the same queries only the
screens draw tables; so it is imported with the first table that is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Result

if TYPE_CHECKING:
    import pandas as pd


def dataframe(rows: Iterable[Sequence[Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A table of ``rows``, whose values stand in the order of ``columns``."""
    import pandas as pd

    return pd.DataFrame([tuple(row) for row in rows], columns=list(columns))


def fetched(found: Result[*tuple[Any, ...]]) -> pd.DataFrame:
    """A table of what a statement found, with the statement's own columns."""
    return dataframe(found, list(found.keys()))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries. Missing values are None, where pandas may have NaN."""
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows
