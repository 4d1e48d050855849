"""How a locale writes things, by example: what an admin sees before choosing it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from core.platform.money import shown
from core.platform.notation import of_locale

AT = datetime(2026, 12, 31, 15, 30)  # noqa: DTZ001 - an example


def examples(code: str, currency: str) -> dict[str, str]:
    """What is written, and how this locale writes it; amounts in the organisation's currency."""
    style = of_locale(code)
    day, separator = style.day(AT), "semicolons" if style.decimal_sign == "," else "commas"
    moment = f"{style.day(AT, weekday=True, year=False)}{',' * style.month_first}"
    return {
        "Amount": shown(Decimal("1234567.5"), currency, notation=style),
        "Count": style.number(12480),
        "Day": day,
        "Time": f"{moment} {style.clock(AT)}",
        "A day that you type": style.typed_day,
        "CSV for Excel": f"values between {separator}",
    }
