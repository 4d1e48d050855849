"""Reading a delivery: its JSON without what cannot be stored as text, and as people may see it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from core.deliveries.masking import masked, masked_text

# A zero byte is valid JSON, and so is half of a surrogate pair; neither can be stored as text.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# In JSON they can only be written as escapes.
ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def read_payload(body: bytes) -> Any:
    """The JSON value of a delivery, every text and every name in it cleaned. A number that is none,
    such as NaN, is null. Raises ValueError and RecursionError for what is no JSON.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(json.detect_encoding(body), "ignore")
    value = json.loads(text, parse_float=_finite, parse_constant=lambda _: None)
    return _storable(value) if ESCAPED.search(text) else value


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {UNSTORABLE.sub("", name): _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value


def as_text(body: bytes) -> str:
    """A delivery's body as people read it: its JSON line by line, or else as it came."""
    try:
        value = masked(read_payload(body))
    except (ValueError, RecursionError):
        return masked_text(body.decode(json.detect_encoding(body), "replace"))
    return json.dumps(value, indent=2, ensure_ascii=False)
