"""How payments stand, in a word for each."""

from __future__ import annotations

import pandas as pd

from core.money.models import PaymentStatus
from core.ui.parts.format import word


def payment_states(payments: pd.DataFrame) -> list[str]:
    """The state of each row of ``payments_table``: what matters more than the processor's word
    comes first.
    """
    return [
        "counted elsewhere"
        if superseded is not None
        else "disputed"
        if disputed
        else word(status, PaymentStatus)
        for superseded, disputed, status in zip(
            payments["superseded_by_id"], payments["disputed"], payments["status"], strict=True
        )
    ]
