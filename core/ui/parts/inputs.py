"""Fields that cannot be misread: they echo what they understood, refuse what may mean two things,
and have the right keyboard on a phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from core.platform.errors import InvalidInput
from core.platform.money import EXAMPLE, is_unusual, shown, typed_amount
from core.ui.parts.format import escape_markdown

# Streamlit offers no field with a decimal keyboard, and leaves this attribute to us. It is set when
# the field is touched, before the keyboard opens.
AMOUNT = "transaction-amount"
_decimal_keyboard = st.components.v2.component(
    "decimal_keyboard",
    html="<span></span>",
    js=f"""
const fields = 'input[autocomplete="{AMOUNT}"]'
const mark = (event) => {{
  const field = event.target.closest?.(fields)
  if (field) field.inputMode = "decimal"
}}
export default function () {{
  for (const touched of ["pointerdown", "focusin"]) {{
    document.removeEventListener(touched, window.soDecimal, true)
    document.addEventListener(touched, mark, true)
  }}
  window.soDecimal = mark
}}
""",
)


@dataclass(frozen=True)
class TypedAmount:
    """What was typed into a field of money: the amount, None for nothing, or why it is none."""

    text: str
    amount: Decimal | None
    problem: str | None = None

    def checked(self, field: str) -> Decimal | None:
        """The amount. Raises InvalidInput where there is a problem."""
        if self.problem is not None:
            raise InvalidInput(self.problem, field=field)
        return self.amount


def amount_field(
    label: str, currency: str, *, key: str, value: str = "", help: str | None = None
) -> TypedAmount:
    """A field of money in this currency, with what it understood below it. An amount that is rather
    a slip of the finger has to be confirmed.
    """
    text = st.text_input(
        f"{label} ({escape_markdown(currency)})",
        value=value,
        key=key,
        placeholder=shown(EXAMPLE, currency),
        help=help,
        autocomplete=AMOUNT,
    )
    with st.container(key=f"unseen {key}"):
        _decimal_keyboard(key=f"{key} keyboard", data={})
    written = (text or "").strip()
    if not written:
        return TypedAmount("", None)
    try:
        amount = typed_amount(written, currency)
    except InvalidInput as error:
        st.error(escape_markdown(error.message))
        return TypedAmount(written, None, error.message)
    exact = escape_markdown(shown(amount, currency))
    st.caption(f"= {exact}")
    if is_unusual(amount, currency) and not st.checkbox(
        f"Yes, {exact} is right", key=f"{key} {amount} is right"
    ):
        problem = f"{shown(amount, currency)} is a lot. Tick the box if it is right."
        st.warning(escape_markdown(problem))
        return TypedAmount(written, amount, problem)
    return TypedAmount(written, amount)
