"""Which reasons of payout lines have what in common, as functions of the database."""

from __future__ import annotations

from collections.abc import Callable

from core.money.models import LineKind, LineReason, Meaning
from core.platform.security.word_lists import word_list

CLASSES: dict[str, Callable[[Meaning], bool]] = {
    "payment_reasons": lambda meaning: meaning.kind is LineKind.PAYMENT,
    "cash_reasons": lambda meaning: meaning.counts_cash,
    "return_reasons": lambda meaning: meaning.is_return,
}


def functions() -> str:
    """The lists that the statements of payouts compare with: ``app.payment_reasons``,
    ``app.cash_reasons`` and ``app.return_reasons``.
    """
    lists = {
        name: [reason for reason in LineReason if belongs(reason.meaning)]
        for name, belongs in CLASSES.items()
    }
    return "\n".join(word_list(name, words, "so_app", "so_worker") for name, words in lists.items())
