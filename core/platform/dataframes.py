"""DataFrames back into rows."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries; what is missing is None (pandas gives a column of texts with gaps
    NaN instead).
    """
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows
