"""The sums of a payout or of one person's part in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.ui.parts.format import money

SUMS = {"cash_collected": "Cash collected", "refunds": "Refunds", "net_revenue": "Net revenue"}


def show_sums(sums: Mapping[str, Mapping[str, Any]]) -> None:
    """A card for each sum; ``sums`` are decimals by currency and name."""
    with st.container(horizontal=True):
        for name, label in SUMS.items():
            amounts = {currency: of_one[name] for currency, of_one in sums.items()}
            st.metric(label, money(amounts), border=True, width="content")
