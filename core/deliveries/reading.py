"""Reading a delivery: its JSON without what cannot be stored as text."""

from __future__ import annotations

import json
import math
import re
from typing import Any

# A zero byte is valid JSON, and so is half of a surrogate pair; neither can be stored as text.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_payload(body: bytes) -> Any:
    """The JSON value of a delivery, every text and every name in it cleaned. A number that is none,
    such as NaN, is null. Raises ValueError and RecursionError for what is no JSON.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(json.detect_encoding(body), "ignore")
    return _storable(json.loads(text))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {UNSTORABLE.sub("", name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
