"""Converting DataFrames back into rows."""

from __future__ import annotations

from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries. Missing values are None, where pandas may have NaN."""
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows
